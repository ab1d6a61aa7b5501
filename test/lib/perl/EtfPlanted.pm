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

	write_file("$dir/$file", $good =~ s/\Q$from\E/$to/r);
	my $started = time;
	my $passed = eval { $test->($dir, @more) } // die "$name: $@";
	write_file("$dir/$file", $good);
	return $passed ? undef : time - $started;
}

# Says which texts are not in their file exactly once, as after the code moved;
# true when there are none.
sub check
{
	my ($bugs) = @_;
	my $stale = 0;

	for my $bug (@$bugs)
	{
		my ($name, $file, $from) = @$bug;
		my $found = -e $file ? () = contents($file) =~ /\Q$from\E/g : 0;

		next if $found == 1;
		warn "$name: found $found times in $file: $from\n";
		$stale++;
	}
	return !$stale;
}

# Those whose name has one of the given texts in it; all when none is given.
sub chosen
{
	my ($bugs, @names) = @_;

	return @$bugs if !@names;
	return grep { my $bug = $_; grep { $bug->[0] =~ /\Q$_\E/ } @names } @$bugs;
}

# A test that fails without a bug: the end of its log says why.
sub unsound
{
	my ($name, $log) = @_;

	system('tail', '-n', '50', $log) if defined $log && -e $log;
	die "$name fails without a bug\n";
}

# Plants bugs; a line for each, and true when all were noticed.  What is given
# in sound has to pass without a bug, once; log is the file of the copy that the
# test writes to.
sub plant
{
	my ($test, $bugs, %given) = @_;

	return 0 if !check($bugs);
	my $dir = copy_tree();
	my $missed = 0;

	$test->($dir, $_) or unsound($_, $given{log} && "$dir/$given{log}")
	  for @{ $given{sound} // [] };

	# So that the copy is removed.
	local $SIG{INT} = local $SIG{TERM} = sub { exit 1 };
	local $| = 1;
	for my $bug (@$bugs)
	{
		my $seconds = noticed($dir, $test, @$bug);

		printf "%6s %s\n", $seconds // 'MISSED', $bug->[0];
		$missed++ if !defined $seconds;
	}
	return !$missed;
}

1;
