# What CREATE EXTENSION makes, with and without shared_preload_libraries, and
# who may use it.
use strict;
use warnings;

use BeamTest;
use PostgreSQL::Test::Utils;
use Test::More;

for my $preload (0, 1)
{
	my $beam = BeamTest->new("preload$preload", preload => $preload);
	my $how = $preload ? 'preloaded' : 'loaded when used';

	is($beam->sql("SELECT extversion FROM pg_extension
			WHERE extname = 'pg_etf_beam'"),
		'1.0', "the extension is there, $how");
	like($beam->sql_error(q{SELECT elixir_call('f', '1')}),
		qr/08001|57P03/, "without a BEAM a call fails, $how");
	$beam->sql('CREATE ROLE nobody LOGIN');
	like($beam->sql_error(q{SET ROLE nobody; SELECT elixir_call('f', '1')}),
		qr/42501.*permission denied/, "nobody may call, $how");
	is($beam->sql(q{DROP EXTENSION pg_etf_beam; SELECT 1}), 1,
		"it can be dropped, $how");
	$beam->stop;
}

# The tables of settings
my $beam = BeamTest->new('docs');
my $docs = slurp_file('docs/sql-to-beam.md');
my %shown = map { split /\|/ } split /\n/, $beam->sql(
	q{SELECT name, coalesce(nullif(current_setting(name), ''), 'empty')
		FROM pg_settings WHERE name LIKE 'elixir.%' OR name LIKE 'erlang.%'});
my %documented = map { s/`//gr } $docs =~ /^\| (`e\w+\.\w+`) \| (\S+) \|/mg;
cmp_ok(keys %shown, '>', 15, 'there are settings');
is_deeply(\%documented, \%shown, 'sql-to-beam.md has all of them');

# Rights
$beam->sql('CREATE ROLE nobody');
is($beam->sql(q{SELECT count(*) FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_etf_beam'
	WHERE proname LIKE 'elixir\_%' AND has_function_privilege('nobody', p.oid, 'EXECUTE')
	AND prorettype <> 'language_handler'::regtype
	AND proname NOT IN ('elixir_validator', 'elixir_inline_handler')}), 0,
	'nothing that calls is for PUBLIC');
my $restart = 'SET ROLE nobody; SELECT elixir_restart()';
like($beam->sql_error($restart), qr/42501/, 'nobody restarts the sidecar');
$beam->sql('GRANT EXECUTE ON FUNCTION elixir_restart() TO nobody');
like($beam->sql_error($restart), qr/55000.*does not run a sidecar/,
	'who is granted it may, were there one');
$beam->stop;

done_testing();
