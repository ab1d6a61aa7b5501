# A TCP proxy to a unix socket, or to HOST:PORT, which does to its connections
# what networks do.
#
#   perl proxy.pl SOCKET|HOST:PORT [FD]
#
# Listens at a socket that it inherits, or at one of its own.  Prints its port.  Lines of input say how it is from now on:
#
#   pass         every byte, at once
#   delay MS     every byte, so much later
#   byte         one byte at a time
#   blackhole    nothing of what is connected now comes through any more;
#                new connections work
#   bury         what was swallowed so is closed
#   reset        what is connected now is reset
#   half         what is connected now gets an end of file from the server,
#                which still hears the client
use strict;
use warnings;

use Errno;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep);

my ($path, $fd) = @ARGV;
my $listen = (defined $fd ? IO::Socket::INET->new_from_fd($fd, 'r+')
	: IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1))
  or die "listen: $@";
my $readers = IO::Select->new($listen, \*STDIN);
my $writers = IO::Select->new;
my ($mode, $delay) = ('pass', 0);

# By socket: the other end, whether it is a client's, and what waits to be
# written to it.  A side is read only while nothing waits for the other.
my (%peer, %is_client, %waiting);
my @swallowed;

sub add
{
	my ($client) = @_;
	my $server = $path =~ m{^/} ? IO::Socket::UNIX->new(Peer => $path)
	  : IO::Socket::INET->new(PeerAddr => $path);

	return close $client unless $server;
	$_->blocking(0) for $client, $server;
	$peer{$client} = $server;
	$peer{$server} = $client;
	$is_client{$client} = 1;
	$readers->add($client, $server);
	return;
}

sub end
{
	my ($one, $reset) = @_;

	for my $side (grep { defined } $peer{$one}, $one)
	{
		setsockopt $side, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)
		  if $reset && $is_client{$side};
		$readers->remove($side);
		$writers->remove($side);
		delete $_->{$side} for \%peer, \%is_client, \%waiting;
		close $side;
	}
	return;
}

sub order
{
	my ($word, $number) = @_;
	my @clients = map { $peer{ $peer{$_} } } grep { $is_client{$_} } keys %peer;

	if ($word eq 'reset') { end($_, 1) for @clients; }
	elsif ($word eq 'half') { shutdown $_, 1 for @clients; }
	elsif ($word eq 'bury') { end($_) for splice @swallowed; }
	elsif ($word eq 'blackhole')
	{
		push @swallowed, @clients;
		for my $side (map { ($_, $peer{$_}) } @clients)
		{
			$readers->remove($side);
			$writers->remove($side);
		}
	}
	else { ($mode, $delay) = ($word, ($number // 0) / 1000); }
	return;
}

# From one side to the other.
sub pump
{
	my ($from) = @_;
	my $to = $peer{$from} // return;
	my $read = sysread $from, $waiting{$to}, $mode eq 'byte' ? 1 : 65536;

	return if !defined $read && $!{EAGAIN};
	return end($from) unless $read;
	sleep $delay if $mode eq 'delay';
	return drain($to);
}

sub drain
{
	my ($to) = @_;
	my $from = $peer{$to} // return;
	my $sent = syswrite $to, $waiting{$to};

	if (!defined $sent && !$!{EAGAIN})
	{
		# Half closed: what still comes is for nobody.
		return end($to) unless $is_client{$to};
		$sent = length $waiting{$to};
	}
	substr $waiting{$to}, 0, $sent // 0, '';
	my $more = length $waiting{$to};

	$more ? $writers->add($to) : $writers->remove($to);
	$more ? $readers->remove($from) : $readers->add($from);
	return;
}

sub orders
{
	my $read = sysread STDIN, my $lines, 4096;

	exit 0 unless $read;
	order(split ' ', $_) for split /\n/, $lines;
	return;
}

$SIG{PIPE} = 'IGNORE';
$| = 1;
print $listen->sockport, "\n";
for (;;)
{
	my ($readable, $writable) = IO::Select->select($readers, $writers, undef);

	drain($_) for @{ $writable // [] };
	for my $handle (@{ $readable // [] })
	{
		if ($handle == $listen) { add($listen->accept // next); }
		elsif ($handle == \*STDIN) { orders(); }
		else { pump($handle); }
	}
}
