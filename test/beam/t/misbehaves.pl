# A sidecar that says what it should not, stops in the middle, or says nothing:
# every time an error of its own, nothing hangs, and the next call is fine.
use strict;
use warnings;

use BeamTest;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $socket = PostgreSQL::Test::Utils::tempdir_short() . '/sock';
my $beam = BeamTest->new('misbehaves',
	conf => "elixir.socket = '$socket'");
my $timeout = q{SET "elixir.request_timeout_ms" = 1000;};

like($beam->sql_error("SELECT elixir_call('echo', '1')"),
	qr/08001.*could not connect to the sidecar.*HINT:  Somebody has to run it/s,
	'nobody is there');

my $out = '';
my $fake = IPC::Run::start(
	[ 'erl', '-noinput', '-pa', $ENV{ETF_EBIN}, '-run', 'fake_sidecar',
		'listen', $socket ], '>', \$out);
$fake->pump until $out =~ /listening/;

sub answers
{
	my ($name, $pattern, $what) = @_;

	like($beam->sql_error(
			"$timeout SELECT elixir_call('$name', '1')"), $pattern, $what);
	is($beam->sql("SELECT elixir_call('echo', '1')"), 1, '... and only then');
	return;
}

answers('other', qr/08P01.*the answer to another request/, 'another answer');
answers('garbage', qr/08P01/, 'garbage');
answers('cut', qr/08P01/, 'a term that is cut');
answers('atom', qr/08P01.*not \{Id, Kind/, 'an answer of another form');
answers('close', qr/08006.*closed the connection.*The function may have run/s,
	'it closes');
answers('giant', qr/54000.*2147483647 bytes at once/, 'two gigabytes');
answers('silent', qr/08000.*did not answer within 1000 ms/, 'silence');
answers('raise', qr/23514: message.*DETAIL:  detail.*HINT:  hint.*CONTEXT:  context/s,
	'an error has all its parts');

# Two answers to one question: the second one is never taken for another's.
# It has come when the next question is asked; later, that one is refused.
is($beam->sql(q{SELECT elixir_call('twice', '1');
		DO $$ BEGIN PERFORM pg_sleep(0.5); END $$;
		SELECT elixir_call('echo', '2')}), "1\n2", 'an answer too many');
like($beam->sql_error(q{SET "elixir.log_notices" = on;
		SELECT elixir_call('notice', '1'); SELECT 1/0}),
	qr/WARNING:  .*look/, 'a notice is shown to who wants it');
unlike($beam->sql_error(q{SELECT elixir_call('notice', '1'); SELECT 1/0}),
	qr/look/, 'and to nobody else');

# The greeting
for my $user (qw(version garbage silent mute close full))
{
	$beam->sql("CREATE ROLE $user LOGIN SUPERUSER");
}
sub greeted
{
	my ($user) = @_;
	my $stderr;

	$beam->node->psql('postgres', "\\set VERBOSITY verbose
		$timeout SELECT elixir_call('echo', '1')",
		extra_params => [ '-U', $user ], stderr => \$stderr);
	return $stderr;
}
like(greeted('version'),
	qr/08P01.*version 7 of the protocol, this server version 1.*HINT/s,
	'another version of the protocol');
like(greeted('garbage'), qr/08P01/, 'garbage instead of a greeting');
like(greeted('silent'), qr/08001.*did not answer within 1000 ms/,
	'no greeting');
is($beam->health('status'), 'external', 'it is somebody else\'s');

# elixir_health() says what it finds, in a second or so.
sub health_of
{
	my ($user, $sql) = @_;
	my ($stdout, $stderr) = ('', '');

	$beam->node->psql('postgres', $sql, extra_params => [ '-U', $user ],
		stdout => \$stdout, stderr => \$stderr);
	return $stdout . $stderr;
}
for my $case (
	[ 'silent', 'the sidecar did not answer within 1000 ms', 'a BEAM that does not greet' ],
	[ 'mute', 'the sidecar did not answer within 1000 ms', 'one that does not answer' ],
	[ 'close', 'the sidecar closed the connection', 'one that hangs up' ],
	[ 'full', 'full', 'one without room' ])
{
	my ($user, $says, $what) = @$case;

	is(health_of($user, 'SELECT status, last_exit, memory_mb, circuit FROM elixir_health()'),
		"external|$says||closed", "elixir_health of $what");
}
is(health_of('close', 'SELECT (elixir_health()).circuit FROM generate_series(1, 7)'),
	join("\n", ('closed') x 7), 'it may ask often: that is no failure of a call');
is($beam->sql("SELECT elixir_call('echo', '1')"), 1, 'and none is refused for it');

# Cancel ends each wait.
my $cancel = 'SET statement_timeout = 300; SELECT elixir_call';
like($beam->sql_error("$cancel('silent', '1')"), qr/57014/, 'cancel a call');
{
	my $stderr;

	$beam->node->psql('postgres', "\\set VERBOSITY verbose
		$cancel('echo', '1')",
		extra_params => [ '-U', 'silent' ], stderr => \$stderr);
	like($stderr, qr/57014/, 'cancel a greeting');
}

# The breaker, which all backends share
my $close = q{PERFORM elixir_call('close', '1');};
my $try = "BEGIN $close EXCEPTION WHEN connection_exception
	OR connection_failure THEN NULL; END;";
like($beam->sql_error("DO \$\$ BEGIN @{[$try x 5]} END \$\$;
		SELECT elixir_call('echo', '1')"),
	qr/57P03: the sidecar is not available.*latest 5 calls.*next attempt/s,
	'after five failures calls are refused');
like($beam->sql_error("SELECT elixir_call('echo', '1')"), qr/57P03/,
	'in other sessions, too');
is($beam->health('circuit'), 'open', 'elixir_health says so');
like($beam->sql_error("SELECT elixir_call('echo', '1')"), qr/57P03/,
	'and that it was answered does not close it');
$beam->set('elixir.breaker_seconds' => 1);
$beam->wait_for("SELECT elixir_call('echo', '1') = '1'", 'a call tries again');
is($beam->health('circuit'), 'closed', 'and closes it, as it succeeds');
is($beam->sql("DO \$\$ BEGIN @{[$try x 4]} END \$\$;
		SELECT elixir_call('echo', '1');
		DO \$\$ BEGIN @{[$try x 4]} END \$\$;
		SELECT elixir_call('echo', '2')"), "1\n2",
	'a success between them counts');
is($beam->sql("DO \$\$ BEGIN @{[$try x 4]}
		BEGIN PERFORM elixir_call('raise', '1'); EXCEPTION WHEN check_violation THEN END;
		@{[$try x 4]} END \$\$;
		SELECT elixir_call('echo', '2')"), 2, 'and so does an exception: it is an answer');

# Any user may set the time limit, so one that is slow closes nothing to others.
my $slow = "BEGIN PERFORM elixir_call('silent', '1');
	EXCEPTION WHEN connection_exception THEN NULL; END;";
is($beam->sql_result("$timeout DO \$\$ BEGIN @{[$slow x 6]} END \$\$;
		SELECT elixir_call('echo', '1')"), 1, 'a slow function is no failure of the BEAM');

# It stops in its tracks: with a full socket, too.
$fake->kill_kill;
$fake = IPC::Run::start(
	[ 'erl', '-noinput', '-pa', $ENV{ETF_EBIN}, '-run', 'fake_sidecar',
		'listen', $socket ], '>', \($out = ''));
$fake->pump until $out =~ /listening/;
my $pid = $fake->{KIDS}[0]{PID};
kill 'STOP', $pid;
like($beam->sql_error("$cancel('echo', to_jsonb(repeat('x', 10000000)))"),
	qr/57014/, 'cancel while it reads nothing');
like($beam->sql_error("$timeout SELECT elixir_call('echo', '1')"),
	qr/08001.*did not answer/, 'time out while it accepts nothing');
kill 'CONT', $pid;
is($beam->sql("SELECT elixir_call('echo', '1')"), 1, 'it goes on');

kill 'STOP', $pid;
$beam->set('elixir.breaker_failures' => 1);
like($beam->sql_error("$timeout SELECT elixir_call('echo', '1')"),
	qr/08001.*did not answer/, 'a BEAM that hangs greets nobody');
is($beam->health('circuit'), 'open', 'which counts');
kill 'CONT', $pid;

$fake->kill_kill;
$beam->stop;
done_testing();
