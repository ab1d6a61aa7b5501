# The client as a person runs it.
package EtfCommand;

use strict;
use warnings;

use IPC::Run;

# Run a command to its end: its status, stdout and stderr.
sub run
{
	my (@command) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout(60));
	return ($? >> 8, $out, $err);
}

1;
