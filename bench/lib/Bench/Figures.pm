# What samples say: medians, percentiles, the shape of a curve.  Pure.
package Bench::Figures;

use strict;
use warnings;

use List::Util qw(max min sum);
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

# "level": the median is beyond the bound, but not every round.
sub judgement
{
	my ($figure, $relation, $bound) = @_;
	my ($sign, $best) =
	  $relation eq '>=' ? (1, $figure->{max}) : (-1, $figure->{min});

	return 'met' if $sign * $figure->{median} >= $sign * $bound;
	return $sign * $best >= $sign * $bound ? 'level' : 'missed';
}

# The line a + b * x that is nearest to the points [x, y], where what counts is
# how far it is off as a part of y.  {constant, slope, deviation}: the largest.
sub line
{
	my @points = @_;
	my ($s, $sx, $sxx, $sy, $sxy) = (0) x 5;

	for (@points)
	{
		my ($x, $y) = @$_;
		my $weight = 1 / $y**2;
		$s += $weight;
		$sx += $weight * $x;
		$sxx += $weight * $x**2;
		$sy += $weight * $y;
		$sxy += $weight * $x * $y;
	}
	my $slope = ($s * $sxy - $sx * $sy) / ($s * $sxx - $sx**2);
	my $constant = ($sy - $slope * $sx) / $s;
	my $deviation =
	  max(map { abs($constant + $slope * $_->[0] - $_->[1]) / $_->[1] } @points);
	return { constant => $constant, slope => $slope, deviation => $deviation };
}

# How far the y of points are from their middle, as a part of it.
sub unevenness
{
	my @y = map { $_->[1] } @_;
	my $middle = (max(@y) + min(@y)) / 2;
	return (max(@y) - min(@y)) / 2 / $middle;
}

1;
