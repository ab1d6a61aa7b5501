# How soon the next BEAM is there, and a storm of ones that do not last.
use strict;
use warnings;

use BeamTest;
use IPC::Run ();
use List::Util qw(max min);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('restarts', conf => "elixir.max_restarts = 4\nelixir.breaker_failures = 0");
my $dir = PostgreSQL::Test::Utils::tempdir_short();

# What the same BEAM takes to start, now, on this machine.
sub by_hand
{
	my $out = '';
	my $began = time;
	my $run = IPC::Run::start(
		[ 'elixir', '-pa', $ENV{ETF_EBIN}, '-e', <<"END" ], '<', \undef, '>', \$out);
{:ok, _} = PgEtf.Sidecar.start_link(socket: "$dir/sock", modules: [Shop, Typed, Rude])
IO.puts("started")
Process.sleep(:infinity)
END
	$run->pump until $out =~ /started/;
	my $took = time - $began;

	$run->kill_kill;
	return $took;
}

# From the kill to the first call that succeeds, in a session that is open.
sub by_server
{
	my ($session) = @_;
	my $call = q{SELECT elixir_call('Shop.pid')};
	my $pid = $session->query($call);

	die "no process: $pid" unless $pid =~ /^\d+$/;
	my $began = time;

	kill 'KILL', $pid;
	BeamTest::eventually(sub { $session->query($call) =~ /^\d+$/ })
	  or die 'no BEAM came back';
	return time - $began;
}
my $session = $beam->node->background_psql('postgres', on_error_stop => 0);
my (@server, @hand);
for (1 .. 3)
{
	push @server, by_server($session);
	push @hand, by_hand();
}
$session->quit;
my $limit = max(0.5, 0.2 + 1.5 * max(@hand));
note sprintf 'calls succeed after %s ms; a start by hand takes %s ms',
  map { join ', ', map { int 1000 * $_ } @$_ } \@server, \@hand;
cmp_ok(min(@server), '<=', $limit, 'calls succeed soon after the BEAM was killed');

# A worker that begins anew, with nothing to count
$beam->node->restart;
$beam->wait_until_ready;

# Each BEAM gets ready, answers, and ends.
sub ticks
{
	my ($of) = @_;
	my @stat = split ' ', slurp_file("/proc/$of/stat") =~ s/^.*\) //sr;

	return $stat[11] + $stat[12];
}
my ($worker) = slurp_file('/proc/' . $beam->health('pid') . '/status') =~ /^PPid:\s+(\d+)/m;
my $before = length $beam->log;
my $ticks = ticks($worker);
$beam->set('elixir.command' => BeamTest::command() =~ s/Rude\]\)/Rude]); Process.sleep(1000); System.halt(7)/r);
$beam->wait_for(q{SELECT status = 'failed' FROM elixir_health()},
	'BEAMs that end soon after they were ready are given up');
$ticks = ticks($worker) - $ticks;
my $log = substr $beam->log, $before;
my @pauses = $log =~ /ended: exit status 7; the next start is in (\d+) ms/g;
is(scalar(() = $log =~ /the sidecar is ready/g), 5, 'five became ready');
is(scalar @pauses, 5, 'and five ended');
cmp_ok($pauses[$_ + 1], '>=', $pauses[$_] * 0.9, 'each pause is longer') for 0 .. 3;
cmp_ok($pauses[3], '>', 3 * $pauses[0], 'by far');
is($pauses[4], 60000, 'then one attempt a minute');
is($beam->health('restarts, last_exit'), '5|exit status 7', 'all are counted');
like($beam->sql_error(q{SELECT elixir_call('Shop.echo', '1')}),
	qr/57P03.*The previous one ended: exit status 7/s, 'calls fail at once');
cmp_ok($ticks, '<=', 100, "which cost the worker $ticks ticks");
$ticks = ticks($worker);
sleep 3;
cmp_ok(ticks($worker) - $ticks, '<=', 5, 'and nothing while it waits');

$beam->set('elixir.command' => BeamTest::command());
$beam->wait_for(q{SELECT elixir_call('Shop.echo', '1') = '1'}, 'it heals when the command does');

$beam->stop;
done_testing();
