# A network between client and server that can go away without a word.
#
#	my $relay = EtfRelay->new($node);
#	EtfClient->start($node, $relay->settings);
#	$relay->freeze;
#
# A process of its own passes bytes on in both directions.  Frozen, it neither
# reads nor closes anything, as a network does that swallows everything.
#
#	my $relay = EtfRelay->new($node, 'COMMIT');
#	ok($relay->froze, 'COMMIT is on its way');
#	$relay->thaw;
#
# That one freezes itself, once, before it passes on a text of the client.
package EtfRelay;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(WNOHANG WUNTRACED);
use Time::HiRes qw(sleep time);

sub new
{
	my ($class, $node, $freeze_at) = @_;
	my $listener = IO::Socket::INET->new(
		LocalAddr => '127.0.0.1',
		Listen => 16) or die "listen: $!";
	my $self = bless { port => $listener->sockport }, $class;

	$self->{pid} = fork() // die "fork: $!";
	if ($self->{pid} == 0)
	{
		relay($listener, $node->host . '/.s.PGSQL.' . $node->port, $freeze_at);
		POSIX::_exit(0);
	}
	return $self;
}

sub relay
{
	my ($listener, $path, $freeze_at) = @_;
	my $select = IO::Select->new($listener);
	my %peer;

	while (my @ready = $select->can_read)
	{
		foreach my $socket (@ready)
		{
			if ($socket == $listener)
			{
				my $client = $listener->accept or next;
				my $server = IO::Socket::UNIX->new(Peer => $path) or next;

				@peer{ $client, $server } = ($server, $client);
				$select->add($client, $server);
				next;
			}
			my $other = $peer{$socket} or next;
			next if pass($socket, $other, \$freeze_at);
			delete @peer{ $socket, $other };
			$select->remove($socket, $other);
			close $_ for $socket, $other;
		}
	}
	return;
}

sub pass
{
	my ($from, $to, $freeze_at) = @_;
	my $count = sysread $from, my $bytes, 65536;

	return 0 unless $count;
	if (defined $$freeze_at && index($bytes, $$freeze_at) >= 0)
	{
		undef $$freeze_at;
		kill STOP => $$;
	}
	while (length $bytes)
	{
		my $sent = syswrite $to, $bytes or return 0;
		substr $bytes, 0, $sent, '';
	}
	return 1;
}

sub port { return $_[0]->{port}; }

# Settings of a client that connects through it.
sub settings
{
	my ($self) = @_;

	return (connection => "#{host => <<\"127.0.0.1\">>, port => $self->{port}}");
}

# Has it come to its text?
sub froze
{
	my ($self) = @_;
	my $until = time + 60;

	while (time < $until)
	{
		return 1 if waitpid($self->{pid}, WNOHANG | WUNTRACED) == $self->{pid};
		sleep 0.02;
	}
	return 0;
}

sub freeze { return kill STOP => $_[0]->{pid}; }
sub thaw { return kill CONT => $_[0]->{pid}; }

sub DESTROY
{
	my ($self) = @_;

	kill KILL => $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

1;
