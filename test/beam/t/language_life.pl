# LANGUAGE elixir over time and under odd conditions: memory and atoms stay as
# they are, calls nest, giants are refused, dumps restore without a BEAM.
use strict;
use warnings;

use BeamTest;
use PostgreSQL::Test::Utils;
use Test::More;

BeamTest::needs_elixir();

my $many = $ENV{PG_ETF_FULL} ? 1_000_000 : 100_000;
my $beam = BeamTest->with_sidecar('life', conf => "work_mem = '1MB'");

$beam->sql(q{SELECT elixir_import('Typed')});
$beam->sql("CREATE FUNCTION $_") for
  q{echo(value text) RETURNS text LANGUAGE elixir AS 'Typed.echo'},
  q{document(value jsonb) RETURNS jsonb LANGUAGE elixir AS 'Typed.echo'},
  q{fail(message text) RETURNS int LANGUAGE elixir AS 'Typed.fail'},
  q{given(kind text) RETURNS int LANGUAGE elixir AS 'Typed.given'},
  q{atoms() RETURNS int LANGUAGE elixir AS 'Typed.atoms'},
  q{copies(bytes int) RETURNS text LANGUAGE elixir AS 'Typed.copies'},
  q{many_copies(n int, bytes int) RETURNS SETOF text LANGUAGE elixir AS 'Typed.many_copies'};

# kB of this process that are resident.
my $resident = q{(SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid()
	|| '/status'), 'RssAnon:\s+(\d+)'))[1]::int)};

# What grows in a session that repeats the statement: {backend, BEAM} in kB.
sub growth
{
	my ($statement, $warm_up, $times) = @_;
	my $beam_memory = q{(SELECT (regexp_match(pg_read_file('/proc/' || pid
		|| '/status'), 'RssAnon:\s+(\d+)'))[1]::int FROM elixir_health())};
	my @lines = split /\n/, $beam->sql(
		sprintf(q{DO $$ BEGIN FOR i IN 1 .. %d LOOP %s; END LOOP; END $$;
			SELECT %s, %s;}, $warm_up, $statement, $resident, $beam_memory)
		. sprintf(q{DO $$ BEGIN FOR i IN 1 .. %d LOOP %s; END LOOP; END $$;
			SELECT %s, %s;}, $times, $statement, $resident, $beam_memory));
	my @before = split /\|/, $lines[0];
	my @after = split /\|/, $lines[1];

	return map { $after[$_] - $before[$_] } 0, 1;
}

for my $case (
	[ 'calls', q{PERFORM echo('text of some length')}, $many ],
	[ 'documents', q{PERFORM document('{"a": [1, 2.5, {"b": null}]}')}, $many / 2 ],
	[ 'errors of Elixir',
		q{BEGIN PERFORM fail('x'); EXCEPTION WHEN OTHERS THEN NULL; END},
		$many / 5 ],
	[ 'results that do not fit',
		q{BEGIN PERFORM given('error'); EXCEPTION WHEN OTHERS THEN NULL; END},
		$many / 5 ],
	[ 'sets', q{PERFORM count(*) FROM numbers(10)}, $many / 10 ],
	[ 'sets that are not read to their end',
		q{PERFORM n FROM numbers(3000) AS n LIMIT 1}, $many / 1000 ],
	[ 'changes of types',
		q{EXECUTE 'CREATE TYPE passing AS (a int); DROP TYPE passing'; PERFORM echo('x'); COMMIT},
		$many / 200 ])
{
	my ($what, $statement, $times) = @$case;
	my ($backend, $sidecar) = growth($statement, $times / 5, $times);

	cmp_ok($backend, '<', 2048, "$times $what leave the backend as it is ($backend kB)");
	cmp_ok($sidecar, '<', 32768, "... and the BEAM ($sidecar kB)");
}

# A table's data make no atoms.

my $atoms = $beam->sql('SELECT atoms()');
$beam->sql(q{SELECT count(document(jsonb_build_object('k' || i, 'v' || i)))
	FROM generate_series(1, 20000) AS i});
cmp_ok($beam->sql('SELECT atoms()') - $atoms, '<', 100,
	'20,000 keys and strings become no atoms');

# Giants

like($beam->sql_error(q{SELECT length(echo(repeat('x', 17000000)))}), qr/54000/,
	'an argument that is too large');
like($beam->sql_error(q{SELECT length(copies(17000000))}),
	qr/54000: the result of Typed.copies is too large/, 'a result that is');
is($beam->sql(q{SELECT length(copies(16000000))}), 16000000, 'one that is not');
is($beam->sql(q{SELECT sum(length(many_copies)) FROM many_copies(40, 1000000)}),
	40000000, 'a set that is larger than any packet');

# Nesting, and where a call may come from

$beam->sql(q{
	CREATE DOMAIN checked AS int CHECK (add(VALUE, 1) > 1);
	CREATE FUNCTION checked(value int) RETURNS checked LANGUAGE elixir AS 'Typed.echo';
	CREATE FUNCTION checked_set(n int) RETURNS SETOF checked
		LANGUAGE elixir AS 'Typed.numbers'});
is($beam->sql('SELECT checked(5)'), 5, 'a check that calls while a result is read');
is($beam->sql('SELECT count(*) FROM checked_set(2000)'), 2000, '... and while a set is');
like($beam->sql_error('SELECT checked(0)'), qr/23514/, '... and that fails');
is($beam->sql('SELECT checked(5)'), 5, '... without harm');

$beam->sql(q{CREATE TABLE numbered AS SELECT i FROM generate_series(1, 5000) AS i;
	CREATE INDEX ON numbered (add(i, 1)); ANALYZE numbered});
is($beam->sql('SET enable_seqscan = off; SELECT i FROM numbered WHERE add(i, 1) = 42'),
	41, 'an index over a function');
is($beam->sql(q{SET force_parallel_mode = on; SET parallel_setup_cost = 0;
		SET min_parallel_table_scan_size = 0; SET parallel_tuple_cost = 0;
		SELECT sum(add(i, 1)) FROM numbered}), 12507500,
	'parallel workers have connections of their own')
  if $beam->sql('SHOW server_version_num') < 160000;

# Restore where nothing runs

my $dump = $beam->node->basedir . '/dump.sql';
command_ok([ 'pg_dump', '-h', $beam->node->host, '-p', $beam->node->port,
	'--schema-only', '-f', $dump, 'postgres' ], 'a dump');
$beam->stop;

my $other = BeamTest->new('restored', preload => 0, extension => 0);
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h',
	$other->node->host, '-p', $other->node->port, '-f', $dump, 'postgres' ],
	'... is restored without a BEAM');
is($other->sql(q{SELECT count(*) FROM pg_proc p JOIN pg_language l
	ON l.oid = prolang WHERE lanname = 'elixir'}), 14, '... with all its functions');
$other->stop;

done_testing();
