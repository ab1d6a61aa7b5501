# elixir_call and its like against the real sidecar.
use strict;
use warnings;

use BeamTest;
use Test::More;

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('calls',
	conf => "elixir.allow_load_code = on\nmax_prepared_transactions = 2");

sub call
{
	my ($function, $json) = @_;

	return "elixir_call('Shop.$function', '$json')";
}

is($beam->sql('SELECT ' . call('echo', $_)), $_, "$_ there and back")
  for '{"a": [1, 2.5, null, "ä"]}', 'null', '[]', '12345678901234567890',
  '{"f": false, "t": true}';
is($beam->sql("SELECT elixir_call('Shop.echo')"), 'null', 'no argument is null');
is($beam->sql(q{SELECT count(*) FROM generate_series(1, 1000) i
		WHERE elixir_call('Shop.echo', to_jsonb(i)) = to_jsonb(i)}),
	1000, 'many calls in one statement');
$beam->wait_for('SELECT request_count >= 1000 FROM elixir_health()',
	'elixir_health counts them');
is($beam->sql(q{SELECT elixir_call('Shop.echo', '1');
		SELECT connections FROM elixir_health()}), "1\n1",
	'a backend has one connection');

# Errors
my $error = $beam->sql_error('SELECT ' . call('fail', '"sold out"'));
like($error, qr/38000.*Shop\.fail\/1.*sold out/, 'an exception is an error');
like($error, qr/CONTEXT:.*shop\.ex:\d+/s, 'with the stack');
like($error, qr/function "Shop.fail" in the sidecar/, 'and who was called');
like($beam->sql_error("SELECT elixir_call('Shop.nobody', '1')"), qr/42883/,
	'a function that is not there');
like($beam->sql_error("SELECT elixir_call('Elixir.File.rm', '1')"), qr/42883/,
	'or is not registered');
like($beam->sql_error('SELECT ' . call('grow', '1')), qr/53200/,
	'a call that takes too much memory');
is($beam->sql('SELECT ' . call('echo', '1')), 1, 'is the only one that ends');
like($beam->sql_error(q{SELECT elixir_call('Shop.echo', '"a\u0000"')}),
	qr/22P05/, 'a zero byte is no text');

# Time limits and cancel: the function ends, too.
my $calls = q{SELECT elixir_call('Shop.sleeping')::int};
like($beam->sql_error(q{SET statement_timeout = 300; SELECT }
		. call('sleep', '60000')), qr/57014/, 'statement_timeout');
like($beam->sql_error(q{SET "elixir.request_timeout_ms" = 1000; SELECT }
		. call('sleep', '60000')), qr/08000.*did not answer within 1000 ms/,
	'elixir.request_timeout_ms');
$beam->wait_for("SELECT ($calls) = 0", 'neither function goes on');
my $stays = $beam->node->background_psql('postgres', on_error_stop => 0);
$stays->query('SET statement_timeout = 300; SELECT ' . call('sleep', '60000'));
$beam->wait_for("SELECT ($calls) = 0", 'nor while its session does');
is($stays->query('SELECT ' . call('echo', '1')), 1, 'which goes on calling');
$stays->quit;
my $other = $beam->node->background_psql('postgres', on_error_stop => 0);
my $pid = $other->query('SELECT pg_backend_pid()');
$other->query_until(qr/begun/,
	"\\echo begun\nSELECT " . call('sleep', '60000') . ";\n");
$beam->wait_for("SELECT ($calls) = 1", 'a call is under way');
$beam->sql("SELECT pg_terminate_backend($pid)");
$beam->wait_for("SELECT ($calls) = 0", 'it ends with its backend');
eval { $other->quit };
is($beam->sql(q{DO $$ BEGIN
		PERFORM elixir_call('Shop.fail', '"x"');
	EXCEPTION WHEN external_routine_exception THEN
		PERFORM set_config('test.caught', SQLERRM, false);
	END $$; SELECT current_setting('test.caught')}),
	'Shop.fail/1 raised ArgumentError: x', 'PL/pgSQL catches them');

like($beam->sql_error("SELECT elixir_call('Shop.close')"), qr/08006/,
	'a function that kills its connection');
is($beam->sql('SELECT ' . call('echo', '1')), 1, 'has no other victim');

# Sizes
is($beam->sql(q{SELECT length(elixir_call('Shop.big', '10000000')::text)}),
	10_000_002, '10 MB come back');
is($beam->sql(q{SELECT length(elixir_call('Shop.echo',
		to_jsonb(repeat('x', 10000000)))::text)}),
	10_000_002, '10 MB there and back');
like($beam->sql_error(q{SELECT elixir_call('Shop.big', '17000000')}),
	qr/54000/, 'a result of 17 MB is refused');
like($beam->sql_error(
		q{SELECT elixir_call('Shop.echo', to_jsonb(repeat('x', 17000000)))}),
	qr/54000.*17000\d+ bytes, at most 16777216/, 'an argument of 17 MB, too');

# Asynchronous calls
sub async
{
	my ($rest) = @_;

	return "SELECT elixir_call_async('Shop.$rest)";
}
my $id = $beam->sql(async(q{echo', '{"n": 1}'}));
like($id, qr/^[0-9a-f]{8}-[0-9a-f]{4}-4/, 'elixir_call_async returns a uuid');
is($beam->sql("SELECT elixir_get_result('$id', 10000)"),
	'{"result": {"n": 1}, "status": "done"}', 'its result is kept');
is($beam->sql("SELECT elixir_get_result('$id')->>'status'"), 'done',
	'for more than one look');
$id = $beam->sql(async(q{sleep', '60000'}));
is($beam->sql("SELECT elixir_get_result('$id', 100)"),
	'{"status": "pending"}', 'a call that goes on');
$id = $beam->sql(async(q{fail', '"x"'}));
is($beam->sql("SELECT r->>'status', r->'error'->>'sqlstate'
		FROM elixir_get_result('$id', 10000) r"),
	'failed|38000', 'a call that failed');
is($beam->sql("SELECT elixir_get_result(
		'00000000-0000-4000-8000-000000000000')->>'status'"),
	'lost', 'a call that nobody knows');
$beam->sql('CREATE ROLE other LOGIN; GRANT EXECUTE ON FUNCTION
	elixir_get_result(uuid, int), elixir_call_async(text, jsonb, boolean),
	elixir_call(text, jsonb) TO other');
$id = $beam->sql(async(q{echo', '1'}));
is($beam->sql("SET ROLE other; SELECT elixir_get_result('$id')->>'status'"),
	'lost', "another role's result is nobody's");
$id = $beam->sql('SET ROLE other; ' . async(q{echo', '2'}));
is($beam->sql("SELECT elixir_get_result('$id', 10000)->>'result'"), 2,
	'but a superuser sees it');

# At the commit
sub noted { return $beam->sql("SELECT elixir_call('Shop.noted')"); }
sub on_commit { return async("note', '\"$_[0]\"', true") . ';'; }
$beam->sql('BEGIN;' . on_commit('rolled back') . 'ROLLBACK');
$beam->sql('BEGIN;' . on_commit('a') . 'SAVEPOINT s;' . on_commit('b')
	  . 'ROLLBACK TO s;' . on_commit('c') . 'COMMIT');
$beam->sql('BEGIN; SAVEPOINT s; SAVEPOINT t;' . on_commit('d')
	  . 'RELEASE t; ROLLBACK TO s;' . on_commit('e') . 'COMMIT;'
	  . "SELECT elixir_call('Shop.echo', '1')");
$beam->sql(on_commit('f'));
$beam->wait_for(q{SELECT elixir_call('Shop.noted') @> '["f"]'},
	'a call at the end of a session is made');
is(noted(), '["a", "c", "e", "f"]',
	'calls on commit: exactly those of what was committed');
like($beam->sql_error('BEGIN;' . on_commit('x') . "PREPARE TRANSACTION 'p'"),
	qr/0A000/, 'not with PREPARE TRANSACTION');
like($beam->sql_error('BEGIN; SELECT count(elixir_call_async(
		\'Shop.echo\', to_jsonb(repeat(\'x\', 1000)), true))
		FROM generate_series(1, 100); COMMIT'),
	qr/54000/, 'nor without a limit');
like($beam->sql_error(q{SELECT elixir_call_async('Shop.nobody', '1', true);
		SELECT elixir_call('Shop.echo', '1'); SELECT 1/0}),
	qr/WARNING:.*42883/, 'a refusal behind the commit is told');

# Code
like($beam->sql('SELECT * FROM elixir_functions()'),
	qr/^Shop\.echo\|1\|Shop\|What it was given$/m, 'elixir_functions');
my $module = q{defmodule Extra do
	use PgEtf.Functions
	@sql true
	def twice(x), do: 2 * x
end};
is($beam->sql("SELECT elixir_load_code('Extra', '$module')"), '{Extra}',
	'elixir_load_code');
is($beam->sql("SELECT elixir_call('Extra.twice', '21')"), 42,
	'and what was loaded can be called');
like($beam->sql_error("SELECT elixir_load_code('Extra', 'def x')"),
	qr/ERROR:  (42601|38000)/, 'source that does not compile');
like($beam->sql_error("SELECT elixir_load_code('Other', '$module')"),
	qr/42601/, 'or is of another module');

# Who may
$beam->sql('CREATE ROLE nobody');
for my $function ("elixir_call('Shop.echo')", "elixir_call_async('Shop.echo')",
	"elixir_get_result(gen_random_uuid())", 'elixir_restart()',
	'elixir_health()', 'elixir_functions()', "elixir_load_code('X', '')")
{
	like($beam->sql_error("SET ROLE nobody; SELECT $function"),
		qr/42501: permission denied/, "$function is not for everybody");
}
$beam->sql('GRANT EXECUTE ON FUNCTION elixir_load_code(text, text) TO nobody');
like($beam->sql_error("SET ROLE nobody; SELECT elixir_load_code('X', '')"),
	qr/42501: must be superuser/, 'code is for superusers only');
$beam->sql('GRANT pg_monitor TO nobody');
is($beam->sql("SET ROLE nobody; SELECT status FROM elixir_health()"), 'ready',
	'elixir_health is for pg_monitor');
is($beam->sql("SET ROLE other; SELECT elixir_call('Shop.who')"),
	'{"user": "other", "database": "postgres"}',
	'a function knows who calls');

$beam->sql("ALTER SYSTEM SET elixir.allow_load_code = off");
$beam->node->reload;
$beam->wait_for("SELECT current_setting('elixir.allow_load_code') = 'off'",
	'code may be forbidden');
like($beam->sql_error("SELECT elixir_load_code('Extra', '$module')"),
	qr/55000.*HINT/s, 'and is then refused');

$beam->stop;
done_testing();
