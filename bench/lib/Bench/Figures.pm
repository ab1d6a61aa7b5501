# What samples say: medians, percentiles, the shape of a curve.  Pure.
package Bench::Figures;

use strict;
use warnings;

use List::Util qw(max min);
use POSIX qw(ceil);

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return undef unless @sorted;
	my $middle = int(@sorted / 2);
	return @sorted % 2
	  ? $sorted[$middle]
	  : ($sorted[ $middle - 1 ] + $sorted[$middle]) / 2;
}

sub spread
{
	my @values = @_;
	return undef unless @values;
	return { median => median(@values), min => min(@values),
		max => max(@values) };
}

# The smallest value that so many percent are not above.
sub percentile
{
	my ($percent, @values) = @_;
	my @sorted = sort { $a <=> $b } @values;
	return undef unless @sorted;
	# Decimal fractions are not exact: 99.9 % of 1000 must not be 999.0001.
	my $rank = ceil($percent / 100 * @sorted - 1e-9);
	return $sorted[ max($rank, 1) - 1 ];
}

# A look of seconds at a busy machine says nothing about a target.
our $quick = 0;
use constant NOT_JUDGED => 'quick: not judged';

# "met" in every round, "level" in some, "missed" in none.
sub judgement
{
	my ($figure, $relation, $bound) = @_;
	my ($sign, $best, $worst) =
	  $relation eq '>='
	  ? (1, $figure->{max}, $figure->{min})
	  : (-1, $figure->{min}, $figure->{max});

	return NOT_JUDGED if $quick;
	return 'met' if $sign * $worst >= $sign * $bound;
	return $sign * $best >= $sign * $bound ? 'level' : 'missed';
}

# How much more than linear a curve of points [x, y] is: how far a point is
# below a straight line between one before it and one behind it, as a part of
# its y.  0 for a line, and for what grows less and less.
sub excess
{
	my @points = sort { $a->[0] <=> $b->[0] } @_;
	my $excess = 0;

	for my $middle (1 .. $#points - 1)
	{
		for my $before (@points[ 0 .. $middle - 1 ])
		{
			$excess = max($excess, map { below($before, $points[$middle], $_) }
				  @points[ $middle + 1 .. $#points ]);
		}
	}
	return $excess;
}

sub below
{
	my ($before, $point, $behind) = @_;
	my ($x, $y) = @$point;
	my $slope = ($behind->[1] - $before->[1]) / ($behind->[0] - $before->[0]);
	return ($before->[1] + $slope * ($x - $before->[0]) - $y) / $y;
}

# How far the y of points are from their middle, as a part of it.
sub unevenness
{
	my @y = map { $_->[1] } @_;
	my $middle = (max(@y) + min(@y)) / 2;
	return (max(@y) - min(@y)) / 2 / $middle;
}

1;
