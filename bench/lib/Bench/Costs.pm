# What a plugin costs above one that writes nothing, as a part of what pgoutput's
# text format costs above it.
package Bench::Costs;

use strict;
use warnings;

use Bench::Figures;
use Bench::Report;

my $base = 'pgoutput-text';

# Cost above the floor as a part of another's, round by round: what disturbs
# the machine disturbs the three runs of a round alike.  Without a floor, whole
# costs.
sub ratio
{
	my ($of, $floor, $to, $what) = @_;
	my @ratios;

	for my $round (0 .. $#{ $of->{samples} })
	{
		my ($x, $f, $t) =
		  map { $_ ? $_->{samples}[$round]{$what} : 0 } ($of, $floor, $to);
		push @ratios, ($x - $f) / ($t - $f)
		  if defined $x && defined $f && defined $t && $t > $f;
	}
	return Bench::Figures::spread(@ratios);
}

# Add the figures to the results of a workload, a hash by candidate.
sub summarize
{
	my ($workload, $results) = @_;
	my ($to, $none) = @{$results}{ $base, 'floor' };
	my $floor = $workload->{whole} ? undef : $none;

	for my $result (grep { !$_->{failed} } values %$results)
	{
		for my $what ('cpu', 'wall', 'instructions')
		{
			$result->{$what} = Bench::Figures::spread(
				grep { defined } map { $_->{$what} } @{ $result->{samples} })
			  // next;
			$result->{"${what}_ratio"} = ratio($result, $floor, $to, $what)
			  if $none && $to && $result != $none;
		}
	}
	return;
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

	return sprintf '<= %.2f %s', $target,
	  Bench::Figures::judgement($ratio, '<=', $target);
}

# The columns of the tables.
sub time_columns
{
	my ($rows) = @_;
	return (
		[ 'CPU s (min..max)', Bench::Report::figure('cpu', '%.3f') ],
		[ 'wall s (min..max)', Bench::Report::figure('wall', '%.3f') ],
		[ 'us/row', sub { sprintf '%.2f', $_[0]{cpu}{median} * 1e6 / $rows } ],
		[ 'bytes/row', sub { sprintf '%.1f', $_[0]{bytes} / $rows } ],
		[ 'msgs/row', sub { sprintf '%.4f', $_[0]{messages} / $rows } ],
		[ 'CPU ratio', Bench::Report::figure('cpu_ratio', '%.2f') ],
		[ 'wall ratio', Bench::Report::figure('wall_ratio', '%.2f') ]);
}

# Targets are about time: sending, which the kernel does, counts there alone.
sub instruction_columns
{
	my ($rows) = @_;
	return (
		[ 'instructions/row',
			sub { sprintf '%.0f', $_[0]{instructions}{median} / $rows } ],
		[ 'ratio',
			Bench::Report::figure('instructions_ratio', '%.3f', 'median') ]);
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

1;
