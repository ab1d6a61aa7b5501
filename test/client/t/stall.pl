# A consumer that takes nothing must not harm the server.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Symbol 'gensym';
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('stall', conf => 'wal_sender_timeout = 3s');
my $node = $etf->node;

$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text)');

# A transaction far larger than all buffers between server and client.
my $next = 1;

sub big_transaction
{
	my $first = $next;

	$next += 20000;
	$etf->sql('INSERT INTO t SELECT g, ('
		  . "SELECT string_agg(md5((g * 100 + i)::text), '') "
		  . "FROM generate_series(1, 30) i) "
		  . "FROM generate_series($first, $next - 1) g");
	return ($first .. $next - 1);
}

# A client that has taken one frame of a large transaction and then nothing.
sub stalled_client
{
	my (%setting) = @_;

	$etf->slot('s');
	big_transaction();
	my $client = EtfClient->start($node, credit_events => 1,
		credit_bytes => 100000000, %setting);
	$client->expect(qr/^\{frame,tx,first,/, 'it takes one frame and stalls');
	ok($node->poll_query_until('postgres',
			"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE "
			  . "backend_type = 'walsender' AND wait_event = 'WalSenderWriteData')"),
		'the walsender waits for us');
	return $client;
}

sub wait_for_bytes
{
	my ($file, $bytes) = @_;

	for (1 .. 100)
	{
		return 1 if -e $file && index(slurp_file($file), $bytes) >= 0;
		sleep 0.1;
	}
	return 0;
}

sub free_slot
{
	$node->poll_query_until('postgres',
		"SELECT NOT active FROM pg_replication_slots WHERE slot_name = 's'")
	  and $etf->drop_slot('s');
	return;
}

subtest 'longer than wal_sender_timeout: the connection lives' => sub {
	my $client = stalled_client();
	my $pid = $etf->sql(
		'SELECT active_pid FROM pg_replication_slots');

	$client->silent(qr/^\{status,disconnected/, 8, 'not disconnected');
	is($etf->sql('SELECT active_pid FROM pg_replication_slots'), $pid,
		'the same walsender');
	is($client->stat('state'), 'stalled', 'the statistics say so');
	cmp_ok($client->stat('rss'), '<', 24 << 20, 'memory stays bounded');
	$client->say('{auto, refill}');
	$client->say('{auto, quiet}');
	$client->say('{credit, 1000, 100000000}');
	$client->expect(qr/^\{caught_up/, 'and all the rest comes');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->is_clean('without a hole');
	$client->quit;
	free_slot();
};

# A file never makes the client wait, so no poll() tells that there is room.  A
# large message makes libpq read many at once from then on.
subtest 'output that takes all at once' => sub {
	my $file = $node->basedir . '/packets';
	my $settings = EtfClient::settings($node, credit_events => 1000000,
		credit_bytes => 1000000000, packet_bytes => 4096,
		options => '#{frame_bytes => <<"8192">>}');
	my $start = qx{erl -noshell -eval 'B = term_to_binary({start, $settings}),
		ok = io:setopts(standard_io, [{encoding, latin1}]),
		ok = file:write(standard_io, <<(byte_size(B)):32, B/binary>>), halt().'};

	$etf->slot('s');
	$etf->sql("INSERT INTO t SELECT 0, string_agg(md5(i::text), '')"
		  . ' FROM generate_series(1, 65536) i');
	big_transaction();
	my $client = IPC::Run::start([ $ENV{ETF_CLIENT}, '--port' ], '<pipe',
		my $input = gensym, '>', $file);
	syswrite $input, $start;
	ok(wait_for_bytes($file, 'caught_up'), 'all comes without a pause');
	close $input;
	ok($client->finish, 'and it ends');
	free_slot();
};

subtest 'longer than max_stall: disconnect, and come back with credit' => sub {
	my $client = stalled_client(max_stall => 2000);

	$client->expect(qr/^\{status,disconnected,.*reason => stalled/,
		'disconnected', 20);
	ok($node->poll_query_until('postgres',
			'SELECT NOT active FROM pg_replication_slots'), 'the slot is free');
	is($client->stat('state'), 'parked', 'the client waits');
	$client->silent(qr/^\{status,connected/, 2, 'and leaves the server alone');
	$client->say('{auto, refill}');
	$client->say('{auto, quiet}');
	$client->say('{credit, 1000, 100000000}');
	$client->expect(qr/^\{status,connected/, 'connected again');
	$client->expect(qr/^\{rewind,\d+\}/,
		'the transaction that was cut starts again');
	$client->expect(qr/^\{caught_up/, 'and is complete');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->is_clean('without a hole');
	$client->quit;
	free_slot();
};

subtest 'pg_terminate_backend ends during a stall' => sub {
	my $client = stalled_client(max_stall => 4000);
	my $pid = $etf->sql('SELECT active_pid FROM pg_replication_slots');

	$etf->sql("SELECT pg_terminate_backend($pid)");
	my $begin = time;
	ok($node->poll_query_until('postgres',
			"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)"),
		'the walsender has gone');
	cmp_ok(time - $begin, '<', 15, 'within the bound of a stall');
	$client->stop;
	$client->quit;
	free_slot();
};

# What is sent fits into the buffers between: a walsender that waits to write
# cannot end before somebody reads.
subtest 'an end of the connection is seen during a stall' => sub {
	$etf->slot('s');
	$etf->sql('INSERT INTO t VALUES (' . $next++ . ')') for 1 .. 3;
	my $client = EtfClient->start($node, credit_events => 1,
		credit_bytes => 100000000, status_interval => 30000,
		liveness_timeout => 600000,
		connection => '#{options => <<"-c wal_sender_timeout=0">>}');
	$client->expect(qr/^\{frame,tx,whole,/, 'it takes one frame and stalls');
	for (1 .. 100) { last if $client->stat('state') eq 'stalled'; sleep 0.1; }
	my $pid = $etf->sql('SELECT active_pid FROM pg_replication_slots');

	$etf->sql("SELECT pg_terminate_backend($pid)");
	my $begin = time;
	$client->expect(qr/^\{status,disconnected,.*reason => network/,
		'it is seen');
	cmp_ok(time - $begin, '<', 15, 'before the next status update');
	$client->expect(qr/^\{status,connected/, 'connected again');
	$client->silent(qr/^\{(frame|status)/, 1, 'without credit no frame');
	is($client->stat('state'), 'stalled', 'it waits again');
	$client->say('{auto, refill}');
	$client->say('{auto, quiet}');
	$client->say('{credit, 1000, 100000000}');
	$client->expect(qr/^\{caught_up/, 'all of it comes');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->is_clean('without a hole');
	$client->quit;
	free_slot();
};

subtest 'CHECKPOINT ends when it has to invalidate the stalled slot' => sub {
	my $client = stalled_client(max_stall => 4000);

	$etf->sql("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
	$etf->sql('SELECT pg_reload_conf()');
	for (1 .. 4)
	{
		$etf->sql('CREATE TABLE x (); DROP TABLE x; SELECT pg_switch_wal()');
	}
	$client->expect(qr/^\{status,slot,.*safe_wal_size => 1\b/s,
		'told that the next checkpoint may take it');
	my $begin = time;
	$etf->sql('CHECKPOINT');
	cmp_ok(time - $begin, '<', 20, 'within the bound of a stall');
	my $line = $client->expect(qr/^\{fatal,slot_lost,/, 'the slot is lost', 30);
	is($client->exit_status, 7, 'and the client stops with that status');
	$client->quit;
	$etf->sql('ALTER SYSTEM RESET max_slot_wal_keep_size');
	$etf->sql('SELECT pg_reload_conf()');
	free_slot();
};

subtest 'a fast shutdown ends during a stall' => sub {
	my $client = stalled_client(max_stall => 600000);
	my $begin = time;

	$node->stop('fast');
	cmp_ok(time - $begin, '<', 10, 'at once, long before max_stall');
	$client->expect(qr/^\{status,disconnected,.*reason => server_shutdown/,
		'the client knows why');
	$node->start;
	$client->say('{auto, refill}');
	$client->say('{auto, quiet}');
	$client->say('{credit, 1000, 100000000}');
	$client->expect(qr/^\{status,connected/, 'it comes back by itself');
	$client->expect(qr/^\{rewind,\d+\}/, 'with the transaction that was cut');
	$client->expect(qr/^\{caught_up/, 'which is completed');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->is_clean('without a hole');
	$client->quit;
	free_slot();
};

subtest 'a fast shutdown ends while acknowledgements are missing' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, credit_events => 1000,
		credit_bytes => 1000000);

	$client->expect(qr/^\{status,connected/, 'it connects');
	$etf->sql("INSERT INTO t VALUES ($next)");
	$client->expect(qr/^\{frame,.*\[$next\]/, 'a change, not acknowledged');
	my $begin = time;
	$node->stop('fast');
	cmp_ok(time - $begin, '<', 10, 'the server is let go');
	$node->start;
	$client->expect(qr/^\{status,connected/, 'the client comes back');
	$next++;
	$etf->sql("INSERT INTO t VALUES ($next)");
	my $line = $client->expect(qr/^\{frame,/, 'the next change');
	like($line, qr/\[$next\]/, 'and not the one that was delivered');
	$next++;
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
	free_slot();
};

done_testing();
