# One timed decoding of a workload by one candidate.
#
# A walsender's clock is read from outside, in /proc: CPU time in nanoseconds
# where the kernel tells, and the time until everything has been sent.
package Bench::Run;

use strict;
use warnings;

use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

my $poll = 0.005;
my $limit = 300;

# Let names take turns, round by round: what disturbs the machine disturbs the
# runs of a round alike.  "run" gives a name's sample, kept in its result.
sub take_turns
{
	my ($results, $rounds, $run, @names) = @_;

	for my $round (1 .. $rounds)
	{
		for my $name (@names)
		{
			my $result = $results->{$name} //= {};
			next if $result->{failed};
			my $sample = $run->($name);
			$result->{failed} = $sample->{failed} if $sample->{failed};
			push @{ $result->{samples} }, $sample;
		}
	}
	return $results;
}

# {cpu, wall, client_cpu} in seconds and {client_rss} in kB, or
# {failed => reason}.
sub timed
{
	my ($cluster, $slot, $target, @options) = @_;
	my $copy = copy_slot($cluster, $slot);
	my $started = time;
	my $client = start_client($cluster, $copy, @options);
	my $sample = wait_for($cluster, $client, $target);

	$sample->{wall} = time - $started;
	$sample->{client_cpu} = cpu_time($client);
	$sample->{client_rss} = peak_rss($client);
	end_client($cluster, $client);
	drop_slot($cluster, $copy);
	return $sample;
}

# {messages, bytes} or {failed => reason}: what the decoding puts out.
sub counted
{
	my ($cluster, @decoding) = @_;
	my ($answer, $reason) = $cluster->try_query(count_sql(@decoding));

	return { failed => $reason } unless defined $answer;
	my ($messages, $bytes) = split /\|/, $answer;
	return { messages => $messages, bytes => $bytes };
}

# Looking at what a slot has does not move it.
sub count_sql
{
	my ($slot, $target, @options) = @_;
	my $list = join ', ', map { "'$_'" } map { split /=/, $_, 2 } @options;

	return "SELECT count(*), coalesce(sum(length(data)), 0)"
	  . " FROM pg_logical_slot_peek_binary_changes('$slot', '$target',"
	  . " NULL, VARIADIC ARRAY[$list]::text[])";
}

# Each run has a slot of its own: reading moves it.
sub copy_slot
{
	my ($cluster, $slot) = @_;
	$cluster->query(
		"SELECT pg_copy_logical_replication_slot('$slot', 'run', false)");
	return 'run';
}

sub drop_slot
{
	my ($cluster, $slot) = @_;
	my $idle = "SELECT 1 FROM pg_replication_slots"
	  . " WHERE slot_name = '$slot' AND NOT active";

	sleep $poll until $cluster->query($idle);
	$cluster->query("SELECT pg_drop_replication_slot('$slot')");
	return;
}

sub start_client
{
	my ($cluster, $slot, @options) = @_;
	my $pid = fork // die "fork: $!\n";

	return $pid if $pid;
	open STDERR, '>', "$cluster->{dir}/stderr";
	exec "$cluster->{bin}/pg_recvlogical", '-d', $cluster->conninfo('bench_run'),
	  '--slot', $slot, '--start', '--no-loop', '-F', '0', '-f', '/dev/null',
	  map { ('-o', $_) } @options;
	exit 127;
}

# The position is past the target when everything up to it has been decoded
# and handed to the socket.
sub wait_for
{
	my ($cluster, $client, $target) = @_;
	my $position = "SELECT pid, sent_lsn >= '$target' FROM pg_stat_replication"
	  . " WHERE application_name = 'bench_run'";
	my $end = time + $limit;

	while (time < $end)
	{
		my ($pid, $done) = split /\|/, $cluster->query($position) // '';
		return { cpu => cpu_time($pid) } if ($done // '') eq 't';
		return { failed => $cluster->first_error('stderr') }
		  if waitpid($client, WNOHANG) == $client;
		sleep $poll;
	}
	return { failed => "not done after $limit s" };
}

# The process of the server that serves a run.
sub walsender
{
	my ($cluster) = @_;
	return $cluster->query('SELECT pid FROM pg_stat_replication'
		  . " WHERE application_name = 'bench_run'");
}

# Seconds that all threads of a process have used.
sub cpu_time
{
	my ($pid) = @_;
	my $ns = 0;
	$ns += (split ' ', slurp($_))[0] // 0
	  for glob "/proc/$pid/task/*/schedstat";
	return $ns / 1e9 if $ns;
	my $stat = slurp("/proc/$pid/stat");
	$stat =~ s/^.*\) //s;
	my ($user, $system) = (split ' ', $stat)[ 11, 12 ];
	return ($user + $system) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# The most memory that a process has had, in kB.
sub peak_rss
{
	my ($pid) = @_;
	my ($kb) = slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m;
	return $kb;
}

sub slurp
{
	my ($file) = @_;
	open my $in, '<', $file or return '';
	local $/;
	return <$in> // '';
}

# {samples} of one, or {failed => reason}, counted by callgrind in a server of one
# process; "cluster" is stopped.  "profile" is left behind for
# callgrind_annotate.  An instruction that copies a block would count as one for
# each of its bytes, so the C library is to use others.
sub instructions
{
	my ($cluster, $profile, @decoding) = @_;
	my $data = "$cluster->{dir}/data";
	local $ENV{GLIBC_TUNABLES} = join ':',
	  map { "glibc.cpu.x86_rep_${_}_threshold=2000000000" } qw(movsb stosb);

	open my $in, '|-', "valgrind --tool=callgrind"
	  . " --callgrind-out-file='$profile' '$cluster->{bin}/postgres' --single"
	  . " -D '$data' postgres >'$cluster->{dir}/stdout'"
	  . " 2>'$cluster->{dir}/stderr'"
	  or return { failed => "valgrind: $!" };
	print $in count_sql(@decoding), "\n";
	close $in or return { failed => $cluster->first_error('stderr') };
	return { failed => $cluster->first_error('stderr') }
	  unless slurp("$cluster->{dir}/stdout") =~ /count = "/;
	my ($total) = slurp($profile) =~ /^(?:summary|totals): (\d+)/m;
	return { samples => [ { instructions => $total } ] };
}

sub end_client
{
	my ($cluster, $client) = @_;
	kill 'INT', $client;
	waitpid $client, 0;
	return;
}

1;
