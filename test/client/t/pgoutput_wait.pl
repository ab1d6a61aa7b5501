# While the catalogs are asked nothing is read: late, lost, or without any
# answer at all, no row is, and nobody takes it for a dead consumer.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('wait', conf => 'wal_sender_timeout = 3s');
my $node = $etf->node;
my $next = 1;

$etf->sql('CREATE PUBLICATION p FOR ALL TABLES');

sub start
{
	my (%setting) = @_;

	$etf->sql("SELECT pg_create_logical_replication_slot('s', 'pgoutput')");
	my $client = EtfClient->start($node,
		options => '#{publication_names => <<"p">>, rows => tuple, dialect => compact}',
		credit_events => 1000, credit_bytes => 1000000, status_interval => 500,
		max_stall => 1000, liveness_timeout => 2000, %setting);
	$client->expect(qr/^\{status,connected/, 'it streams');
	return $client;
}

sub control_pid
{
	ok($node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM '
			  . q{pg_stat_activity WHERE application_name = 'pg_etf_client' AND
			state = 'idle' AND backend_type = 'client backend'}),
		'the control connection is idle');
	return $etf->sql(q{SELECT pid FROM pg_stat_activity WHERE
		application_name = 'pg_etf_client' AND backend_type = 'client backend'});
}

# A table of a type that nobody has heard of yet.
sub new_table
{
	my $n = $next++;

	$etf->sql("CREATE TYPE mood$n AS ENUM ('ok'); "
		  . "CREATE TABLE t$n (id int PRIMARY KEY, m mood$n)");
	$etf->sql("INSERT INTO t$n SELECT 1000 * $n + i, 'ok' FROM generate_series(1, 3) i");
	return join ',', map { 1000 * $n + $_ } 1 .. 3;
}

sub finish
{
	my ($client) = @_;

	$client->say('ack');
	is($client->stop, 0, 'a clean end');
	$client->is_clean('in order');
	$client->quit;
	$etf->wait_until_idle('s');
	$etf->drop_slot('s');
	return;
}

subtest 'late' => sub {
	my $client = start();
	my $pid = control_pid();
	my $walsender = $etf->sql('SELECT active_pid FROM pg_replication_slots');

	kill STOP => $pid;
	my $rows = new_table();
	$client->silent(qr/^\{(?:status,(?:dis|re)connect|frame)/, 4,
		'no row, and no disconnection, in more than each timeout');
	like($client->stat('state'), qr/catalogs/, 'it says what it waits for');
	is($etf->sql('SELECT active_pid FROM pg_replication_slots'), $walsender,
		'the walsender has not given up');
	kill CONT => $pid;
	$client->expect(qr/^\{frame,.*\[$rows\]\}/, 'the rows');
	finish($client);
};

subtest 'lost' => sub {
	my $client = start();
	my $pid = control_pid();

	kill STOP => $pid;
	my $rows = new_table();
	$client->silent(qr/^\{frame/, 1, 'no row');
	$etf->sql("SELECT pg_terminate_backend($pid)");
	kill CONT => $pid;
	$client->expect(qr/^\{frame,.*\[$rows\]\}/, 'the rows, by another connection');
	finish($client);
};

subtest 'never' => sub {
	my $client = start(connect_timeout => 2000);
	my $pid = control_pid();

	kill STOP => $pid;
	my $rows = new_table();
	$client->expect(qr/^\{status,reconnecting.*the catalogs did not answer/s,
		'it gives up');
	$client->expect(qr/^\{frame,.*\[$rows\]\}/, 'the rows, in another session');
	kill CONT => $pid;
	finish($client);
};

# The stream has been left with a question that nobody waits for any more.
subtest 'stop while it asks' => sub {
	my $client = start();
	my $pid = control_pid();

	kill STOP => $pid;
	new_table();
	sleep 1;
	$client->say('{send, stop}');
	is($client->exit_status, 0, 'a clean end');
	kill CONT => $pid;
	$client->quit;
	$etf->wait_until_idle('s');
	$etf->drop_slot('s');
};

$etf->stop;
done_testing();
