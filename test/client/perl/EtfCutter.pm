# A network that loses each connection after one frame, or some, more than the
# last one; or, with 0, all of them when it is told to.
#
#	my $cutter = EtfCutter->new($node, 1);
#	pg_etf_client --dbname=$cutter->conninfo ...
#	$cutter->cut;
#
# Frames are counted where they are whole, so each connection ends between two
# of them; those that are cut end anywhere.
package EtfCutter;

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use PostgreSQL::Test::Utils;
use Socket qw(SOL_SOCKET SO_SNDBUF);

# What one side has sent and the other has not taken is little.
my $buffer = 16384;

sub new
{
	my ($class, $node, $more) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my $listener = IO::Socket::UNIX->new(
		Local => "$dir/.s.PGSQL.5432",
		Listen => 16) or die "listen: $!";
	my $self = bless { dir => $dir }, $class;

	$self->{pid} = fork() // die "fork: $!";
	if ($self->{pid} == 0)
	{
		setpgrp;
		$SIG{CHLD} = $SIG{USR1} = 'IGNORE';
		for (my $frames = $more; my $client = $listener->accept; $frames += $more)
		{
			serve($node, $client, $frames) if !fork;
			close $client;
		}
		POSIX::_exit(0);
	}
	return $self;
}

sub serve
{
	my ($node, $client, $frames) = @_;
	$SIG{USR1} = 'DEFAULT';
	my $server =
	  IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port);

	setsockopt $client, SOL_SOCKET, SO_SNDBUF, $buffer;
	pass($client, $server, $frames) if $server;
	POSIX::_exit(0);
}

# Until one side is gone, or so many frames have passed.
sub pass
{
	my ($client, $server, $frames) = @_;
	my $select = IO::Select->new($client, $server);
	my $waiting = '';

	while (my @ready = $select->can_read(60))
	{
		for my $socket (@ready)
		{
			my $bytes = '';

			sysread $socket, $bytes, 65536 or return;
			if ($socket == $client)
			{
				put($server, $bytes);
				next;
			}
			$waiting .= $bytes;
			while (defined(my $message = message(\$waiting)))
			{
				put($client, $message) or return;
				return if $message =~ /^d....w/s && --$frames == 0;
			}
		}
	}
	return;
}

# Take a whole message; there is no encryption, so each has a length.
sub message
{
	my ($waiting) = @_;
	my $length = length $$waiting >= 5 ? 1 + unpack 'xN', $$waiting : 5;

	return if length $$waiting < $length;
	return substr $$waiting, 0, $length, '';
}

sub put
{
	my ($to, $bytes) = @_;

	while (length $bytes)
	{
		my $sent = syswrite $to, $bytes or return 0;
		substr $bytes, 0, $sent, '';
	}
	return 1;
}

sub conninfo
{
	my ($self) = @_;

	return "host=$self->{dir} port=5432 dbname=postgres";
}

sub cut { return kill USR1 => -$_[0]->{pid}; }

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);

	kill KILL => $self->{pid}, -$self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

1;
