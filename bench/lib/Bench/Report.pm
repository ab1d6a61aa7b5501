# Figures from samples: medians, costs above the floor, a table, JSON.
package Bench::Report;

use strict;
use warnings;

use JSON::PP;
use List::Util qw(max min);

my $base = 'pgoutput-text';

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

# Cost above the floor as a part of another's, round by round: what disturbs
# the machine disturbs the three runs of a round alike.
sub ratio
{
	my ($of, $floor, $to, $what) = @_;
	my @ratios;

	for my $round (0 .. $#{ $of->{samples} })
	{
		my ($x, $f, $t) =
		  map { $_->{samples}[$round]{$what} } ($of, $floor, $to);
		push @ratios, ($x - $f) / ($t - $f)
		  if defined $x && defined $f && defined $t && $t > $f;
	}
	return spread(@ratios);
}

# Add the figures to the results of one workload, a hash by candidate.
sub summarize
{
	my ($results, $rows) = @_;
	my ($floor, $to) = @{$results}{ 'floor', $base };

	for my $result (values %$results)
	{
		for my $what ('cpu', 'wall')
		{
			$result->{$what} = spread(
				grep { defined } map { $_->{$what} } @{ $result->{samples} });
			$result->{"${what}_ratio"} = ratio($result, $floor, $to, $what)
			  if $floor && $to && $result != $floor;
		}
		$result->{us_per_row} = $result->{cpu}{median} * 1e6 / $rows
		  if $result->{cpu};
	}
	return;
}

sub number
{
	my ($format, $value) = @_;
	return defined $value ? sprintf $format, $value : '-';
}

# "0.18 (0.17-0.20)"
sub with_spread
{
	my ($format, $s) = @_;
	return '-' unless $s;
	return sprintf "$format ($format-$format)", @{$s}{qw(median min max)};
}

sub verdict
{
	my ($result, $target) = @_;
	return '' unless defined $target && $result->{cpu_ratio};
	return sprintf '<= %.2f %s', $target,
	  $result->{cpu_ratio}{median} <= $target ? 'met' : 'missed';
}

# What a candidate's CPU ratio is wanted to be: a number of the workload, or
# the ratio of another candidate.
sub target
{
	my ($workload, $candidate, $results) = @_;
	my $target = $workload->{targets}{ $candidate->{name} } // return undef;
	my $other = $results->{$target};

	return $target =~ /^[\d.]+$/ ? $target
	  : $other && $other->{cpu_ratio} ? $other->{cpu_ratio}{median}
	  : undef;
}

sub print_table
{
	my ($workload, $rows, $candidates, $results) = @_;
	my $line = "%-16s %22s %22s %8s %8s %9s %18s %18s  %s\n";

	printf "\n%s: %s; %d rows\n", $workload->{name}, $workload->{title}, $rows;
	printf $line, '', 'CPU s (min-max)', 'wall s (min-max)', 'us/row',
	  'bytes/row', 'msgs/row', 'CPU ratio', 'wall ratio', 'target';
	for my $candidate (@$candidates)
	{
		my $r = $results->{ $candidate->{name} } or next;
		if ($r->{failed})
		{
			printf "%-16s failed: %s\n", $candidate->{name}, $r->{failed};
			next;
		}
		printf $line, $candidate->{name},
		  with_spread('%.3f', $r->{cpu}), with_spread('%.3f', $r->{wall}),
		  number('%.2f', $r->{us_per_row}),
		  number('%.1f', $r->{bytes} / $rows),
		  number('%.4f', $r->{messages} / $rows),
		  with_spread('%.2f', $r->{cpu_ratio}),
		  with_spread('%.2f', $r->{wall_ratio}),
		  verdict($r, target($workload, $candidate, $results));
	}
	return;
}

sub json
{
	my ($data) = @_;
	return JSON::PP->new->pretty->canonical->encode($data);
}

1;
