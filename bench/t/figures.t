# The statistics that the targets and the shapes of curves are judged by.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use Test::More;

use Bench::Costs;
use Bench::Figures;

my @decades = (1e4, 1e5, 1e6, 1e7);

sub excess
{
	my ($of) = @_;
	return Bench::Figures::excess(map { [ $_, $of->($_) ] } @decades);
}

sub spread { return Bench::Figures::spread(@_) }

is(Bench::Figures::median(3, 1, 2), 2, 'the median is in the middle');
is(Bench::Figures::median(4, 1, 2, 3), 2.5, 'or between two');
is(Bench::Figures::median(), undef, 'nothing has no median');
is_deeply(spread(5, 1, 3), { median => 3, min => 1, max => 5 },
	'a spread has all three');

is(Bench::Figures::percentile(50, 1 .. 100), 50, 'p50 of 100');
is(Bench::Figures::percentile(99.9, 1 .. 1000), 999, 'p99.9 of 1000');
is(Bench::Figures::percentile(99.9, 1 .. 10), 10, 'p99.9 of few is the last');
is(Bench::Figures::percentile(1, 7), 7, 'of one, all are this one');

for (
	[ '<=', 3, 'met', 'in every round' ],
	[ '<=', 2.9, 'level', 'not in the worst' ],
	[ '<=', 1, 'level', 'in the best only' ],
	[ '<=', 0.9, 'missed', 'in none' ],
	[ '>=', 1, 'met', 'in every round, where more is better' ],
	[ '>=', 1.1, 'level', 'not in the worst, where more is better' ],
	[ '>=', 3.1, 'missed', 'in none, where more is better' ])
{
	my ($relation, $bound, $word, $name) = @$_;
	is(Bench::Figures::judgement(spread(1, 2, 3), $relation, $bound), $word,
		"$word: $name");
	local $Bench::Figures::quick = 1;
	is(Bench::Figures::judgement(spread(1, 2, 3), $relation, $bound),
		'quick: not judged', 'and in a quick look it is not judged');
}

cmp_ok(excess(sub { 2 * $_[0] }), '<', 1e-9, 'a line is linear');
cmp_ok(excess(sub { 2 * $_[0] + 1e6 }), '<', 1e-9,
	'with a cost at the beginning as well');
is(excess(sub { sqrt $_[0] }), 0, 'less than linear is not too much');
cmp_ok(excess(sub { $_[0] * log $_[0] }), '>', 0.25,
	'n log n is more than linear');
cmp_ok(excess(sub { $_[0]**2 }), '>', 10, 'a square is much more');
cmp_ok(excess(sub { 1e9 + $_[0] + ($_[0] > 2e6 ? 9e9 : 0) }), '>', 0.25,
	'so is a step at the end');

is(Bench::Figures::unevenness([ 1, 5 ], [ 2, 5 ]), 0, 'what is flat is even');
cmp_ok(Bench::Figures::unevenness([ 1, 5 ], [ 2, 10 ]), '>', 0.25,
	'what doubles is not');

my %results = (
	floor => { samples => [ { cpu => 1 }, { cpu => 2 } ] },
	'pgoutput-text' => { samples => [ { cpu => 5 }, { cpu => 6 } ] },
	ours => { samples => [ { cpu => 2 }, { cpu => 3 } ] });
Bench::Costs::summarize({}, \%results);
is($results{ours}{cpu_ratio}{median}, 0.25,
	'a cost is a part of the base above the floor, round by round');
Bench::Costs::summarize({ whole => 1 }, \%results);
is($results{ours}{cpu_ratio}{median}, 0.45, 'or of the whole base');

done_testing();
