# What comes, in which order, against which credit, and what is confirmed.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use Test::More;
use Time::HiRes qw(sleep);

my $etf = EtfTest->new('stream', conf => 'wal_sender_timeout = 4s');
my $node = $etf->node;

$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text)');

sub confirmed
{
	my ($slot) = @_;

	return $etf->sql(
		"SELECT confirmed_flush_lsn - '0/0'::pg_lsn FROM pg_replication_slots "
		  . "WHERE slot_name = '$slot'");
}

sub confirmed_becomes
{
	my ($slot, $lsn, $name) = @_;

	ok($node->poll_query_until('postgres',
			"SELECT confirmed_flush_lsn - '0/0'::pg_lsn >= $lsn "
			  . "FROM pg_replication_slots WHERE slot_name = '$slot'"), $name);
	return;
}

subtest 'frames come in order and are confirmed when acknowledged' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node);

	$client->expect(qr/^\{status,connected/, 'it connects');
	my $fd = '/proc/' . $client->client_pid . '/fd';
	is(readlink "$fd/1", readlink "$fd/2",
		'what is printed to stdout does not come between the frames');
	$etf->sql('INSERT INTO t SELECT generate_series(1, 3)');
	$etf->sql('INSERT INTO t VALUES (4)');
	$client->say('{credit, 100, 100000}');
	$client->expect(
		qr/^\{frame,tx,whole,(\d+),(\d+),0,3,\[1,2,3\]\}/, 'first transaction');
	my $first_end = $client->{match}[1];
	$client->expect(qr/^\{frame,tx,whole,(\d+),(\d+),0,1,\[4\]\}/, 'second');
	my $second_end = $client->{match}[1];
	sleep 2;
	cmp_ok(confirmed('s'), '<', $first_end, 'nothing is confirmed unasked');
	$client->say("{send, {flushed, $first_end}}");
	confirmed_becomes('s', $first_end, 'what is acknowledged is confirmed');
	cmp_ok(confirmed('s'), '<', $second_end, 'and nothing else');
	$client->say('ack');
	is($client->stop, 0, 'a clean stop');
	cmp_ok(confirmed('s'), '>=', $second_end,
		'the last acknowledgement is confirmed before the client exits');
	$client->is_clean('no violation');
	$client->quit;

	$client = EtfClient->start($node, credit_events => 10, credit_bytes => 1000);
	$client->expect(qr/^\{status,connected/, 'again');
	$client->silent(qr/^\{frame/, 2, 'nothing that was confirmed comes again');
	$client->quit;
	$etf->drop_slot('s') if $node->poll_query_until('postgres',
		"SELECT NOT active FROM pg_replication_slots WHERE slot_name = 's'");
};

subtest 'no position is told after what is behind it' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, status_interval => '60000',
		credit_events => 100, credit_bytes => 100000);

	$client->expect(qr/^\{status,connected/, 'it connects');
	for my $id (10 .. 12)
	{
		# It reads both at once: a keepalive, as the first is of no interest,
		# and a row.
		kill 'STOP', $client->client_pid;
		$etf->sql('CREATE TABLE other (); DROP TABLE other');
		sleep 0.5;
		$etf->sql("INSERT INTO t VALUES ($id)");
		sleep 0.5;
		kill 'CONT', $client->client_pid;
		$client->expect(qr/^\{frame.*\[$id\]\}/, "row $id");
		$client->say('ack');
	}
	is($client->stop, 0, 'stop');
	$client->is_clean('all positions are in order');
	$client->quit;
	$etf->drop_slot('s');
};

subtest 'credit is never overdrawn by more than one frame' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node,
		options => '#{rows => tuple, dialect => compact, frame_bytes => 4096}');

	$etf->sql("INSERT INTO t SELECT g, repeat('x', 100) "
		  . "FROM generate_series(1001, 3000) g");
	$client->expect(qr/^\{status,connected/, 'it connects');
	$client->silent(qr/^\{frame/, 1, 'no frame without credit');
	$client->say('{credit, 1, 1000}');
	$client->expect(qr/^\{frame,tx,first,/, 'one event buys one frame');
	$client->silent(qr/^\{frame/, 1, 'and no second one');
	$client->say('{credit, 10000, 1}');
	$client->silent(qr/^\{frame/, 1, 'bytes are overdrawn: still none');
	$client->say('{auto, refill}');
	$client->say('{credit, 50, 5000}');
	my $rows = $client->rows_until(3000);
	is($rows->[-1], 3000, 'the rest comes');
	ok($client->stat('sent_bytes'), 'and is counted');
	$client->is_clean('never overdrawn, no hole, both accounts are the same');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
	$etf->drop_slot('s');
};

subtest 'frames that wait leave together' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node);

	$client->expect(qr/^\{status,connected/, 'it connects');
	$etf->sql(join '', map { "INSERT INTO t VALUES ($_);\n" } 4001 .. 4040);
	# More of them would not fit into the socket, one by one.
	my $end = $etf->sql('SELECT pg_current_wal_lsn()');
	ok($node->poll_query_until('postgres',
			"SELECT sent_lsn >= '$end' FROM pg_stat_replication"),
		'all wait');
	$client->say('{credit, 1000, 1000000}');
	is_deeply($client->rows_until(4040), [ 4001 .. 4040 ], 'all of them');
	$client->say('frames');
	$client->expect(qr/^\{frames,40,\d+,(\d+)\}/, 'a frame for each row');
	cmp_ok($client->{match}[0], '<=', 10, 'in a few packets');
	is($client->stat('sent_events'), 40, 'counted');
	is($client->stat('granted_bytes'), 1000000, 'against what was granted');
	$client->say('{send, {credit, 7, 7}}');
	is($client->stat('granted_bytes'), 1000000, 'which an old grant leaves');
	is($client->stat('granted_events'), 1000, 'as it is');
	$client->is_clean('both accounts are the same');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
	$etf->drop_slot('s');
};

subtest 'an idle database in a busy cluster does not pin WAL' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, credit_events => 10,
		credit_bytes => 100000);

	$client->expect(qr/^\{status,connected/, 'it connects');
	$etf->sql('CREATE DATABASE other');
	$etf->sql('CREATE TABLE o AS SELECT generate_series(1, 1000)', 'other');
	my $lsn = $etf->sql("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn");
	confirmed_becomes('s', $lsn, 'the slot follows');
	$client->expect(qr/^\{position,\d+\}/, 'and the consumer is told');

	$etf->sql('INSERT INTO t VALUES (5000)');
	$client->expect(qr/^\{frame.*\[5000\]/, 'a change');
	my $before = confirmed('s');
	$etf->sql('INSERT INTO o VALUES (1)', 'other');
	sleep 3;
	cmp_ok(confirmed('s'), '<=', $before + 100,
		'but not past what is delivered and not acknowledged');
	$client->say('ack');
	$lsn = $etf->sql("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn");
	confirmed_becomes('s', $lsn, 'once it is acknowledged, it follows again');
	$client->stop;
	$client->quit;
	$etf->drop_slot('s');
};

subtest 'a position is confirmed when acknowledged, if the consumer stores it'
  => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, credit_events => 10,
		credit_bytes => 100000, ack_positions => 'true');

	$client->expect(qr/^\{status,connected/, 'it connects');
	$etf->sql('INSERT INTO o VALUES (1)', 'other');
	$client->expect(qr/^\{position,(\d+)\}/, 'a position');
	my $lsn = $client->{match}[0];
	sleep 2;
	cmp_ok(confirmed('s'), '<', $lsn, 'not confirmed yet');
	$client->say("{send, {flushed, $lsn}}");
	confirmed_becomes('s', $lsn, 'now it is');
	$client->stop;
	$client->quit;
	$etf->drop_slot('s');
  };

subtest 'acknowledgements of what was not delivered' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, credit_events => 10,
		credit_bytes => 100000);

	$etf->sql('INSERT INTO t VALUES (6000)');
	$client->expect(qr/^\{frame.*?(\d+),0,1,\[6000\]/, 'a change');
	my $end = $client->{match}[0];
	$client->say('{send, {flushed, 1}}');
	$client->expect(qr/^\{log,warning,.*before the confirmed/,
		'backwards: a warning');
	cmp_ok(confirmed('s'), '>', 1, 'and the slot does not move');
	$client->say('{send, {flushed, 9151314442816847871}}');
	$client->expect(qr/^\{fatal,protocol,.*not a position that was delivered/,
		'ahead: fatal');
	is($client->exit_status, 10, 'with its exit status');
	cmp_ok(confirmed('s'), '<', $end, 'and the slot does not move');
	$client->quit;

	$client = EtfClient->start($node, credit_events => 10,
		credit_bytes => 100000);
	$client->expect(qr/^\{frame.*?(\d+),0,1,\[6000\]/, 'it comes again');
	$client->say('{send, {flushed, ' . ($end - 1) . '}}');
	$client->expect(qr/^\{fatal,protocol/, 'between two ends: fatal');
	$client->quit;

	for my $garbage (
		[ '{raw, <<1,2,3>>}', qr/byte 131/ ],
		[ '{raw, <<131,104,255,1>>}', qr/data left/ ],
		[ '{send, {credit, -1, x}}', qr/credit/ ],
		[ '{send, {unknown, 1}}', qr/unknown command \\"\{unknown, \.\.\.\} of 2/ ],
		[ '{send, pause}', qr/unknown command \\"pause/ ],
		[ '{send, {start, #{}}}', qr/start, Map/ ],
		[ '{send, {start, #{slot => other, nonsense => 1}}}', qr/was sent twice/ ])
	{
		$client = EtfClient->start($node);
		$client->expect(qr/^\{status,connected/, 'connected');
		$client->say($garbage->[0]);
		my $line = $client->expect(qr/^\{fatal,protocol/, "$garbage->[0]");
		like($line, $garbage->[1], 'says what was wrong');
		is($client->exit_status, 10, 'and exits');
		$client->quit;
	}
	$etf->drop_slot('s');
};

subtest 'settings are checked' => sub {
	for my $case (
		[ { slot => '<<>>' }, qr/no slot/ ],
		[ { nonsense => '1' }, qr/unknown setting.*nonsense/ ],
		[ { max_stall => '<<"soon">>' }, qr/max_stall/ ],
		[ { status_interval => '1' }, qr/status_interval.*100/ ],
		[ { options => '7' }, qr/options/ ])
	{
		my $client = EtfClient->start($node, %{ $case->[0] });

		like($client->expect(qr/^\{fatal,config/, 'refused'), $case->[1],
			'by name');
		is($client->exit_status, 3, 'with its exit status');
		$client->quit;
	}
};

subtest 'messages outside a transaction' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, credit_events => 10,
		credit_bytes => 100000,
		options => '#{rows => tuple, dialect => compact, messages => on}');

	$client->expect(qr/^\{status,connected/, 'it connects');
	$etf->sql("SELECT pg_logical_emit_message(false, 'p', 'hello')");
	$client->expect(qr/^\{frame,message,whole,(\d+),/, 'one comes');
	$client->say('ack');
	$client->stop;
	$client->quit;
	$client = EtfClient->start($node, credit_events => 10,
		credit_bytes => 100000,
		options => '#{rows => tuple, dialect => compact, messages => on}');
	$client->expect(qr/^\{status,connected/, 'it connects');
	$client->silent(qr/^\{frame/, 2, 'acknowledged: it does not come again');
	$client->stop;
	$client->quit;
	$etf->drop_slot('s');
};

subtest 'closing the port is a clean end' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, credit_events => 10,
		credit_bytes => 100000);

	$etf->sql('INSERT INTO t VALUES (7000)');
	$client->expect(qr/^\{frame.*?(\d+),0,1,\[7000\]/, 'a change');
	my $end = $client->{match}[0];
	$client->say('ack');
	$client->say('close');
	confirmed_becomes('s', $end, 'what was acknowledged is confirmed');
	ok($node->poll_query_until('postgres',
			"SELECT NOT active FROM pg_replication_slots"), 'the slot is free');
	$client->quit;
	$etf->drop_slot('s');
};

done_testing();
