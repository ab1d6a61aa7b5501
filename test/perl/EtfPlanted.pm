# Bugs that are planted into a copy of the tree, one after the other: each a
# name, a file, a text that is there once, and what comes in its place.
package EtfPlanted;

use strict;
use warnings;

use File::Temp;

sub run
{
	my (@command) = @_;

	system(@command) == 0 or die "@command: exit status $?\n";
	return;
}

sub copy_tree
{
	my $dir = File::Temp->newdir('pg_etf_planted.XXXXXX', TMPDIR => 1);

	chmod 0755, $dir;
	run("git ls-files -z --cached --others --exclude-standard |"
		  . " xargs -0 cp --parents -t $dir 2>/dev/null; test -e $dir/Makefile");
	return $dir;
}

sub contents
{
	my ($file) = @_;
	local $/;

	open my $in, '<', $file or die "$file: $!\n";
	return scalar <$in>;
}

sub write_file
{
	my ($file, $text) = @_;

	open my $out, '>', $file or die "$file: $!\n";
	print $out $text;
	close $out or die "$file: $!\n";
	return;
}

# The seconds until the test failed, or nothing.  The test gets the directory
# and what else belongs to the bug, and is true when all passes.
sub noticed
{
	my ($dir, $test, $name, $file, $from, $to, @more) = @_;
	my $good = contents($file);
	my $found = () = $good =~ /\Q$from\E/g;

	die "$name: found $found times in $file: $from\n" if $found != 1;
	write_file("$dir/$file", $good =~ s/\Q$from\E/$to/r);
	my $started = time;
	my $passed = eval { $test->($dir, @more) } // die "$name: $@";
	write_file("$dir/$file", $good);
	return $passed ? undef : time - $started;
}

# Plants all bugs, or those whose name has one of the given texts in it; a line
# for each, and true when all were noticed.  What is given in sound has to pass
# without a bug, once.
sub plant
{
	my ($test, $bugs, %given) = @_;
	my @names = @{ $given{names} // [] };
	my $dir = copy_tree();
	my $missed = 0;

	$test->($dir, $_) or die "$_ fails without a bug\n" for @{ $given{sound} // [] };

	# So that the copy is removed.
	local $SIG{INT} = local $SIG{TERM} = sub { exit 1 };
	local $| = 1;
	for my $bug (@$bugs)
	{
		next if @names && !grep { $bug->[0] =~ /\Q$_\E/ } @names;
		my $seconds = noticed($dir, $test, @$bug);

		printf "%6s %s\n", $seconds // 'MISSED', $bug->[0];
		$missed++ if !defined $seconds;
	}
	return !$missed;
}

1;
