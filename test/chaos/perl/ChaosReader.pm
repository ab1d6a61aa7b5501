# A reader under test: a BEAM with the client program as its child, which reads
# through a proxy of its own.  It is started again whenever it has ended.
package ChaosReader;

use strict;
use warnings;

use ChaosChild;
use File::Path qw(make_path);
use FindBin;

# Beyond a wire that can be cut: see test/lib/network.
my ($far, @listeners) = split / /, $ENV{ETF_LISTENERS} // '';

# name, slot, kind, dir, socket, database; direct: without a proxy.
sub new
{
	my ($class, %self) = @_;
	my $self = bless { %self, lives => 0 }, $class;

	make_path("$self->{dir}/$self->{name}");
	unless ($self->{direct})
	{
		my @fd = @listeners ? shift(@listeners) =~ /^(\d+)/ : ();

		$self->{proxy} = ChaosChild->start(undef, $^X, "$FindBin::Bin/../../lib/proxy.pl",
			$self->{socket}, @fd);
		$self->{proxy_host} = @fd ? $far : '127.0.0.1';
		$self->{proxy_port} = $self->{proxy}->line;
	}
	return $self;
}

sub slot { return $_[0]->{slot}; }

# Whether it is one of several that read a slot.
sub is_fenced { return $_[0]->{kind} eq 'fenced'; }
sub history { return "$_[0]->{dir}/$_[0]->{name}"; }

# How its events are checked: see chaos_check.
sub rules
{
	my ($self) = @_;

	my $lanes = $self->{kind} =~ /producer|batch/ && $ENV{BROADWAY_LIBS};

	return ($lanes ? 'writer' : 'commit', $self->{kind} =~ /port|fenced/ ? 'strict' : 'loose');
}

# At the position where its slot begins, or where it was.
sub start
{
	my ($self, $lsn) = @_;
	local $ENV{PG_ETF_CLIENT} = $self->{client} // $ENV{PG_ETF_CLIENT};
	my ($dir, $port) = $self->{socket} =~ m{^(.*)/\.s\.PGSQL\.(\d+)$};
	local @ENV{qw(ETF_SINK_DIR ETF_SINK_PORT ETF_READER)} = ($dir, $port, $self->{name});
	my @where = $self->{proxy} ? @{$self}{qw(proxy_host proxy_port)} : ($dir, $port);

	$self->{lives}++;
	$self->{child} = ChaosChild->start(
		"$self->{dir}/$self->{name}.out",
		'erl', '-noshell', '+S', '2:2', '-pa', @{ $self->{pa} // [] },
		$ENV{ETF_CHAOS}, '-s', 'chaos_reader', 'main', '-extra', $self->{kind},
		$self->history, $lsn // 'same', $self->slot, @where, $self->{database});
	return;
}

sub say { $_[0]->{child}->say($_[1]); return; }
sub proxy { $_[0]->{proxy}->say($_[1]) if $_[0]->{proxy}; return; }

# undef while it runs, else how it ended.
sub ended
{
	my ($self) = @_;

	return unless $self->{child} && $self->{child}->ended;
	return $self->{child}{status};
}

sub pid { return $_[0]->{child}->pid; }

# The client programs among the descendants of the BEAM.
sub client_pids
{
	my ($self) = @_;
	my (%parent, @clients);

	for my $file (glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', $file or next;
		my $line = readline($stat) // next;
		my ($pid, $comm, $parent) = $line =~ /^(\d+) \((.*)\) \S (\d+)/ or next;

		$parent{$pid} = $parent;
		push @clients, $pid if $comm eq 'pg_etf_client';
	}
	return grep {
		my $pid = $_;
		$pid = $parent{$pid} // 0 while $pid > 1 && $pid != $self->pid;
		$pid == $self->pid;
	} @clients;
}

# A clean end; whether it came in time.
sub stop
{
	my ($self, $seconds) = @_;

	$self->say('stop');
	return $self->{child}->finish($seconds);
}

sub DESTROY
{
	my ($self) = @_;

	local $?;
	$self->{child}->finish(0) if $self->{child};
	$self->{proxy}->finish(0) if $self->{proxy};
	return;
}

1;
