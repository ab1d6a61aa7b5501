# Whatever ends while tables are read: what was begun comes again, whole.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('snapshot_failures');
my $node = $etf->node;
my $plenty = '{credit, 1000000, 100000000}';

$etf->sql("CREATE TABLE a (id int PRIMARY KEY, v text);
	INSERT INTO a SELECT i, repeat('v', 200) FROM generate_series(1, 40000) i;
	CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b SELECT generate_series(1, 10)");
$etf->slot('s');

# Who holds a snapshot: those that read, or only wait with it.
sub terminate
{
	my ($which) = @_;

	return $etf->sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE application_name = 'pg_etf_client' AND $which");
}
my $reads = "query LIKE '%etf_read%' AND state = 'active'";
my $keeps = "query LIKE '%pg_export_snapshot%' AND state = 'idle in transaction'";

# In the middle of a range: most of it is still at the server.
sub begin
{
	my ($id, %setting) = @_;
	my $client = EtfClient->start($node, reconnect_min => 10, %setting);

	$client->say('{auto, ack}');
	$client->say('{auto, done}');
	$client->say('{credit, 1, 1000000}');
	$client->expect(qr/^\{status,connected/, "$id: a stream");
	$client->say("{send, {backfill, $id, #{jobs => 1}}}");
	$client->expect(qr/^\{read,$id,1,/, 'a range is being read');
	return $client;
}

# To the end: each table is closed whole, by rows that were not given up.
sub finish
{
	my ($client, $id) = @_;
	my $line;

	$client->say('{auto, quiet}');
	$client->say('{auto, refill}');
	$client->say($plenty);
	$line = $client->expect(qr/^\{backfill,finished,<<"$id">>/, "$id: it is finished");
	like($line, qr/rows => 40010,/, 'with each row once');
	$client->is_clean('no violation');
	is($client->stop, 0, 'a clean end');
	return;
}

my $client = begin('reader');
is(terminate($reads), 1, 'the session that reads is ended');
$client->say('{credit, 1000000, 1000000}');
$client->expect(qr/^\{backfill,retry,<<"reader">>/, 'what came of the range counts for nothing');
finish($client, 'reader');

$client = begin('keeper');
is(terminate($keeps), 1, 'the session that keeps the snapshot is ended');
finish($client, 'keeper');

$client = begin('both');
terminate("($keeps OR $reads)");
finish($client, 'both');

# Nothing survives of a server that is started again.
$client = begin('server');
$node->stop('immediate');
$client->say('{credit, 1000000, 1000000}');
$client->expect(qr/^\{status,(?:reconnecting|disconnected)/, 'the server has gone');
$node->start;
finish($client, 'server');

is($etf->sql("SELECT string_agg(slot_name, ' ') FROM pg_replication_slots"), 's',
	'no other slot is left');

done_testing();
