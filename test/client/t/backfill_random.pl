# Mode incremental amid faults at random moments, under writers: the mirror equals the tables, however
# often the client, a connection or the server is lost.
#
# A condition makes each row take its time: so each fault comes while a chunk is half read, and that
# does not depend on how fast the machine is.  One of the tables is emptied again and again.
# PG_ETF_SEED is another schedule; PG_ETF_FULL=1 runs many, others each time.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfCutter;
use EtfFaults;
use EtfTest;
use EtfWriters;
use Test::More;
use Time::HiRes qw(time);

# A crash of one backend is one of all.
my $etf = EtfTest->new('backfill_random', conf => 'max_wal_senders = 20
max_replication_slots = 20
restart_after_crash = on');
my $seed = $ENV{PG_ETF_SEED} // ($ENV{PG_ETF_FULL} ? int(time) % 100_000 : 7);
srand $seed;
note "PG_ETF_SEED=$seed";

my $writers = EtfWriters->new($etf, big => 6400, wide => 200, small => 300, every => 8, truncate => 60);
my $network = EtfCutter->new($etf->node, 0);
my $faults = EtfFaults->new($etf, $network, 'the walsender is terminated' => sub { $_[0]->terminate('walsender') });
my $client;

sub begin
{
	my ($slot) = @_;

	return EtfBackfill->start($etf, $slot,
		conninfo => '<<"' . $network->conninfo . ' application_name=pg_etf_client">>',
		slot_wait => 60000,
		reconnect_min => 50,
		reconnect_max => 500,
		circuit_after => 0,
		first => {
			tables => join(',', map { "public.$_" } EtfWriters::tables()),
			where => 'pg_sleep(0.003) IS NOT NULL'
		});
}

sub is_finished { return scalar grep { /^\{backfill,finished,/ } $client->seen; }

# So many chunks, and then somewhere in one; or before the first of this life.
sub live_a_while
{
	my $until = time + 15;
	my $chunks = rand() < 0.2 ? 0 : 1 + int rand 30;

	for (1 .. $chunks)
	{
		last if is_finished();
		$client->wait_for(qr/^\{backfill,(?:close|finished),/, $until - time);
	}
	$client->wait_for(qr/^never/, rand 0.1);
	$client->wait_for(qr/^never/, 0.02) while time < $until && !is_finished() && !$faults->backends('reader');
	return;
}

# Killed again and again, and hurt otherwise meanwhile; the last one is only hurt.
sub run_schedule
{
	my ($lives) = @_;
	my @names = $faults->shuffled($lives - 1);

	for my $life (1 .. $lives)
	{
		for my $name (splice @names, 0, $life < $lives ? int rand 4 : 4)
		{
			live_a_while();
			return if is_finished();
			$faults->hurt($name);
		}
		last if $life == $lives;
		live_a_while();
		$faults->count("the client is killed, life $life");
		$client->restart;
	}
	return;
}

sub ends_equal
{
	my ($name) = @_;

	$client->expect(qr/^\{backfill,finished,/, "$name: it is finished") if !is_finished();
	$writers->stop;
	$client->equals("public.$_", "$name: $_ is the same") for EtfWriters::tables();
	$client->is_clean("$name: and as docs/port.md says");
	is($client->stop, 0, "$name: a clean stop");
	return;
}

for my $schedule (1 .. ($ENV{PG_ETF_FULL} ? 12 : 1))
{
	$client = begin("s$schedule");
	$client->expect(qr/^\{backfill,open,/, 'it begins');
	$writers->start(clients => 2, rate => 40);
	run_schedule($ENV{PG_ETF_FULL} ? 7 : 3);
	ends_equal("seed $seed, schedule $schedule");
	$etf->wait_until_idle("s$schedule");
	$etf->drop_slot("s$schedule");
}
cmp_ok($faults->hits, '>=', 3, 'faults hit while chunks were half read');

done_testing;
