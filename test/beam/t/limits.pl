# The BEAM at its limits: descriptors that do not suffice, schedulers that are
# blocked, and an end that it refuses.
use strict;
use warnings;

use BeamTest;
use IPC::Run ();
use List::Util qw(min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

BeamTest::needs_elixir();

my $echo = q{SELECT elixir_call('Shop.echo', '1')};

# More backends than it may have descriptors
my $crowd = 300;
my $beam = BeamTest->with_sidecar('limits', conf => "max_connections = 320
	elixir.max_files = 256\nelixir.breaker_failures = 0\nelixir.request_timeout_ms = 2000");
my $node = $beam->node;
my $pid = $beam->health('pid');
my $script = PostgreSQL::Test::Utils::tempdir() . '/one.sql';

append_to_file($script, q{DO $$ BEGIN PERFORM elixir_call('Shop.echo', '7');
	EXCEPTION WHEN too_many_connections THEN
		INSERT INTO refused VALUES (SQLERRM); END $$;
	SELECT pg_sleep(3)});
$beam->sql('CREATE TABLE refused (why text)');
my ($out, $err) = run_command([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port,
		'-c', $crowd, '-j', 2, '-t', 1, '-f', $script, 'postgres' ]);
like($out, qr{processed: $crowd/$crowd}, "$crowd backends, 256 descriptors") or diag $err;
my $refused = $beam->sql('SELECT count(*) FROM refused');
note "$refused of them were refused";
cmp_ok($refused, '>=', $crowd - 160, 'those beyond are told');
is($beam->sql(q{SELECT DISTINCT why FROM refused}),
	'the sidecar takes no more connections', 'why that is so');
unlike($beam->log, qr/emfile/, 'it never was without a descriptor');
$beam->wait_for(q{SELECT connections = 0 FROM elixir_health()}, 'they leave');
is($beam->sql($echo), 1, 'then there is room again');
is($beam->health('pid, restarts'), "$pid|0", 'in the same BEAM');

# No scheduler runs: not SIGSTOP, the process is alive and its threads wait.
my $began = time;
like($beam->sql_error(q{SET "elixir.request_timeout_ms" = 1000;
		SELECT elixir_call('Rude.block', '60000')}), qr/08000/, 'blocked schedulers');
like($beam->sql_error(q{SET statement_timeout = 300; SET "elixir.request_timeout_ms" = 5000;}
		. $echo), qr/57014/, 'whoever waits can be canceled');
$beam->wait_for(q{SELECT status = 'ready' AND restarts = 1 FROM elixir_health()},
	'it is killed, and another one runs');
cmp_ok(time - $began, '<', 40, 'soon');
is($beam->health('last_exit'), 'no heartbeat for 10 s', 'for want of a heartbeat');
is($beam->sql($echo), 1, 'and answers');

# It does not end when asked: neither by the worker nor by SIGTERM.
sub fast_stop
{
	is($beam->sql(q{SELECT elixir_call('Rude.stay')}), 'true', 'it refuses to end');
	$pid = $beam->health('pid');
	kill 'TERM', $pid;
	is($beam->sql($echo), 1, 'even when it is told');
	my $at = time;

	$beam->stop;
	my $took = time - $at;

	ok(!kill(0, $pid), 'nothing is left of it');
	$node->start;
	$beam->wait_until_ready;
	return $took;
}
my $took = fast_stop();
$took = min($took, fast_stop()) for 1 .. 2;
cmp_ok($took, '<=', 4, sprintf 'a fast stop takes %.1f s', $took);
cmp_ok($took, '>=', 2.5, 'which it was given to end');

$beam->stop;
done_testing();
