# Something that listens where a node should, and does what a test says.
#
#	my $fake = FakeNode->new(sub { my ($peer) = @_; ... });
#	... $fake->port ...
#	$fake->stop;
#
# The code runs in a process of its own, once for each connection.  What it can
# do with the peer, a backend:
#
#	$peer->shake_hands;		the whole handshake, as a node would
#	$peer->greet;			the same, and the first call of a session
#	my $call = $peer->call;		the next request to spawn
#	$peer->send($packet);		with its length of four bytes
#	$peer->write($bytes);		as they are
#	$peer->silence;			until the backend closes
package FakeNode;

use strict;
use warnings;

use Digest::MD5 qw(md5);
use IO::Socket::INET;
use POSIX ();

our $name = 'fake@127.0.0.1';
our $cookie = 'crumb';
my $flags = 0xD << 32 | 0x07DF7FBD;    # those of OTP 25

# Parameters: address, port (any); pace, bytes that are written at a time.
sub new
{
	my ($class, $code, %param) = @_;
	my $listener = IO::Socket::INET->new(
		LocalAddr => $param{address} // '127.0.0.1', LocalPort => $param{port} // 0,
		Listen => 50, ReuseAddr => 1) or die "cannot listen: $!";
	pipe my $alive, my $held or die "cannot make a pipe: $!";
	my $self = bless { port => $listener->sockport, alive => $alive }, $class;

	$self->{pid} = fork // die "cannot fork: $!";
	serve($listener, $code, $param{pace}) if $self->{pid} == 0;
	close $listener;
	return $self;
}

sub port { return $_[0]->{port}; }

# The port is free when the last of its processes is gone, which the pipe that
# all of them hold tells.
sub stop
{
	my ($self) = @_;

	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
	readline $self->{alive};
	return;
}

sub serve
{
	my ($listener, $code, $pace) = @_;

	$SIG{CHLD} = 'IGNORE';
	$SIG{TERM} = 'DEFAULT';
	setpgrp;
	$SIG{TERM} = sub { $SIG{TERM} = 'IGNORE'; kill 'TERM', -$$; POSIX::_exit(0); };
	while (my $socket = $listener->accept)
	{
		next if fork // 1;
		$SIG{TERM} = 'DEFAULT';
		setsockopt $socket, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1;
		eval { $code->(bless { socket => $socket, pace => $pace }, 'FakeNode::Peer'); 1; };
		POSIX::_exit(0);
	}
	POSIX::_exit(0);
}

package FakeNode::Peer;

sub write
{
	my ($self, $bytes) = @_;
	my $pace = $self->{pace} || length $bytes;

	while (length $bytes)
	{
		syswrite $self->{socket}, substr $bytes, 0, $pace, '' or die 'closed';
	}
	return;
}

sub read
{
	my ($self, $len) = @_;
	my $bytes = '';

	while (length $bytes < $len)
	{
		sysread $self->{socket}, $bytes, $len - length $bytes, length $bytes
		  or die 'closed';
	}
	return $bytes;
}

sub message { my ($self, $bytes) = @_; return $self->write(pack('n', length $bytes) . $bytes); }

sub send { my ($self, $packet) = @_; return $self->write(pack('N', length $packet) . $packet); }

sub next_message { my ($self) = @_; return $self->read(unpack 'n', $self->read(2)); }

sub next_packet { my ($self) = @_; return $self->read(unpack 'N', $self->read(4)); }

# The steps of the handshake.
sub hear_name
{
	my ($self) = @_;

	$self->{peer_name} = (unpack 'a Q> N n/a', $self->next_message)[3];
	return;
}

sub challenge
{
	my ($self, %param) = @_;

	return $self->message(pack 'a Q> N N n/a', 'N', $param{flags} // $flags,
		12345, 7, $param{name} // $name);
}

sub answer
{
	my ($self) = @_;
	my (undef, $challenge, $digest) = unpack 'a N a16', $self->next_message;

	die 'wrong cookie' if $digest ne Digest::MD5::md5($cookie . 12345);
	$self->message('a' . Digest::MD5::md5($cookie . $challenge));
	return;
}

sub shake_hands
{
	my ($self, %param) = @_;

	$self->hear_name;
	$self->message('s' . ($param{status} // 'ok'));
	$self->{taken_over} = $self->next_message if ($param{status} // '') eq 'alive';
	$self->challenge;
	$self->answer;
	return;
}

# With the call that asks for the group leader, to which there is none.
sub greet
{
	my ($self, %param) = @_;

	$self->shake_hands(%param);
	my $whereis = $self->call;
	$self->reply_to($whereis, atom('undefined'));
	return;
}

# {ref, from, args}: the parts of a request, as bytes.
sub call
{
	my ($self) = @_;
	my $packet;

	do { $packet = $self->next_packet; } while (length $packet == 0);
	my $len = length $self->{peer_name};
	my (undef, $ref, $from) = unpack 'a6 a' . ($len + 21) . ' a' . ($len + 15), $packet;
	return { ref => $ref, from => $from, packet => $packet };
}

sub atom { my ($text) = @_; return 'w' . pack 'C/a', $text; }

sub own_pid { return 'X' . atom($FakeNode::name) . pack 'N3', 9, 0, 7; }

sub spawned
{
	my ($self, $call, $result) = @_;

	return $self->send("p\x83h\x05a\x1f$call->{ref}$call->{from}a\0" . ($result // own_pid()));
}

sub exit_with
{
	my ($self, $call, $reason) = @_;

	return $self->send("p\x83h\x04a\x03" . own_pid() . "$call->{from}$reason");
}

sub returned { my ($value) = @_; return "h\x03" . atom('r') . atom('return') . $value; }

sub reply_to
{
	my ($self, $call, $value) = @_;

	$self->spawned($call);
	return $self->exit_with($call, returned($value));
}

sub silence
{
	my ($self) = @_;
	my $ignored;

	1 while sysread $self->{socket}, $ignored, 65536;
	return;
}

1;
