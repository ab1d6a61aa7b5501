# A run through pg_etf_client --port: the other end of its pipes, which throws
# all away.  docs/port.md describes what is said.
package Bench::Port;

use strict;
use warnings;

use IPC::Open3;
use Time::HiRes qw(time);

use Bench::Run;

my $limit = 600;
my $unlimited = 1 << 47;

# As Bench::Run::timed(), up to where the server was at the beginning; "format"
# is an option of the client's own, "tls" says how it connects.
sub timed
{
	my ($cluster, $slot, @options) = @_;
	my $copy = Bench::Run::copy_slot($cluster, $slot);
	my $started = time;
	my $client = start($cluster, $copy, @options);
	my $failed = drain($client);
	my $sample = {
		wall => time - $started,
		failed => $failed,
		cpu => Bench::Run::cpu_time(Bench::Run::walsender($cluster)),
		client_cpu => Bench::Run::cpu_time($client->{pid}),
		client_rss => Bench::Run::peak_rss($client->{pid}) };

	close $client->{to};
	waitpid $client->{pid}, 0;
	Bench::Run::drop_slot($cluster, $copy);
	return $sample;
}

sub start
{
	my ($cluster, $slot, @options) = @_;
	my %options = map { split /=/, $_, 2 } @options;
	my $format = delete $options{format};
	my $conninfo = $cluster->conninfo('bench_run');
	my $client = {};

	$conninfo =~ s/host=\S+/host=127.0.0.1 sslmode=require/ if delete $options{tls};

	open my $errors, '>', "$cluster->{dir}/stderr" or die "stderr: $!\n";
	$client->{pid} = open3(
		$client->{to}, $client->{from}, '>&' . fileno $errors,
		"$cluster->{dir}/pg_etf_client", '--port');
	binmode $client->{$_} for 'to', 'from';
	$client->{to}->autoflush(1);
	send_term($client, tuple(atom('start'), map_term(
		conninfo => binary($conninfo),
		slot => binary($slot),
		$format ? (format => atom($format)) : (),
		options => map_term(map { $_ => binary($options{$_}) } keys %options),
		credit_events => integer($unlimited),
		credit_bytes => integer($unlimited))));
	return $client;
}

# Take packets until all is there, acknowledging transactions; what failed.
sub drain
{
	my ($client) = @_;

	local $SIG{ALRM} = sub { kill 'KILL', $client->{pid} };
	alarm $limit;
	while (receive($client))
	{
		my $packet = \$client->{packet};
		my $end = end_lsn($packet);
		send_term($client, tuple(atom('flushed'), integer($end))) if $end;
		return $$packet if $$packet =~ /^\x83h\x03.\x05fatal/s;
		alarm(0), return undef if $$packet =~ /^\x83h\x02.\x09caught_up/s;
	}
	return 'the client ended';
}

# Ask for all rows of a table, in mode exact by so many connections, and throw
# them away; each chunk is done when its end has come.
sub read_tables
{
	my ($client, $mode, $tables, $jobs) = @_;

	local $SIG{ALRM} = sub { kill 'KILL', $client->{pid} };
	alarm $limit;
	send_term($client, tuple(atom('backfill'), binary('b'),
		map_term(mode => atom($mode), tables => binary($tables),
			jobs => integer($jobs), once => atom('true'))));
	while (receive($client))
	{
		my $packet = \$client->{packet};
		my ($what) = $$packet =~ /^\x83h\x04w\x08backfillw.(close|finished|failed)/s
		  or next;
		alarm(0), return if $what eq 'finished';
		die $$packet if $what eq 'failed';
		send_term($client, tuple(atom('backfill_done'), binary('b'),
			integer(chunk_number($packet))));
	}
	die "the client ended\n";
}

sub chunk_number
{
	my ($packet) = @_;
	pos($$packet) = 0;
	$$packet =~ /w\x05chunk/gs or die "a chunk without its number\n";
	return take_integer($packet);
}

# The next packet is put where the last one was: a reader that asks the system
# for room each time is slower than the client.
sub receive
{
	my ($client) = @_;
	my $head = '';
	return take($client, \$head, 4)
	  && take($client, \$client->{packet}, unpack 'N', $head);
}

sub take
{
	my ($client, $bytes, $length) = @_;
	my $got = 0;

	while ($got < $length)
	{
		$got += sysread($client->{from}, $$bytes, $length - $got, $got)
		  || return 0;
	}
	return 1;
}

# The end of the first frame's transaction, if it is all there.
sub end_lsn
{
	my ($packet) = @_;
	pos($$packet) = 0;
	return undef
	  if $$packet !~ /^\x83l....h\x07w\x02txw.(?:whole|last)h\x04/gs;
	my (undef, undef, $end) = map { take_integer($packet) } 1 .. 3;
	return $end;
}

sub take_integer
{
	my ($packet) = @_;
	return ord $1 if $$packet =~ /\Ga(.)/gcs;
	return unpack 'N', $1 if $$packet =~ /\Gb(.{4})/gcs;
	$$packet =~ /\Gn(.)\0/gcs or die "not an integer\n";
	my $bytes = substr $$packet, pos $$packet, ord $1;
	pos($$packet) += ord $1;
	return unpack 'Q<', pack 'a8', $bytes;
}

sub send_term
{
	my ($client, $term) = @_;
	print { $client->{to} } pack 'N/a*', "\x83$term";
	return;
}

sub atom { return pack 'a C/a*', 'w', $_[0] }
sub binary { return pack 'a N/a*', 'm', $_[0] }
sub integer { return pack 'a C C Q<', 'n', 8, 0, $_[0] }
sub tuple { return pack('a C', 'h', scalar @_) . join '', @_ }

sub map_term
{
	my %term = @_;
	return pack('a N', 't', scalar keys %term)
	  . join '', map { atom($_) . $term{$_} } keys %term;
}

1;
