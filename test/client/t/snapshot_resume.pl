# A snapshot that is interrupted goes on: nothing is lost, what is done is not
# read again, and in the end the mirror equals the tables.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfMirror;
use EtfTest;
use EtfWriters;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('snapshot_resume', conf => 'max_wal_senders = 20
max_replication_slots = 20');
my $node = $etf->node;
my $seed = $ENV{PG_ETF_SEED} // time;
srand $seed;
note "seed $seed";

my $writers = EtfWriters->new($etf, big => 40000, wide => 500, small => 300);

sub slot_at_end
{
	my $end = $etf->end_of_wal;

	return $node->poll_query_until('postgres',
		"SELECT confirmed_flush_lsn >= '$end' FROM pg_replication_slots WHERE slot_name = 's'");
}

# One run of the client, its lines behind those of the runs before.
my $file = $etf->new_file;
my $words = $etf->new_file;
my @client = (
	$ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'), '--slot', 's',
	'--create-slot', '--snapshot', '--jobs=3', '--json', '--status-interval=1',
	'--slot-wait=30', '--tables=public.big,public.wide,public.small', '--verbose');

sub start
{
	return IPC::Run::start(\@client, '>>', $file, '2>>', $words);
}

sub bytes { return -s $file // 0; }

# Killed after a random number of bytes, or of milliseconds.
sub kill_soon
{
	my ($client, $bytes, $ms) = @_;
	my $until = time + $ms / 1000;

	sleep 0.005 while time < $until && bytes() < $bytes;
	$client->signal("KILL");
	$client->finish;
	return;
}

$writers->start(clients => 2, rate => 60);

# Stages: before anything, while the slot is made, within the first ranges, ...
for my $run (1 .. 6)
{
	my $client = start();

	kill_soon($client, bytes() + int(rand(6_000_000)), 100 + int(rand(4000)));
	note sprintf 'run %d ended at %d bytes', $run, bytes();
}
my $done = sub { return $etf->sql("SELECT count(*) FROM etf_backfill WHERE slot = 's'"); };
my $client = start();
my $finished = $node->poll_query_until('postgres',
	"SELECT count(*) = 1 FROM etf_backfill WHERE slot = 's'");
ok($finished, 'there is a state');

# A person would see it.
sub wait_for_words
{
	my ($pattern) = @_;
	my $until = time + 180;

	sleep 0.1 while time < $until && slurp_file($words) !~ $pattern;
	return slurp_file($words) =~ $pattern;
}
ok(wait_for_words(qr/3 tables are read/), 'it is finished');
$writers->stop;
ok(slot_at_end(), 'and the changes follow');
$client->signal('TERM');
$client->finish;

sub apply_all
{
	my $mirror = EtfMirror->new;

	# A run that was killed may leave half a line, which the next one ends.
	open my $in, '<', $file or die $!;
	while (my $line = <$in>)
	{
		chomp $line;
		next if $line !~ /^\{"op".*\}$/;
		$mirror->apply($line);
	}
	close $in;
	return $mirror;
}

my $mirror = apply_all();
is($mirror->differs($etf, $_), '', "$_ is the same (seed $seed)") for EtfWriters::tables();

# What is done is not read again.
my $before = bytes();
my ($op) = $etf->sql("INSERT INTO small VALUES (999999, 'last', 1)");
$client = start();
ok(slot_at_end(), 'another run goes on');
$client->signal('TERM');
$client->finish;
open my $in, '<', $file or die $!;
seek $in, $before, 0;
my @last = <$in>;
is(scalar(grep { /"op":"read"/ } @last), 0, 'nothing is read again');
like($last[-1], qr/999999/, 'only the change comes');

done_testing();
