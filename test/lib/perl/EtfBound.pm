# A test that test/run ends for its length dies where it stands: the trace says
# what it waited for, and its servers are stopped.  What it forked ends with it.
package EtfBound;

use strict;
use warnings;

use Carp;

my $test = $$;

$SIG{TERM} = sub {
	confess 'ended from outside, perhaps for its length' if $$ == $test;
	# What the test forked ends as if nobody had said anything.
	$SIG{TERM} = 'DEFAULT';
	kill TERM => $$;
};

# The forks of a process, and theirs; not the programs that it runs.
sub forks
{
	my ($pid) = @_;
	my %children;

	for my $file (glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', $file or next;
		my ($child, $parent) = (<$stat> // '') =~ /^(\d+) \(.*\) [^Z] (\d+)/s or next;
		push @{ $children{$parent} }, $child
		  if (readlink "/proc/$child/exe" // '') eq readlink "/proc/$test/exe";
	}
	my @found = @{ $children{$pid} // [] };
	for (my $i = 0; $i < @found; $i++)
	{
		push @found, @{ $children{ $found[$i] } // [] };
	}
	return @found;
}

# One that outlives its test has the pipe to prove, which then waits for ever.
# Loaded before the test, this is the last block to run.
END
{
	my $status = $?;

	kill KILL => forks($test) if $$ == $test;
	$? = $status;
}

1;
