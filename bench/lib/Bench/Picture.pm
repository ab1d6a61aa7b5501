# Pictures of the figures, by gnuplot.
package Bench::Picture;

use strict;
use warnings;

my @colours = map { "#$_" }
  qw(1b5e8c e07b39 4a9c6d a05195 c0392b 7f8c8d c9a227);
my $style = join '', map { "set linetype $_ lc rgb '$colours[$_ - 1]' lw 2 pt 7\n" }
  1 .. @colours;

sub there
{
	return !system 'gnuplot --version >/dev/null 2>&1';
}

# Let gnuplot draw into an SVG file.
sub draw
{
	my ($file, $size, $script) = @_;

	open my $gnuplot, '|-', 'gnuplot' or die "gnuplot: $!\n";
	print $gnuplot <<"END";
set terminal svg noenhanced size $size font 'sans-serif,12' background rgb 'white'
set output '$file'
$style
set key outside right
set grid ytics lc rgb '#dddddd' lw 1 lt 1
set border 3
set tics nomirror
$script
END
	close $gnuplot or die "gnuplot failed at $file\n";
	return 1;
}

# A block of data for a script: lines of words, '-' where there is no figure.
sub block
{
	my ($name, @lines) = @_;
	my $text = join "\n", map {
		join ' ', map { defined $_ ? /[^-\w.+]/ ? qq("$_") : $_ : '-' } @$_
	} @lines;
	return "\$$name << END\n$text\nEND\n";
}

# Clustered bars: a group for each line, a colour for each heading.
sub bars
{
	my ($name, $headings, @lines) = @_;
	my @plots = map {
		my $column = $_ + 2;
		"\$$name using $column:xtic(1) title '$headings->[$_]'"
	} 0 .. $#$headings;

	return block($name, @lines)
	  . "set datafile missing '-'\nset style data histograms\n"
	  . "set style fill solid 0.9 noborder\nset boxwidth 0.9\n"
	  . "plot " . join(', ', @plots) . "\n";
}

# Lines with points, one for each heading that has any.
sub curves
{
	my ($name, $headings, @lines) = @_;
	my @plots = map {
		my $column = $_ + 2;
		"\$$name using 1:$column with linespoints title '$headings->[$_]'"
	} grep { my $column = $_ + 1; grep { defined $_->[$column] } @lines }
	  0 .. $#$headings;

	return block($name, @lines)
	  . "set datafile missing '-'\nplot " . join(', ', @plots) . "\n";
}

1;
