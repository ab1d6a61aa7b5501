# A test that test/run ends for its length dies where it stands: the trace says
# what it waited for, and its servers are stopped.
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

1;
