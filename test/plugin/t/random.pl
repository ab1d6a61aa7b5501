# Random schemas, changes and DDL of concurrent sessions: what the plugin
# sends says the same as test_decoding, value by value, by the server's own
# text.
#
# PG_ETF_MINUTES for a long run; PG_ETF_FIRST=1 ends it with the first
# difference.  A round depends on its seed only: one that fails comes again
# with PG_ETF_SEED set to what it printed.  With PG_ETF_MINUTES=0 it comes
# alone, and the server's log has its statements.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../random";

use EtfTest;
use RandomJudge;
use RandomProbe;
use RandomRound;
use Test::More;

# The quick form is the same each time; what looks for news takes new seeds.
my $seed = $ENV{PG_ETF_SEED}
  // (defined $ENV{PG_ETF_MINUTES} ? int rand 2**30 : 2026);
my $minutes = $ENV{PG_ETF_MINUTES} // 0.2;
my $steps = $ENV{PG_ETF_STEPS} // 600;
my $template = 'template_random';
my $etf = EtfTest->new('random',
	conf => "logical_decoding_work_mem = 64kB\n"
	  . ($minutes ? 'log_statement = none' : "log_line_prefix = '%p %x '"));
my $end = time + 60 * $minutes;
my %count = map { $_ => 0 } qw(rounds statements failed transactions changes
  values unchanged filled judged);
my ($judge, $broken);

sub play
{
	my ($round) = @_;
	my $report;

	$round->prepare;
	$round->run;
	$report = $round->check(3, \%count);
	$round->clean;
	$count{rounds}++;
	$count{statements} += $round->{statements};
	$count{failed} += $_ for values %{ $round->{failed} };
	return $report;
}

RandomProbe::setup($etf, $template);
$judge = RandomJudge->new($etf, $template);
do
{
	my $round = RandomRound->new($etf, $judge, $template, $seed, $steps);
	my $report = eval { play($round) };

	is($report, '', "the same as test_decoding: PG_ETF_SEED=$seed")
	  or diag("$@\nagain: make check-random MINUTES=0 SEED=$seed");
	$seed++;
	$broken = !defined $report || $report ne '' && $ENV{PG_ETF_FIRST};
} while (!$broken && time < $end);

# Values out of line are what a row is most easily wrong about; a round or two
# may do without.
for (qw(unchanged filled))
{
	cmp_ok($count{$_}, '>', 0, "toasted values were $_")
	  if $count{rounds} > 2;
}
diag(join ', ', map { "$count{$_} $_" } qw(rounds statements failed
  transactions changes values unchanged filled judged));
$etf->stop;
done_testing();
