# Faults of every kind while writers write and readers read: nothing is lost,
# torn, out of order, repeated though confirmed, or wrong, and who cannot go on
# is told.
#
# PG_ETF_MINUTES for a long run, PG_ETF_SEED for the same schedule again.  With
# PG_ETF_STREAMING transactions come before they end, and half of them are rolled
# back.  With PG_ETF_PLUGIN=pgoutput the readers read that, and half of them
# stream.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/lib/perl';

use ChaosFaults;
use ChaosWorld;
use Test::More;
use Time::HiRes qw(time);

my $minutes = $ENV{PG_ETF_MINUTES};
my $seed = $ENV{PG_ETF_SEED} // (defined $minutes ? int rand 2**30 : 5);
my $seconds = 60 * ($minutes // 0.3);
my %readers = (c1 => 'otp', c2 => 'producer', c3 => 'port', c4 => 'changes', c5 => 'batch',
	c6 => defined $minutes ? 'fenced:3' : 'fenced:2');
my $pause = defined $minutes ? 3 : $seconds / ChaosFaults::count();
my @schedule = ChaosFaults::schedule($seed,
	1 + $seconds / $pause / ChaosFaults::count(), $pause, defined $minutes ? 1 : 0.3,
	map { /^c6/ ? qw(c6a c6b) : $_ } sort keys %readers);
my %struck;

@schedule = @schedule[ 0 .. ChaosFaults::count() - 1 ] unless defined $minutes;
diag "PG_ETF_SEED=$seed";
my $world = ChaosWorld->new(
	seed => $seed, readers => \%readers, keep => !defined $minutes,
	conf => $ENV{PG_ETF_STREAMING}
	? "logical_decoding_work_mem = 64kB\nchaos.rollback = on\n"
	: '',
	big => int(10_000_000 * ($minutes // 0.05) / 30),
	giant => defined $minutes ? 50_000_000 : 10_000_000,
	flood => defined $minutes ? 100_000 : 10_000,
	patience => 10 + 20 * ($minutes // 0));
my $start = time;
my $late = 0;

$world->write($_) for 1 .. 3;
for my $step (@schedule)
{
	my ($at, $name, $reader, $number) = @$step;

	# What takes its time puts off the rest.
	do { $world->turn; } while time < $start + $at + $late;
	last if defined $minutes && time > $start + $seconds;
	my $done = ChaosFaults::strike($world, $name, $world->{reader}{$reader}, $number);
	$struck{$name}++ if $done;
	diag sprintf '%6.1f s  %s %s %.2f, took %.1f s%s', time - $start, $name,
	  $reader, $number, time - $start - $at - $late, $done ? '' : ' (not now)';
	$late = time - $start - $at;
	last if $world->found;
}
my $settling = time;
ok($world->settle(180 + 20 * ($minutes // 0)), 'all readers get to the end');
diag sprintf 'which took %.1f s', time - $settling;
my @report = @{ $world->finish };
my @found = grep { / FOUND / } @report;

is_deeply(\@found, [], 'the histories are true');
is_deeply($world->{unfounded} // [], [], 'nobody is told of an end without a reason');
is_deeply([ $world->accounts ], [], 'both sides of each pipe count the same');
unlike("@report", qr/told,(?!slot_missing|slot_lost|gap)/, 'each is told the true reason');
diag join "\n", grep { !/ FOUND / } @report;

unless (defined $minutes)
{
	for my $line ($world->{judge}->ask('mutants'))
	{
		like($line, qr/: caught$/, $line =~ s/: caught$//r);
	}
}
if (!Test::More->builder->is_passing)
{
	diag `tail -n 40 $world->{dir}/*.out`;
	diag "again: make chaos MINUTES=" . ($minutes // 0.3) . " SEED=$seed";
}
my ($committed) = $report[0] =~ / (\d+) committed/;
my $faults = 0;
$faults += $_ for values %struck;
diag join ', ', map { "$_ $struck{$_}" } sort keys %struck;
diag sprintf 'chaos %s: seed %d, %d faults of %d kinds in %.1f minutes, %d transactions, %d findings',
  Test::More->builder->is_passing ? 'passed' : 'FAILED', $seed, $faults,
  scalar keys %struck, (time - $start) / 60, $committed, scalar @found;
done_testing();
