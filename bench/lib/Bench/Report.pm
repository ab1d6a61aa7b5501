# Results as tables for people and as JSON, and how they compare with targets.
package Bench::Report;

use strict;
use warnings;

use JSON::PP;
use List::Util qw(max);

use Bench::Figures;

# How figures with a target are called.
my %words = (
	ratio => 'rate / walsender alone',
	peer_ratio => 'rate / postgrex_wal',
	recv_ratio => 'rate / pg_recvlogical',
	of_pg_recvlogical => 'rate / pg_recvlogical',
	of_postgrex_wal => 'rate / postgrex_wal',
	of_walex => 'rate / walex',
	client_cpu_us => 'client us/change',
	copy_ratio => 'CPU / COPY binary',
	rate => 'changes/s',
	row_rate => 'rows/s',
	client_row_us => 'client us/row',
	transactions => 'transactions/s',
	beam_cpu_us => 'BEAM us/change',
	client_rss_mib => 'client MiB',
	part => 'CPU / walsender CPU',
	wall_ratio => 'wall / pg_recvlogical',
	rss_mib => 'client MiB',
	us => 'us/call',
	libei_ratio => 'time / libei',
	ms => 'ms to the end',
	backend => 'CPU us/call',
	time_ratio => 'time / dblink',
	rate_ratio => 'rate / dblink',
	core_rate => 'rows/s and core',
	mode_ratio => 'rate / exact',
	visible_ratio => 'instructions / off',
	p99_ratio => 'p99 / without',
	off => 'CPU / not streamed',
	pgoutput => 'CPU / pgoutput streamed',
	p50 => 'p50 ms',
	p99 => 'p99 ms');

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

# The cell of a figure, for a column: its median with or without the spread.
sub figure
{
	my ($key, $format, $median) = @_;
	return sub {
		my ($result) = @_;
		my $figure = $result->{$key};
		return number($format, $figure && $figure->{median}) if $median;
		return with_spread($format, $figure);
	};
}

# Print a table of results, a line for each name, and return it.  A column is a
# heading and what makes a cell of a result and its name.
sub table
{
	my ($title, $columns, $results, @names) = @_;
	my $table = {
		title => $title,
		headings => [ '', map { $_->[0] } @$columns ],
		lines => [ map { line($columns, $results->{$_}, $_) } @names ] };

	print "\n$title\n";
	print_lines($table->{headings}, @{ $table->{lines} });
	return $table;
}

sub line
{
	my ($columns, $result, $name) = @_;
	return [ $name, $result->{failed} ] if $result->{failed};
	return [ $name, map { $_->[1]->($result, $name) } @$columns ];
}

# As wide as the widest cell; a line of two tells why there is no more.
sub print_lines
{
	my @lines = @_;
	my @width;

	for my $line (grep { @$_ == @{ $lines[0] } } @lines)
	{
		$width[$_] = max($width[$_] // 0, length $line->[$_]) for 0 .. $#$line;
	}
	$width[0] = max(map { length $_->[0] } @lines);
	for my $line (@lines)
	{
		printf "%-*s", $width[0], $line->[0];
		printf '  ' . (@$line == 2 ? '%-*s' : '%*s'), $width[$_] // 0, $line->[$_]
		  for 1 .. $#$line;
		print "\n";
	}
	return;
}

# Compare figures with their targets, [name of the result, figure, relation,
# bound], where the figure is there; print and return the comparison.
sub judge
{
	my ($results, @targets) = @_;
	my @judged;

	for (@targets)
	{
		my ($name, $what, $relation, $bound) = @$_;
		my $figure = $results->{$name}{$what} // next;
		my $verdict = Bench::Figures::judgement($figure, $relation, $bound);

		push @judged, { name => $name, what => $words{$what}, figure => $figure,
			relation => $relation, bound => $bound, verdict => $verdict };
		printf "  target: %-24s %-22s %10.4g  %s %-8g %s\n", $name,
		  $words{$what}, $figure->{median}, $relation, $bound, $verdict;
	}
	return \@judged;
}

sub json
{
	my ($data) = @_;
	return JSON::PP->new->pretty->canonical->encode($data);
}

1;
