# A network that loses each connection after one frame, or some, more than the
# last one; or, with 0, all of them when it is told to.
#
#	my $cutter = EtfCutter->new($node, 1);
#	pg_etf_client --dbname=$cutter->conninfo ...
#	$cutter->cut;
#
# Or one that holds a statement back, and all else that is said on its connection:
#
#	$cutter->hold('etf_read');
#	my $backend = $cutter->held // die 'nobody has said so';
#	$cutter->release;
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
use Time::HiRes qw(sleep time);

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
			serve($self, $node, $client, $frames) if !fork;
			close $client;
		}
		POSIX::_exit(0);
	}
	return $self;
}

sub serve
{
	my ($self, $node, $client, $frames) = @_;
	$SIG{USR1} = 'DEFAULT';
	my $server =
	  IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port);

	setsockopt $client, SOL_SOCKET, SO_SNDBUF, $buffer;
	pass($self, $client, $server, $frames) if $server;
	POSIX::_exit(0);
}

# Until one side is gone, or so many frames have passed.
sub pass
{
	my ($self, $client, $server, $frames) = @_;
	my $select = IO::Select->new($client, $server);
	my $waiting = '';
	my $backend = 0;

	while (my @ready = $select->can_read(60))
	{
		for my $socket (@ready)
		{
			my $bytes = '';

			sysread $socket, $bytes, 65536 or return;
			if ($socket == $client)
			{
				wait_for_release($self, $backend) if holds($self, $bytes);
				put($server, $bytes);
				next;
			}
			$waiting .= $bytes;
			while (defined(my $message = message(\$waiting)))
			{
				$backend = unpack 'x5N', $message if $message =~ /^K/;
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

# The first connection on which it is said takes the text away.
sub holds
{
	my ($self, $bytes) = @_;

	open my $in, '<', "$self->{dir}/hold" or return 0;
	my $text = <$in> // return 0;
	close $in;
	return index($bytes, $text) >= 0 && unlink "$self->{dir}/hold";
}

sub wait_for_release
{
	my ($self, $backend) = @_;

	put_file("$self->{dir}/held", $backend);
	sleep 0.01 while -e "$self->{dir}/held";
	return;
}

# There at once with all that is in it.
sub put_file
{
	my ($file, $text) = @_;

	open my $out, '>', "$file.new" or die "$file: $!";
	print $out $text;
	close $out;
	rename "$file.new", $file or die "$file: $!";
	return;
}

sub hold { return put_file("$_[0]->{dir}/hold", $_[1]); }

# The process of the server that is to hear it next, once there is one.
sub held
{
	my ($self) = @_;
	my $file = "$self->{dir}/held";

	for (my $until = time + 60; time < $until; sleep 0.01)
	{
		return slurp_file($file) if -e $file;
	}
	return;
}

sub release { return unlink "$_[0]->{dir}/hold", "$_[0]->{dir}/held"; }

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
