# As many changes as the machine can take, readers restarted each minute,
# cleanly and by SIGKILL in turn: nothing is lost, memory and lag stay flat.
#
# PG_ETF_MINUTES says for how long, 60 for the real thing.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/lib/perl';

use ChaosWorld;
use Test::More;
use Time::HiRes qw(time);

my $minutes = $ENV{PG_ETF_MINUTES} // 1;
my $behind = 32 << 20;
my $every = $minutes < 4 ? 15 * $minutes : 60;
my %readers = (c1 => 'otp', c2 => 'producer');
my $world = ChaosWorld->new(readers => \%readers, direct => 1, behind => $behind,
	check_every => 5, conf => "max_wal_size = 4GB\nsynchronous_commit = off\n");
my $start = time;
my (@samples, %restarts);

# Columns of the table, and how much each may grow from the first
# third to the last: what a restart has made new is small again.
my @columns = qw(time rows/s lag_MB client_MB beam_MB walsender_MB judge_MB open);

sub resident
{
	my (@pids) = @_;
	my $sum = 0;

	$sum += EtfTest::resident_memory($_) for grep { -e "/proc/$_/status" } @pids;
	return $sum / 1024;
}

sub sample
{
	my ($rows, $lag) = split /\|/, $world->sql(<<'SQL');
SELECT coalesce((SELECT sum(t) FROM chaos.ledger), 0) * 100,
	(SELECT max(pg_current_wal_lsn() - confirmed_flush_lsn) FROM pg_replication_slots
		WHERE slot_name LIKE 'c%')
SQL
	my @walsenders = split /\n/, $world->sql('SELECT active_pid
		FROM pg_replication_slots WHERE slot_name LIKE $$c%$$ AND active');
	my @readers = grep { !defined $_->ended } $world->readers;
	my $last = $samples[-1];
	my $now = time - $start;
	my $count = @readers || 1;

	push @samples, {
		time => $now, rows => $rows,
		'rows/s' => $last ? ($rows - $last->{rows}) / ($now - $last->{time}) : 0,
		lag_MB => $lag / 2**20,
		client_MB => resident(map { $_->client_pids } @readers) / $count,
		beam_MB => resident(map { $_->pid } @readers) / $count,
		walsender_MB => resident(@walsenders) / (@walsenders || 1),
		judge_MB => resident($world->{judge}->pid),
		open => $world->open_transactions('c1') };
	diag join ' ', map { sprintf '%12.1f', $samples[-1]{$_} } @columns;
	return;
}

# In turn a reader that ends well and one that does not.
sub restart
{
	my ($number) = @_;
	my @readers = $world->readers;
	my $reader = $readers[ $number / 2 % @readers ];

	if ($number % 2)
	{
		$reader->{child}->signal('KILL');
		$restarts{killed}++;
	}
	else
	{
		ok($reader->stop(30), "$reader->{name} ends when it is asked to");
		$restarts{stopped}++;
	}
	return;
}

# Of a third the middle: one sample at a bad moment is no growth.
sub median
{
	my ($column, @of) = @_;
	my @values = sort { $a <=> $b } map { $_->{$column} } @of;

	return @values ? $values[ @values / 2 ] : 0;
}

# The last third against the first; the start-up is left out.
sub is_flat
{
	my ($column, $slack) = @_;
	my @warm = @samples[ @samples / 6 .. $#samples ];
	my ($first, $last) = (median($column, @warm[ 0 .. $#warm / 3 ]),
		median($column, @warm[ 2 * $#warm / 3 .. $#warm ]));

	cmp_ok($last, '<=', 1.25 * $first + $slack,
		sprintf '%s is flat: %.1f, then %.1f', $column, $first, $last);
	return;
}

$world->write($_, "CALL chaos.hurry($_, $behind)") for 1 .. 2;
$world->check;
diag join ' ', map { sprintf '%12s', $_ } @columns;
my ($next_sample, $next_restart, $number) = (5, $every, 0);
while (time < $start + 60 * $minutes && !$world->found)
{
	$world->turn;
	if (time > $start + $next_sample)
	{
		sample();
		$next_sample = time - $start + ($minutes < 10 ? 3 : 10);
	}
	if (time > $start + $next_restart)
	{
		restart($number++);
		$next_restart += $every;
	}
}
my $settling = time;
ok($world->settle(120), 'all readers get to the end');
cmp_ok(time - $settling, '<', 60, 'soon');
my @report = @{ $world->finish };
is_deeply([ grep { / FOUND / } @report ], [], 'the histories are true');
is_deeply($world->{unfounded} // [], [], 'nobody was told of an end');
is_deeply([ $world->accounts ], [], 'both sides of each pipe count the same');
is_flat('lag_MB', 2 * $behind / 2**20);
is_flat('client_MB', 4);
is_flat('beam_MB', 40);
is_flat('walsender_MB', 16);
is_flat('judge_MB', 40);
diag join "\n", @report;
my $passed = Test::More->builder->is_passing ? 'passed' : 'FAILED';
diag sprintf 'soak %s: %d rows in %.1f minutes, %.0f rows/s, %d restarts, %d killed',
  $passed, $samples[-1]{rows}, $minutes, $samples[-1]{rows} / $samples[-1]{time},
  $restarts{stopped} // 0, $restarts{killed} // 0;
done_testing();
