# Each fault at each stage of a snapshot and of a backfill, under writers: the mirror equals the tables.
#
# A stage is held where the client has said something that the server has not heard yet; or by a consumer that takes
# or handles nothing more; or by rows that wait for a lock.  Who is at work there is the backend that does that, or would
# hear it.  If a backend is killed, all are; if it is terminated, the others live.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfCutter;
use EtfTest;
use EtfWriters;
use IPC::Run;
use Test::More;

# A crash of one backend is one of all.
my $etf = EtfTest->new('stages', conf => 'max_wal_senders = 20
max_replication_slots = 20
restart_after_crash = on');
my $node = $etf->node;
my $writers = EtfWriters->new($etf, big => 9600, wide => 100, small => 300, every => 8);
my $network = EtfCutter->new($node, 0);
my ($client, $gate, @tables);

# Of "big" two ranges, and of each of the others one.
my $ranges = 4;

# By the hexadecimal digits of what is kept.
my $done = unpack 'H*', 'done';

my %where = (
	reader => q{query ~ 'etf_read' AND state = 'active' AND pid <> pg_backend_pid()},
	keeper => q{query ~ 'pg_export_snapshot' AND state = 'idle in transaction'},
	walsender => q{backend_type = 'walsender'},
	control => q{query ~ 'AS retained' AND pid <> pg_backend_pid()},
	desk => q{query ~ 'INSERT INTO .*etf_backfill' AND state = 'idle' AND pid <> pg_backend_pid()});

sub backend
{
	my ($which) = @_;
	my $pids = "SELECT pid FROM pg_stat_activity WHERE $where{$which} ORDER BY backend_start LIMIT 1";

	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM ($pids) p") or die "no $which";
	return $etf->sql($pids);
}

sub start
{
	my ($slot, $first, %more) = @_;

	@tables = split /,/, $first->{tables};
	$client = EtfBackfill->start($etf, $slot,
		conninfo => '<<"' . $network->conninfo . ' application_name=pg_etf_client">>',
		slot_wait => 60000,
		reconnect_min => 20,
		reconnect_max => 200,
		circuit_after => 0,
		first => { request => '<<"words">>', %$first },
		%more);
	return;
}

sub exact
{
	my ($slot, $first, %more) = @_;

	return start($slot, { mode => 'exact', tables => 'public.big,public.wide,public.small', %{ $first // {} } },
		snapshot => 'on', %more);
}

# Frames of a few rows.
sub incremental
{
	my ($slot, $first) = @_;

	return start($slot, { tables => 'public.wide,public.small', chunk_bytes => 65536, %{ $first // {} } },
		options => '#{rows => map, dialect => elixir, frame_bytes => 1024}');
}

# What the client says next is not heard; returns who would have.
sub held
{
	return $network->held // die 'it is not said';
}

sub expect
{
	my ($pattern) = @_;

	return $client->wait_for($pattern) // die "no $pattern";
}

# The consumer lets it go on, whatever it was that it has held.
sub let_go
{
	$network->release;
	$client->say($_) for '{credit, true}', '{hold, done, false}';
	if ($gate)
	{
		$node->psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted});
		$gate->finish;
		undef $gate;
	}
	return;
}

sub close_gate
{
	$gate = IPC::Run::start([ 'psql', '-Xqd', $node->connstr('postgres'), '-c', 'SELECT pg_advisory_lock(7), pg_sleep(600)' ],
		'>', \my $out, '2>', \my $err);
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted});
	return;
}

# How a stage is reached, with its slot; returns the backend that is at work.
my @stages = (
	[ 'exact: the state is loaded' => [],
		sub { $network->hold('AS state FROM'); exact(@_); held() } ],
	[ 'exact: planned' => [],
		sub { $network->hold('INSERT INTO'); exact(@_); held() } ],
	[ 'exact: the slot is made' => [qw(walsender desk)],
		sub { $network->hold('SET TRANSACTION SNAPSHOT'); exact(@_); held() } ],
	[ 'exact: the first range is read' => [qw(keeper desk control)],
		sub
		{
			exact(@_, {}, credit_events => 50);
			$client->say('{credit, false}');
			expect(qr/^\{backfill,round,/);
			backend('reader');
		} ],
	[ 'exact: between two rounds' => ['walsender'],
		sub
		{
			exact(@_, { max_hold => 1000 }, credit_events => 50);
			$client->say('{credit, false}');
			expect(qr/^\{backfill,round,/);
			$network->hold('CREATE_REPLICATION_SLOT');
			expect(qr/^\{backfill,retry,/);
			$client->say('{credit, true}');
			held();
		} ],
	[ 'exact: all ranges are handled, and not kept' => ['walsender'],
		sub
		{
			exact(@_);
			$client->say('{hold, done, true}');
			expect(qr/^\{backfill,close,/) for 1 .. $ranges;
			expect(qr/^\{status,connected/);
			$network->hold($done);
			$client->say('{hold, done, false}');
			held();
		} ],
	[ 'exact: the stream goes on' => [],
		sub
		{
			$network->hold('START_REPLICATION');
			exact(@_);
			expect(qr/^\{backfill,close,/) for 1 .. $ranges;
			held();
		} ],
	[ 'incremental: the state is loaded' => ['walsender'],
		sub { $network->hold('AS state FROM'); incremental(@_); held() } ],
	[ 'incremental: planned' => ['walsender'],
		sub { $network->hold('INSERT INTO'); incremental(@_); held() } ],
	[ 'incremental: a chunk is open' => [qw(walsender desk control)],
		sub { $network->hold('etf_horizon'); incremental(@_); held() } ],
	[ 'incremental: in the middle of a chunk' => ['walsender'],
		sub
		{
			close_gate();
			incremental(@_, { where => 'id < 30 OR id >= 100 OR pg_advisory_xact_lock_shared(7)::text IS NOT NULL' });
			backend('reader');
		} ],
	[ 'incremental: a chunk is closed' => ['walsender'],
		sub
		{
			incremental(@_);
			$client->say('{hold, done, true}');
			expect(qr/^\{backfill,close,/);
			backend('walsender');
		} ],
	[ 'incremental: what is done is not kept' => ['walsender'],
		sub
		{
			incremental(@_);
			$client->say('{hold, done, true}');
			expect(qr/^\{backfill,close,/);
			$network->hold('INSERT INTO');
			$client->say('{hold, done, false}');
			held();
		} ]);

# What was on its way to the server is lost, too.
sub kill_client
{
	kill KILL => $client->client_pid;
	$network->cut;
	$client->restart;
	return;
}

my %faults = (
	'the client is killed' => \&kill_client,
	'who is at work is killed' => sub { kill KILL => $_[0] },
	'who is at work is terminated' => sub { $etf->sql("SELECT pg_terminate_backend($_[0])") },
	'the server is stopped' => sub { $node->stop('immediate'); $node->start },
	'all connections are cut' => sub { $network->cut });

sub strike
{
	my ($fault, $at_work) = @_;
	my ($other) = $fault =~ /^the (\w+) is terminated/;

	$fault = 'who is at work is terminated' if $other;
	$faults{$fault}->($other ? backend($other) : $at_work);
	$node->poll_query_until('postgres', 'SELECT 1', '1') or die 'no server';
	return;
}

sub ends_equal
{
	$client->expect(qr/^\{backfill,finished,/, 'it ends');
	$writers->stop;
	$client->equals($_, "$_ is the same") for @tables;
	$client->is_clean('and as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
	return;
}

sub run
{
	my ($slot, $fault, $reach) = @_;

	$writers->start(clients => 2, rate => 40);
	my $at_work = $reach->($slot);
	strike($fault, $at_work);
	let_go();
	ends_equal();
	$client->quit;
	$etf->wait_until_idle($slot);
	$etf->drop_slot($slot);
	return;
}

my $number = 0;

for (@stages)
{
	my ($stage, $others, $reach) = @$_;

	for my $fault (sort(keys %faults), map { "the $_ is terminated" } @$others)
	{
		my $slot = 's' . ++$number;
		subtest "$stage: $fault" => sub { run($slot, $fault, $reach) };
	}
}

done_testing;
