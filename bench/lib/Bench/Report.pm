# Figures from samples: medians, costs above the floor, a table, JSON.
package Bench::Report;

use strict;
use warnings;

use JSON::PP;
use List::Util qw(max);

use Bench::Figures;

my $base = 'pgoutput-text';

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
	return Bench::Figures::spread(@ratios);
}

# Add the figures to the results of one workload, a hash by candidate.
sub summarize
{
	my ($results, $rows) = @_;
	my ($floor, $to) = @{$results}{ 'floor', $base };

	for my $result (grep { !$_->{failed} } values %$results)
	{
		for my $what ('cpu', 'wall', 'instructions')
		{
			$result->{$what} = Bench::Figures::spread(
				grep { defined } map { $_->{$what} } @{ $result->{samples} })
			  // next;
			$result->{"${what}_ratio"} = ratio($result, $floor, $to, $what)
			  if $floor && $to && $result != $floor;
		}
	}
	return;
}

sub number
{
	my ($format, $value) = @_;
	return defined $value ? sprintf $format, $value : '-';
}

# "0.18 (0.17..0.20)"
sub with_spread
{
	my ($format, $s) = @_;
	return '-' unless $s;
	return sprintf "$format ($format..$format)", @{$s}{qw(median min max)};
}

# What a candidate's CPU ratio is wanted to be: a number of the workload, or the
# ratio of another candidate.
sub target
{
	my ($workload, $name, $results) = @_;
	my $target = $workload->{targets}{$name} // return undef;
	my $other = $results->{$target};

	return $target if $target =~ /^[\d.]+$/;
	return $other ? $other->{cpu_ratio}{median} : undef;
}

sub verdict
{
	my ($workload, $name, $results) = @_;
	my $target = target(@_) // return '';
	my $ratio = $results->{$name}{cpu_ratio} // return '';

	return sprintf '<= %.2f %s', $target, Bench::Figures::judgement($ratio, '<=', $target);
}

# The columns of a line: [heading, width, value of a result].
sub time_columns
{
	my ($rows) = @_;
	return (
		[ 'CPU s (min..max)', 22, sub { with_spread('%.3f', $_[0]{cpu}) } ],
		[ 'wall s (min..max)', 22, sub { with_spread('%.3f', $_[0]{wall}) } ],
		[ 'us/row', 8,
			sub { sprintf '%.2f', $_[0]{cpu}{median} * 1e6 / $rows } ],
		[ 'bytes/row', 11, sub { sprintf '%.1f', $_[0]{bytes} / $rows } ],
		[ 'msgs/row', 9, sub { sprintf '%.4f', $_[0]{messages} / $rows } ],
		[ 'CPU ratio', 19, sub { with_spread('%.2f', $_[0]{cpu_ratio}) } ],
		[ 'wall ratio', 19, sub { with_spread('%.2f', $_[0]{wall_ratio}) } ]);
}

# Targets are about time: sending, which the kernel does, counts there alone.
sub instruction_columns
{
	my ($rows) = @_;
	return (
		[ 'instructions/row', 18,
			sub { sprintf '%.0f', $_[0]{instructions}{median} / $rows } ],
		[ 'ratio', 8,
			sub { number('%.3f', $_[0]{instructions_ratio}{median}) } ]);
}

sub print_table
{
	my ($workload, $rows, $candidates, $results, @columns) = @_;
	my $line = '%-18s' . join('', map { " %$_->[1]s" } @columns) . "  %s\n";

	printf "\n%s: %s; %d rows\n", $workload->{name}, $workload->{title}, $rows;
	printf $line, '', (map { $_->[0] } @columns), 'target';
	for my $name (map { $_->{name} } @$candidates)
	{
		my $result = $results->{$name};
		if ($result->{failed})
		{
			print "$name: $result->{failed}\n";
			next;
		}
		printf $line, $name, (map { $_->[2]->($result) } @columns),
		  verdict($workload, $name, $results);
	}
	return;
}

# A table of results, a line for each name.  A column is a heading, a width, the
# key of a figure, its format, and whether the median alone is shown.
sub print_columns
{
	my ($columns, $results, @names) = @_;
	my $width = max(map { length } @names);
	my $line = "%-${width}s" . join('', map { " %$_->[1]s" } @$columns) . "\n";

	printf $line, '', map { $_->[0] } @$columns;
	for my $name (@names)
	{
		my $result = $results->{$name};
		if ($result->{failed})
		{
			print "$name: $result->{failed}\n";
			next;
		}
		printf $line, $name, map { cell($result, @{$_}[ 2 .. $#$_ ]) } @$columns;
	}
	return;
}

sub cell
{
	my ($result, $key, $format, $median) = @_;
	my $figure = $result->{$key};
	return number($format, $figure && $figure->{median}) if $median;
	return with_spread($format, $figure);
}

# Compare figures with their targets, [name of the result, figure, relation,
# bound], where the figure is there.
sub judge
{
	my ($results, @targets) = @_;
	my @judged;

	for (@targets)
	{
		my ($name, $what, $relation, $bound) = @$_;
		my $figure = $results->{$name}{$what} // next;
		push @judged, { name => $name, what => $what, figure => $figure,
			relation => $relation, bound => $bound,
			verdict => Bench::Figures::judgement($figure, $relation, $bound) };
	}
	return @judged;
}

sub print_targets
{
	my @judged = @_;
	printf "  target: %-24s %-16s %10.4g  %s %-8g %s\n",
	  @{$_}{qw(name what)}, $_->{figure}{median},
	  @{$_}{qw(relation bound verdict)}
	  for @judged;
	return;
}

# The functions that execute most, without what they call.
sub print_functions
{
	my ($name, $profile, $count) = @_;
	my @lines = grep { /\(\s*[\d.]+%\)/ } qx(callgrind_annotate "$profile");

	splice @lines, $count + 1;
	print "\n$name:\n", map { s/ \S*?([^\/\s]+:)/ $1/r } @lines;
	return;
}

sub json
{
	my ($data) = @_;
	return JSON::PP->new->pretty->canonical->encode($data);
}

1;
