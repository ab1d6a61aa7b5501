# The worker that runs the BEAM: limits, log, ends of all kinds, and new starts.
use strict;
use warnings;

use BeamTest;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('worker',
	conf => "elixir.memory_limit_mb = 400\nelixir.call_memory_mb = 0\n"
	  . "elixir.max_files = 512\nrestart_after_crash = on");
my $node = $beam->node;
my $data = $node->data_dir;
my $echo = q{SELECT elixir_call('Shop.echo', '1')};

sub beam_pid { return $beam->sql(q{SELECT elixir_call('Shop.pid')}); }

sub is_gone
{
	my ($pid) = @_;

	return BeamTest::eventually(sub { !kill 0, $pid });
}

# What it inherits
my $pid = beam_pid();
is($beam->health('pid'), $pid, 'the server knows its process');
my $limits = slurp_file("/proc/$pid/limits");
like($limits, qr/^Max data size\s+419430400\s+419430400/m, 'limit of memory');
like($limits, qr/^Max open files\s+512\s+512/m, 'limit of files');
like($limits, qr/^Max core file size\s+0\s+0/m, 'no core files');
my $status = slurp_file("/proc/$pid/status");
like($status, qr/^SigBlk:\s+0+$/m, 'no signal is blocked');

sub inodes
{
	my ($of) = @_;

	return map { readlink($_) // () } glob "/proc/$of/fd/*";
}
my $postmaster = (split /\n/, slurp_file("$data/postmaster.pid"))[0];
my %server = map { $_ => 1 } inodes($postmaster);
is_deeply([ grep { $server{$_} && $_ ne '/dev/null' && !/^anon_inode/ } inodes($pid) ],
	[], 'no descriptor of the server');
is_deeply([ grep { m{^\Q$data\E/} } inodes($pid) ], [], 'no file of the server');
my $mode = (stat "$data/pgsql_tmp_beam")[2] & 0777;
is($mode, 0700, 'the directory of the socket is private');
is((stat "$data/pgsql_tmp_beam/sock")[2] & 0777, 0600, 'and so is the socket');

# What it prints
$beam->sql(q{SELECT elixir_call('Shop.print', '"a line"')});
ok($beam->log_has(qr/LOG:  elixir: a line$/m), 'what it prints is in the log');
$beam->sql(q{SELECT elixir_call('Shop.print', '"\u001b[1mbold"')});
ok($beam->log_has(qr/LOG:  elixir: \?\[1mbold$/m), 'without what a terminal obeys');
$beam->sql(q{SELECT elixir_call('Shop.print', to_jsonb(repeat(E'x\n', 5000)))});
is($beam->sql($echo), 1, 'many lines are no reason to wait');
cmp_ok(scalar(() = $beam->log =~ /elixir: x$/mg), '<=', 1000,
	'and not all are written');

# Killed in the middle of a call
sub during_call
{
	my ($do) = @_;
	my $psql = $node->background_psql('postgres', on_error_stop => 0);

	$psql->query_until(qr/begun/, "\\echo begun\n\\set VERBOSITY verbose\n"
		  . "SELECT elixir_call('Shop.sleep', '60000');\n");
	$beam->wait_for(q{SELECT elixir_call('Shop.sleeping')::int > 0},
		'a call is under way');
	$do->();
	my (undef, undef) = $psql->query('SELECT 1');
	my $error = $psql->{stderr};

	$psql->quit;
	return $error;
}
like(during_call(sub { kill 'KILL', $pid }),
	qr/08006.*closed the connection.*The function may have run/s,
	'killed in a call');
$beam->wait_for($echo . q{::text = '1'}, 'calls succeed again');
isnt(beam_pid(), $pid, 'in another process');
is($beam->health('last_exit'), 'killed by signal 9', 'its end is known');
is($beam->health('restarts'), 1, 'and counted');

# It ends by itself, and would write a dump.
$pid = beam_pid();
like($beam->sql_error(q{SELECT elixir_call('Shop.halt', '3')}), qr/08006/,
	'halted in a call');
ok(is_gone($pid), 'it is gone');
$beam->wait_until_ready;
is($beam->health('last_exit'), 'exit status 3', 'with its status');
like($beam->sql_error(q{SELECT elixir_call('Shop.halt', '"slogan"')}), qr/08006/,
	'crashed in a call');
$beam->wait_for(q{SELECT status = 'ready' AND restarts = 3 FROM elixir_health()},
	'it is there again');
is_deeply([ glob "$data/*crash*" ], [], 'no dump in the data directory');

# Memory
like($beam->sql_error(q{SELECT elixir_call('Shop.grow')}), qr/08006/,
	'it reaches its limit of memory');
$beam->wait_for(q{SELECT status = 'ready' AND restarts = 4 FROM elixir_health()},
	'and is there again');
ok($beam->log_has(qr/elixir: .*Cannot (re)?allocate/), 'the log says why');

# Asked to
$pid = beam_pid();
is($beam->sql('SELECT elixir_restart()'), 't', 'elixir_restart');
isnt(beam_pid(), $pid, 'makes a new one');
ok(is_gone($pid), 'in the place of the old one');
is($beam->health('restarts'), 4, 'which is not a failure');

# Somebody else listens in its place
my $impostor = '';
my $fake = IPC::Run::start([ 'erl', '-noinput', '-pa', $ENV{ETF_EBIN}, '-run',
		'fake_sidecar', 'listen', "$data/pgsql_tmp_beam/sock" ],
	'>', \$impostor);
$fake->pump until $impostor =~ /listening/;
like($beam->sql_error($echo),
	qr/08001: the socket of the sidecar belongs to another process/,
	'an impostor is told nothing');
$fake->kill_kill;
is($beam->sql('SELECT elixir_restart()'), 't', 'the next one takes its place');

# It is silent
$pid = beam_pid();
kill 'STOP', $pid;
$beam->wait_for(q{SELECT status = 'ready' AND restarts = 5 FROM elixir_health()},
	'one that is silent is killed');
is($beam->health('last_exit'), 'no heartbeat for 10 s', 'and the reason told');

# A storm: the command fails, then it does not.
my $before = length $beam->log;
$beam->set('elixir.command' => 'false');
$beam->wait_for(q{SELECT status = 'failed' FROM elixir_health()},
	'a command that always fails');
like($beam->sql_error($echo), qr/57P03.*started once a minute now\. The previous one ended: exit status 1\..*HINT/s,
	'calls fail at once');
my @pauses = substr($beam->log, $before) =~ /exit status 1; the next start is in (\d+) ms/g;
is(scalar @pauses, 6, 'after six attempts');
cmp_ok($pauses[$_ + 1], '>=', $pauses[$_] * 0.9, 'each pause is longer')
  for 0 .. 4;
cmp_ok($pauses[4], '>', 4 * $pauses[0], 'by far');
is($pauses[5], 60000, 'then one attempt a minute');
like($beam->log, qr/WARNING:  the sidecar has ended more than 5 times/,
	'with a warning');
$beam->set('elixir.command' => BeamTest::command());
$beam->wait_for("$echo" . q{::text = '1'}, 'it heals when the command does');

# Off and on
$pid = beam_pid();
$beam->set('elixir.enabled' => 'off');
$beam->wait_for(q{SELECT status = 'stopped' FROM elixir_health()}, 'switched off');
ok(is_gone($pid), 'it is gone');
like($beam->sql_error($echo), qr/57P03.*It is switched off.*elixir\.enabled/s,
	'and calls are refused');
$beam->set('elixir.enabled' => 'on');
is($beam->sql($echo), 1, 'a call waits until it has started');

# Its end with the server's
sub stop_takes
{
	my ($how) = @_;
	my $began = time;

	$node->stop($how);
	return time - $began;
}
$pid = beam_pid();
cmp_ok(stop_takes('fast'), '<', 3, 'a fast stop');
ok(!kill(0, $pid), 'leaves nothing');
$node->start;
$beam->wait_until_ready;
$pid = beam_pid();
kill 'STOP', $pid;
cmp_ok(stop_takes('fast'), '<', 5, 'whatever the BEAM does');
ok(is_gone($pid), 'and nothing is left then, either');

$node->start;
$beam->wait_until_ready;
$pid = beam_pid();
kill 'KILL', (split /\n/, slurp_file("$data/postmaster.pid"))[0];
ok(is_gone($pid), 'a postmaster that is killed takes it along');
BeamTest::eventually(sub { !-e "$data/postmaster.pid" || !kill 0,
		(split /\n/, slurp_file("$data/postmaster.pid"))[0] });
$node->{_pid} = undef;
$node->start;
$beam->wait_until_ready;

# A crash of another process: all of the server starts anew.
$pid = beam_pid();
my $victim = $node->background_psql('postgres', on_error_stop => 0);
my $backend = $victim->query('SELECT pg_backend_pid()');
kill 'KILL', $backend;
ok(is_gone($pid), 'a crash of the server ends it');
eval { $victim->quit };
$beam->wait_for("$echo" . q{::text = '1'}, 'and it starts again with the server');

$pid = beam_pid();
my ($worker) = slurp_file("/proc/$pid/status") =~ /^PPid:\s+(\d+)/m;
kill 'TERM', $worker;
ok(is_gone($pid), 'a worker that is ended ends it');
$beam->wait_for("$echo" . q{::text = '1'}, 'and starts again');

$beam->stop;
done_testing();
