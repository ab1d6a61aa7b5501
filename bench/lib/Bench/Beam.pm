# A run through the Elixir library: a BEAM with bench/beam/reader.exs.
package Bench::Beam;

use strict;
use warnings;

use File::Basename qw(basename);
use FindBin;
use IPC::Open3;
use Time::HiRes qw(time);

use Bench::Run;

my $limit = 600;
my $top = "$FindBin::RealBin/..";

# What to copy beside the cluster: the library, the C program, the reader, and
# Broadway with what it needs, where BROADWAY_LIBS says that it is.
sub copies
{
	my ($build) = @_;
	my %copy = (
		'beam/pg_etf' => "$build/elixir_client/_build/dev/lib/pg_etf",
		'beam/reader.exs' => "$top/bench/beam/reader.exs",
		'pg_etf_client' => "$build/build/pg_etf_client");

	$copy{"beam/$_"} = "$ENV{BROADWAY_LIBS}/$_" for broadway();
	%copy = (%copy, peers());
	return \%copy;
}

# Other readers, where PEERS names a directory that has them, compiled, and what
# they need.
sub peers
{
	my $peers = $ENV{PEERS} // return;
	my @dirs = ("$peers/*", map { "$ENV{BROADWAY_LIBS}/$_" }
		  grep { broadway() } qw(postgrex db_connection decimal));
	return map { 'beam/' . basename($_) => $_ } grep { -d "$_/ebin" } map { glob } @dirs;
}

sub has
{
	my ($peer) = @_;
	return $ENV{PEERS} && broadway() && -d "$ENV{PEERS}/$peer/ebin";
}

# What the reader knows to do with what comes.
our @handlers = ('consumer', 'consumer-changes', 'consumer-tls', 'broadway',
	'broadway-changes', 'broadway-1ms', 'broadway-batcher', 'broadway-alone',
	'postgrex_wal');
our @peers = ('postgrex_wal', 'walex');

sub broadway
{
	my @names = qw(broadway gen_stage nimble_options telemetry);
	my $libs = $ENV{BROADWAY_LIBS} // return;
	return (grep { -d "$libs/$_/ebin" } @names) == @names ? @names : ();
}

# The results of those handlers that cannot run here.
sub missing
{
	my @missing = broadway() ? () : grep { /^broadway/ } @_;
	my %wanted = map { $_ => 1 } @_;
	return (
		(map { $_ => { failed => 'not there (BROADWAY_LIBS)' } } @missing),
		map { $_ => { failed => 'not there (PEERS)' } }
		  grep { $wanted{$_} && !has($_) } @peers);
}

# Run a handler of the reader on a copy of a slot until it has seen so many
# changes; "flags" are for erl.  {wall, cpu, client_cpu, beam_cpu} in seconds,
# {client_rss, beam_rss} in kB, or {failed => reason}.
sub timed
{
	my ($cluster, $slot, $handler, $changes, $flags) = @_;
	my $copy = Bench::Run::copy_slot($cluster, $slot);
	my $sample = eval {
		my $reader = start($cluster, $flags, $handler, $copy, $changes);
		my $sample = measure($cluster, $reader);
		end($reader);
		$sample;
	} // { failed => $@ =~ s/\s+$//r };

	Bench::Run::drop_slot($cluster, $copy);
	return $sample;
}

# A BEAM that has loaded everything and waits.
sub start
{
	my ($cluster, $flags, $handler, $slot, $changes, @latencies) = @_;
	my $dir = "$cluster->{dir}/beam";
	local $ENV{PG_ETF_CLIENT} = "$cluster->{dir}/pg_etf_client";
	local $ENV{LC_ALL} = 'C.UTF-8';
	open my $errors, '>', "$cluster->{dir}/stderr" or die "stderr: $!\n";
	my $reader = { cluster => $cluster };

	$reader->{shell} = open3(
		$reader->{to}, $reader->{from}, '>&' . fileno $errors,
		'elixir', ($flags ? ('--erl', $flags) : ()),
		(map { ('-pa', $_) } glob "$dir/*/ebin"),
		"$dir/reader.exs", $handler, $cluster->conninfo('bench_run'), $slot,
		$changes, @latencies);
	$reader->{to}->autoflush(1);
	($reader->{pid}) = expect($reader, 'ready');
	return $reader;
}

sub go
{
	my ($reader) = @_;
	print { $reader->{to} } "go\n";
	return;
}

sub measure
{
	my ($cluster, $reader) = @_;
	my $before = Bench::Run::cpu_time($reader->{pid});
	my $started = time;

	go($reader);
	my ($client) = expect($reader, 'done');
	my $walsender = Bench::Run::walsender($cluster);
	return {
		wall => time - $started,
		# What reads nothing has none, and a peer no client.
		$walsender ? (cpu => Bench::Run::cpu_time($walsender)) : (),
		$client
		? (client_cpu => Bench::Run::cpu_time($client),
			client_rss => Bench::Run::peak_rss($client))
		: (),
		beam_cpu => Bench::Run::cpu_time($reader->{pid}) - $before,
		beam_rss => Bench::Run::peak_rss($reader->{pid}) };
}

# The words after the one that the reader is to say.  Loggers talk, too; the
# last line tells why a reader has ended.
sub expect
{
	my ($reader, $word) = @_;
	my $last = 'silence';

	local $SIG{ALRM} = sub { kill 'KILL', $reader->{pid} // $reader->{shell} };
	alarm $limit;
	while (defined(my $said = readline $reader->{from}))
	{
		alarm(0), return split ' ', $1 if $said =~ /^$word (.*)/;
		$last = $said if $said =~ /\S/;
	}
	alarm 0;
	waitpid $reader->{shell}, 0;
	my $error = $reader->{cluster}->first_error('stderr');
	chomp $last;
	die "no \"$word\" from the reader: $last, $error\n";
}

sub end
{
	my ($reader) = @_;
	print { $reader->{to} } "end\n";
	waitpid $reader->{shell}, 0;
	return;
}

1;
