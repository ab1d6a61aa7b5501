# pg_regress and pg_isolation_regress on a server of EtfTest.
package EtfRegress;

use strict;
use warnings;

use EtfTest;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

sub bindir
{
	my ($dir) = run_command([ 'pg_config', '--bindir' ]);

	return $dir;
}

sub run_all
{
	my ($name, $program, @files) = @_;

	plan skip_all => "this server's packages have no $program"
	  if !-x $program;

	my $etf = EtfTest->new($name);
	my $node = $etf->node;
	my $output = PostgreSQL::Test::Utils::tempdir();
	my @tests = sort map { basename($_) =~ s/\.\w+$//r } @files;

	$node->safe_psql('postgres', 'CREATE DATABASE regression');
	$node->safe_psql('regression', 'CREATE EXTENSION pg_etf_decoding');
	$node->safe_psql('regression', slurp_file('test/plugin/specs/setup.sql'))
	  if $name eq 'isolation';
	my $ok = run_log([
		$program, '--use-existing', '--dbname', 'regression',
		'--bindir', bindir(), '--inputdir', 'test/plugin',
		'--outputdir', $output, '--host', $node->host, '--port', $node->port,
		@tests ]);
	ok($ok, "$name: @tests");
	diag slurp_file("$output/regression.diffs")
	  if !$ok && -e "$output/regression.diffs";
	save_results($output) if defined $ENV{PG_ETF_RESULTS};
	$etf->stop;
	done_testing();
	return;
}

# PostgreSQL's own regression suite, of a directory src/test/regress.  Much of it
# fails, and is meant to.
sub run_suite
{
	my ($etf, $dir, $db) = @_;
	my $conninfo = $etf->node->connstr($db);

	local @ENV{qw(PG_ABS_SRCDIR PG_ABS_BUILDDIR PG_LIBDIR PG_DLSUFFIX)} = ($dir, $dir, $dir, '.so');
	for my $name (map { split ' ' } slurp_file("$dir/parallel_schedule") =~ /^test: (.*)$/mg)
	{
		run_log([ 'timeout', 300, 'psql', '-Xq', '-d', $conninfo, '-f', "$dir/sql/$name.sql" ], '&>', '/dev/null');
	}
	return;
}

# For the person who wants them as the new expectation.
sub save_results
{
	my ($output) = @_;

	system 'cp', '-r', "$output/results/.", $ENV{PG_ETF_RESULTS};
	return;
}

1;
