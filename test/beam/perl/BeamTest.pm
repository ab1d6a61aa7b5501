# A server with pg_etf_beam.
#
#	my $beam = BeamTest->new('main', conf => "elixir.command = '...'");
#	is($beam->sql('SELECT ...'), '...', 'contract');
package BeamTest;

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# Parameters: conf, further lines of postgresql.conf; preload, whether the
# server runs the BEAM (yes unless 0); extension, whether it is created (yes);
# streaming, whether it may have a standby.
sub new
{
	my ($class, $name, %param) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $self = bless { node => $node }, $class;

	$node->init(allows_streaming => $param{streaming} // 0,
		extra => [ '--encoding', 'UTF8', '--locale', 'C' ]);
	$node->append_conf('postgresql.conf',
		"shared_preload_libraries = 'pg_etf_beam'")
	  if $param{preload} // 1;
	$node->append_conf('postgresql.conf', $_)
	  for 'autovacuum = off', 'fsync = off', $param{conf} // '';
	$node->start;
	$self->sql('CREATE EXTENSION pg_etf_beam') if $param{extension} // 1;
	return $self;
}

# For a test of functions in Elixir.
sub needs_elixir
{
	plan(skip_all => 'the library does not support this Elixir')
	  if !$ENV{ETF_ELIXIR};
	return;
}

# What runs the functions of test/beam/lib.
sub command
{
	return qq{elixir -pa $ENV{ETF_EBIN} }
	  . q{-e "PgEtf.Sidecar.boot(modules: [Shop, Typed, Rude])" --no-halt};
}

# The server runs that BEAM, and it is ready.
sub with_sidecar
{
	my ($class, $name, %param) = @_;
	my $self = $class->new($name, %param,
		conf => "elixir.command = '" . command() . "'\n"
		  . ($param{conf} // ''));

	$self->wait_until_ready;
	return $self;
}

sub health
{
	my ($self, $column) = @_;

	return $self->sql("SELECT $column FROM elixir_health()");
}

sub wait_until_ready
{
	my ($self) = @_;

	$self->wait_for("SELECT status = 'ready' FROM elixir_health()",
		'the sidecar is ready');
	return;
}

# The server's major version.
sub version
{
	my ($self) = @_;

	return $self->{version} //= int($self->sql('SHOW server_version_num') / 10000);
}

sub node { return $_[0]->{node}; }

sub sql
{
	my ($self, $sql, $db) = @_;

	return $self->{node}->safe_psql($db // 'postgres', $sql);
}

# What psql says of SQL that has to fail: SQLSTATE, message, detail, hint.
sub sql_error
{
	my ($self, $sql, $db) = @_;
	my $stderr = '';
	my $status = $self->{node}->psql($db // 'postgres',
		"\\set VERBOSITY verbose\n$sql", stderr => \$stderr);

	return $status == 0 ? 'no error' : $stderr;
}

# What SQL returns, or what psql says when it fails.
sub sql_result
{
	my ($self, $sql, $db) = @_;
	my ($stdout, $stderr) = ('', '');
	my $status = $self->{node}->psql($db // 'postgres',
		"\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr);

	return $status == 0 ? $stdout : $stderr;
}

# The block of docs/sql-to-beam.md that is marked by "<!-- run: NAME -->".
sub documented
{
	my ($name) = @_;
	my ($block) = PostgreSQL::Test::Utils::slurp_file('docs/sql-to-beam.md') =~
	  /^<!-- run: $name -->\n```\w+\n(.*?)^```/ms;

	return $block // die "docs/sql-to-beam.md has no block called $name";
}

# Wait until a query returns 't'; the test fails when it never does.
sub wait_for
{
	my ($self, $query, $what) = @_;

	ok($self->{node}->poll_query_until('postgres', $query), $what);
	return;
}

# Until it is true, for two minutes at most.
sub eventually
{
	my ($condition) = @_;
	my $end = time + 120;

	until ($condition->())
	{
		return 0 if time > $end;
		sleep 0.05;
	}
	return 1;
}

sub log { return slurp_file($_[0]->{node}->logfile); }

sub log_has
{
	my ($self, $pattern) = @_;

	return eventually(sub { $self->log =~ $pattern });
}

# A setting of the running server.
sub set
{
	my ($self, $name, $value) = @_;

	$value =~ s/'/''/g;
	$self->sql("ALTER SYSTEM SET $name = '$value'");
	$self->{node}->reload;
	return;
}

sub stop
{
	my ($self) = @_;

	$self->{node}->stop('fast');
	return;
}

1;
