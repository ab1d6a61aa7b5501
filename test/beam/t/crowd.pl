# Many backends at once, standbys, and what happens around open connections.
use strict;
use warnings;

use BeamTest;
use IPC::Run ();
use List::Util qw(max min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

BeamTest::needs_elixir();

my $crowd = 200;
my $runs = 0;
my $beam = BeamTest->with_sidecar('crowd', streaming => 1,
	conf => "max_connections = 250\nelixir.breaker_failures = 0\nlog_statement = none\nelixir.result_ttl = 1");
my $node = $beam->node;

# All of them connect to the sidecar at the same time.
sub pgbench
{
	my ($name, $clients, $transactions, $script) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$name.sql";

	append_to_file($file, $script);
	return ('pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', $clients,
		'-j', 4, '-t', $transactions, '-f', $file, 'postgres');
}

my ($out, $err) = run_command([ pgbench('connect', $crowd, 5,
	q{SELECT 1 / (elixir_call('Shop.echo', '7') = '7')::int;}) ]);
like($out, qr{actually processed: 1000/1000}, "$crowd backends at once")
  or diag $err;
unlike($err, qr/ERROR/, 'without an error');
is($beam->sql(q{SELECT elixir_call('Shop.echo', '1')}), 1,
	'and one more behind them');
$beam->wait_for('SELECT connections = 0 FROM elixir_health()',
	'no connection is counted any more');

# A hundred sessions that wait end at once: how long that takes them
sub crowd_ends
{
	my ($script, $all_wait, $end) = @_;
	my $errors = '';
	my $waiting = IPC::Run::start([ pgbench('wait' . $runs++, 100, 1, $script) ],
		'<', \undef, '>', \$out, '2>', \$errors);

	$node->poll_query_until('postgres', $all_wait) or die 'not all of them wait';
	my $pid = $beam->health('pid');
	my $began = time;

	$end->($pid);
	$waiting->finish;
	return (time - $began, $errors);
}

# A cancel has nothing to do with the sidecar: so fast is this machine, now.
my $asleep = q{FROM pg_stat_activity WHERE wait_event = 'PgSleep'};
my ($cancel) = crowd_ends('SELECT pg_sleep(600);', "SELECT count(*) = 100 $asleep",
	sub { $beam->sql("SELECT count(pg_cancel_backend(pid)) $asleep") });
my @kills;
for (1 .. 3)
{
	my ($took, $errors) = crowd_ends(q{SELECT elixir_call('Shop.sleep', '600000');},
		q{SELECT elixir_call('Shop.sleeping')::int = 100},
		sub { kill 'KILL', @_ });

	push @kills, $took;
	is(scalar(() = $errors =~ /the sidecar closed the connection|was lost/g), 100,
		'the BEAM is killed in a hundred calls: each has an error');
	$beam->wait_for(q{SELECT elixir_call('Shop.echo', '1') = '1'},
		'a new one answers');
}
note sprintf 'they end in %s ms; canceled ones in %d ms',
  join(', ', map { int 1000 * $_ } @kills), 1000 * $cancel;
cmp_ok(min(@kills), '<=', max(1, 3 * $cancel), 'all of them end within a second');

# Who comes back finds the new BEAM without an error, as nothing was sent.
my $session = $node->background_psql('postgres');
my $call = q{SELECT elixir_call('Shop.pid')};
my $first = $session->query($call);
is($beam->sql('SELECT elixir_restart()'), 't', 'a restart between two calls');
isnt($session->query($call), $first, 'is not noticed');

# What is open is no reason not to drop.
$session->query($call);
$beam->sql('DROP EXTENSION pg_etf_beam');
is($session->query('SELECT 1'), 1, 'DROP EXTENSION beside an open connection');
$beam->sql('CREATE EXTENSION pg_etf_beam');
like($session->query($call), qr/^\d+$/, 'and back');
$session->quit;

# Who is calling shows what it waits for.
SKIP:
{
	skip 'before 17 such waits have no names', 1
	  if $beam->sql('SHOW server_version_num') < 170000;
	$session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_until(qr/begun/,
		"\\echo begun\nSELECT elixir_call('Shop.sleep', '60000');\n");
	$beam->wait_for(q{SELECT EXISTS (SELECT FROM pg_stat_activity
		WHERE wait_event = 'ElixirCall')}, 'a call is seen in pg_stat_activity');
	$beam->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE wait_event = 'ElixirCall'});
	eval { $session->quit };
}

# Processes of the server that nobody has connected to
$beam->sql(q{CREATE FUNCTION echo(jsonb) RETURNS jsonb LANGUAGE elixir
		IMMUTABLE PARALLEL SAFE COST 100000 AS 'Shop.echo';
	CREATE TABLE t AS SELECT i, to_jsonb(i) AS j FROM generate_series(1, 5000) i;
	CREATE INDEX ON t (echo(j))});
is($beam->sql(q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
		SET min_parallel_table_scan_size = 0;
		SELECT count(*) FILTER (WHERE echo(j) = j) FROM t}), 5000,
	'parallel workers call');
like($beam->sql(q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
		SET min_parallel_table_scan_size = 0;
		EXPLAIN (ANALYZE, COSTS OFF)
		SELECT count(*) FILTER (WHERE echo(j) = j) FROM t}),
	qr/Workers Launched: [1-9]/, 'and there are some');
$beam->set('autovacuum_naptime' => '1s');
$beam->set('autovacuum' => 'on');
$beam->sql('UPDATE t SET i = i + 1');
$beam->wait_for(q{SELECT autoanalyze_count > 0 FROM pg_stat_user_tables
	WHERE relname = 't'}, 'autovacuum calls, for an index');
$beam->set('autovacuum' => 'off');
unlike($beam->log, qr/ERROR:.*sidecar.*automatic analyze/s, 'without an error');

# Over many calls: memory and descriptors of both processes, atoms
sub memory
{
	my ($pid) = @_;

	return slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m ? $1 : 0;
}
sub descriptors
{
	my ($pid) = @_;

	return scalar(() = glob "/proc/$pid/fd/*");
}
$PostgreSQL::Test::Utils::timeout_default = $ENV{PG_ETF_FULL} ? 7200 : 900;
$session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');
my $beam_pid = $beam->health('pid');
my $calls = $ENV{PG_ETF_FULL} ? 1_000_000 : 20_000;

# As many again: what is there by then is all that is needed.
sub stays_flat
{
	my ($what, $times, $sql) = @_;
	my $atoms;

	for my $part (0.2, 1)
	{
		my @before = map { (memory($_), descriptors($_)) } $pid, $beam_pid;

		$atoms = $session->query(q{SELECT elixir_call('Shop.atoms')});
		$session->query($sql =~ s/TIMES/int($times * $part)/er);
		next if $part < 1;
		my @after = map { (memory($_), descriptors($_)) } $pid, $beam_pid;

		cmp_ok($after[0], '<', $before[0] + 1024, "$times $what: memory of the backend");
		cmp_ok($after[1], '<=', $before[1], '... its descriptors');
		cmp_ok($after[2], '<', $before[2] + 32768, '... memory of the BEAM');
		cmp_ok($after[3], '<=', $before[3] + 8, '... its descriptors');
		cmp_ok($session->query(q{SELECT elixir_call('Shop.atoms')}), '<', $atoms + 20,
			'... its atoms');
	}
	return;
}
stays_flat('calls', $calls, q{DO $$ BEGIN FOR i IN 1 .. TIMES LOOP
	PERFORM elixir_call('Shop.echo', jsonb_build_object('key ' || i, 'value ' || i));
	END LOOP; END $$});
stays_flat('errors', $calls / 10, q{DO $$ BEGIN FOR i IN 1 .. TIMES LOOP BEGIN
	PERFORM elixir_call('Shop.fail', to_jsonb('error ' || i));
	EXCEPTION WHEN OTHERS THEN END; END LOOP; END $$});
stays_flat('names that nobody has', $calls / 10, q{DO $$ BEGIN FOR i IN 1 .. TIMES LOOP BEGIN
	PERFORM elixir_call('Shop.nobody' || i);
	EXCEPTION WHEN OTHERS THEN END; END LOOP; END $$});
stays_flat('connections', $calls / 10, q{DO $$ BEGIN FOR i IN 1 .. TIMES LOOP BEGIN
	PERFORM elixir_call('Shop.close');
	EXCEPTION WHEN OTHERS THEN END; END LOOP; END $$});
stays_flat('asynchronous calls', 4000, q{DO $$ BEGIN FOR i IN 1 .. TIMES LOOP
	PERFORM elixir_call_async('Shop.echo', to_jsonb(i), i % 2 = 0);
	IF i % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$});
is($beam->health('pid'), $beam_pid, 'one BEAM has done all of it');
$session->quit;

# A standby has a sidecar of its own.
$node->backup('backup');
ok(!-e $node->backup_dir . '/backup/pgsql_tmp_beam/sock',
	'a base backup has no socket');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
ok($standby->poll_query_until('postgres',
	q{SELECT status = 'ready' FROM elixir_health()}), 'a standby has its own');
my $there = $standby->safe_psql('postgres', $call);
isnt($there, $beam->sql($call), 'in another process');
is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't',
	'while it is one');
$standby->promote;
is($standby->safe_psql('postgres', $call), $there, 'and after a promotion');
$standby->stop('fast');

$beam->stop;
done_testing();
