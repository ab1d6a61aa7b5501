# Every way to fail: its class, its exit status, and that nothing is lost.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('failures', conf => 'wal_sender_timeout = 3s');
my $node = $etf->node;
my @credit = (credit_events => 100000, credit_bytes => 1000000000);

$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text)');

sub wait_free
{
	$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM '
		  . "pg_replication_slots WHERE slot_name = 's' AND active");
	return;
}

sub free_slot
{
	wait_free();
	$etf->drop_slot('s');
	return;
}

# Drop the slot of a client that comes back as fast as it can.
sub drop_in_use
{
	$etf->sql(<<'SQL');
DO $$
BEGIN
	LOOP
		BEGIN
			PERFORM pg_terminate_backend(active_pid)
			FROM pg_replication_slots WHERE active;
			PERFORM pg_drop_replication_slot('s');
			EXIT;
		EXCEPTION WHEN object_in_use THEN
			PERFORM pg_sleep(0.01);
		END;
	END LOOP;
END $$
SQL
	return;
}

# The client must stop with this class, status and message.
sub stops
{
	my ($client, $class, $status, $message, $name) = @_;
	my $line = $client->expect(qr/^\{fatal,$class,/, "$name: $class");

	like($line, qr/message => <<".*$message/, "$name: says why");
	like($line, qr/hint => <<"[A-Z]/, "$name: says what to do");
	is($client->exit_status, $status, "$name: exit status $status");
	$client->quit;
	return $line;
}

subtest 'the walsender dies within a transaction' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, credit_events => 500,
		credit_bytes => 1000000000);

	$etf->sql('INSERT INTO t SELECT g, repeat(md5(g::text), 10) '
		  . 'FROM generate_series(1, 30000) g');
	$client->expect(qr/^\{frame,tx,first,(\d+)/, 'a part is there');
	my $commit = $client->{match}[0];
	$client->expect(qr/^\{frame,tx,middle,/, 'another one');
	$etf->sql('SELECT pg_terminate_backend(active_pid) '
		  . 'FROM pg_replication_slots');
	$client->say('{auto, refill}');
	$client->say('{credit, 1000, 100000000}');
	$client->expect(qr/^\{status,disconnected/, 'it is told');
	$client->expect(qr/^\{rewind,$commit\}/, 'and which one starts again');
	my $rows = $client->rows_until(30000);
	is_deeply($rows, [ 1 .. 30000 ], 'all of it, in order, once');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->is_clean('no hole in the indexes');
	$client->quit;
	free_slot();
};

subtest 'connections that break: no gap, no duplicate' => sub {
	for my $case (
		[ 'walsender terminated',
			sub {
				$etf->sql('SELECT pg_terminate_backend(active_pid) FROM '
					  . 'pg_replication_slots WHERE active');
			} ],
		[ 'immediate shutdown', sub { $node->stop('immediate'); $node->start } ],
		[ 'restart', sub { $node->restart } ])
	{
		my ($name, $hurt) = @$case;

		$etf->sql('TRUNCATE t');
		$etf->slot('s');
		my $client = EtfClient->start($node, @credit, reconnect_min => 50,
			reconnect_max => 500);
		my @rows;

		$client->expect(qr/^\{status,connected/, "$name: it connects");
		for my $round (0 .. 3)
		{
			my $first = $round * 500 + 1;

			$etf->sql(join '', map { "INSERT INTO t VALUES ($_);\n" }
				  ($first .. $first + 499));
			push @rows, @{ $client->rows_until($first + 249) };
			$client->say('ack') if $round % 2;
			$hurt->() if $round < 3;
			push @rows, @{ $client->rows_until($first + 499) };
		}
		is_deeply(\@rows, [ 1 .. 2000 ], "$name: every row once, in order");
		$client->is_clean("$name: no hole");
		$client->say('ack');
		is($client->stop, 0, "$name: stop");
		$client->quit;
		free_slot();
	}
};

subtest 'slots' => sub {
	like(stops(EtfClient->start($node), 'slot_missing', 5, 'does not exist',
			'no slot'), qr/hint => <<"Create .*--create-slot/, 'and how');

	my $client = EtfClient->start($node, create => 'if_missing', @credit);
	$client->expect(qr/^\{status,connected,.*created => true/, 'created');
	$client->stop;
	$client->quit;
	$client = EtfClient->start($node, create => 'if_missing', @credit);
	$client->expect(qr/^\{status,connected,.*created => false/, 'found');

	my $pid = $etf->sql('SELECT active_pid FROM pg_replication_slots');
	my $begin = time;
	my $other = EtfClient->start($node);
	$other->expect(qr/^\{status,reconnecting,.*class => slot_active/,
		'busy: waits');
	stops($other, 'slot_active', 6, "active for PID $pid", 'busy');
	cmp_ok(time - $begin, '>=', 7,
		'busy: for wal_sender_timeout and a margin');

	$other = EtfClient->start($node, reconnect_max => 500);
	$other->expect(qr/^\{status,reconnecting/, 'busy again');
	$client->stop;
	$other->expect(qr/^\{status,connected/, 'and then free: it goes on');
	$client->quit;

	$etf->sql('INSERT INTO t VALUES (3001)');
	$other->say('{credit, 10, 1000}');
	$other->expect(qr/^\{frame.*\[3001\]/, 'a change');
	$other->say('ack');
	sleep 1.5;
	drop_in_use();
	stops($other, 'slot_missing', 5, 'no longer exists', 'dropped');

	$client = EtfClient->start($node, create => 'temporary', @credit);
	$client->expect(qr/^\{status,connected,.*created => true/, 'temporary');
	is($etf->sql('SELECT temporary FROM pg_replication_slots'), 't', 'it is');
	$etf->sql('SELECT pg_terminate_backend(active_pid) '
		  . 'FROM pg_replication_slots');
	stops($client, 'slot_lost', 7, 'dropped with its connection', 'temporary');
};

# Who makes a slot holds it meanwhile, as a reader would.
subtest 'a slot that is made anew at this moment' => sub {
	plan skip_all => 'nothing is counted before 14' if $etf->version < 14;
	$etf->slot('s');
	my $client = EtfClient->start($node, @credit, standby => 'true',
		status_interval => 200, reconnect_min => 500, reconnect_max => 500);

	$etf->sql("INSERT INTO t VALUES ($_)") for 4101 .. 4103;
	$client->expect(qr/^\{frame.*\[4103\]/, 'changes');
	$client->say('ack');
	sleep 1;
	my $holds = $node->background_psql('postgres');
	$holds->query_safe('BEGIN; SELECT txid_current()');
	drop_in_use();
	my $makes = $node->background_psql('postgres');
	$makes->query_until(qr/begins/, "\\echo begins\n"
		  . "SELECT pg_create_logical_replication_slot('s', 'pg_etf_decoding');\n");
	stops($client, 'gap', 11, 'recreated', 'seen in the hands of who makes it');
	$holds->query_safe('COMMIT');
	$_->quit for $holds, $makes;
	$etf->drop_slot('s');
};

subtest 'a slot that is not where it was' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, @credit, reconnect_min => 3000,
		reconnect_max => 3000);

	$etf->sql('INSERT INTO t VALUES (4001)');
	$client->expect(qr/^\{frame.*\[4001\]/, 'a change, not acknowledged');
	drop_in_use();
	$etf->sql('INSERT INTO t VALUES (4002)');
	$etf->slot('s');
	stops($client, 'gap', 11, 'recreated', 'recreated');

	my $lsn = $etf->sql("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn");
	stops(EtfClient->start($node, startpos => 1), 'gap', 11,
		'the slot starts at', 'stored position before the slot');
	stops(EtfClient->start($node, startpos => $lsn + 1000000), 'gap', 11,
		'ahead of the server', 'stored position after the server');
	stops(EtfClient->start($node, system_identifier => '<<"42">>'),
		'wrong_server', 12, 'system identifier', 'another cluster');
	free_slot();
};

subtest 'a stored position wins over the slot' => sub {
	$etf->slot('s');
	$etf->sql('INSERT INTO t VALUES (5001)');
	$etf->sql('INSERT INTO t VALUES (5002)');
	my $client = EtfClient->start($node, @credit);
	$client->expect(qr/^\{frame,tx,whole,\d+,(\d+),.*\[5001\]/, 'first');
	my $stored = $client->{match}[0];
	$client->quit;
	wait_free();

	$client = EtfClient->start($node, @credit, startpos => $stored);
	my $line = $client->expect(qr/^\{frame/, 'from the stored position');
	like($line, qr/\[5002\]/, 'comes what follows it');
	$client->stop;
	$client->quit;
	free_slot();
};

subtest 'servers and databases that refuse' => sub {
	$etf->sql("SELECT pg_create_logical_replication_slot('s', 'test_decoding')");
	stops(EtfClient->start($node), 'wrong_plugin', 8, 'test_decoding',
		'other plugin');
	free_slot();
	$etf->sql("SELECT pg_create_physical_replication_slot('s')");
	stops(EtfClient->start($node), 'wrong_plugin', 8, 'physical', 'physical');
	free_slot();
	$etf->slot('s');
	$etf->sql('CREATE DATABASE other');
	stops(EtfClient->start($node, connection => '#{dbname => other}'),
		'wrong_plugin', 8, 'belongs to database ."postgres', 'other database');
	stops(EtfClient->start($node, connection => '#{dbname => nowhere}'),
		'config', 3, 'does not exist', 'no database');
	stops(EtfClient->start($node, options => '#{dialect => klingon}'),
		'config', 3, 'klingon', 'bad option of the plugin');
	stops(EtfClient->start($node, conninfo => '<<"nonsense=1">>'),
		'config', 3, 'nonsense', 'bad conninfo');
	stops(EtfClient->start($node, connection => '#{user => nobody_here}'),
		'auth', 4, 'nobody_here', 'no such role');
	$etf->sql('CREATE ROLE plain LOGIN');
	stops(EtfClient->start($node, connection => '#{user => plain}'),
		'auth', 4, '.', 'no right to replicate');
	stops(EtfClient->start($node, connection => '#{port => 1}',
			reconnect => 'false'), 'network', 13, 'onnect', 'no server');

	my $client = EtfClient->start($node, connection => '#{port => 1}',
		circuit_after => 3, reconnect_min => 1, reconnect_max => 10);
	$client->expect(qr/^\{status,reconnecting,/, 'tries again');
	$client->expect(qr/^\{status,open_circuit,/, 'opens the circuit', 10);
	$client->expect(qr/^\{status,open_circuit,/, 'and goes on', 10);
	is($client->stop, 0, 'and stops when told');
	$client->quit;

  SKIP:
	{
		skip 'this server lets every plugin in', 4
		  unless EtfTest::server_gate();
		$etf->sql('ALTER SYSTEM SET output_plugin_libraries = pgoutput');
		$etf->sql('SELECT pg_reload_conf()');
		stops(EtfClient->start($node), 'plugin_not_allowed', 9,
			'pg_etf_decoding', 'not allowed');
		$etf->sql('ALTER SYSTEM RESET output_plugin_libraries');
		$etf->sql('SELECT pg_reload_conf()');
	}
	free_slot();
};

subtest 'a server that does not decode' => sub {
	plan skip_all => 'from 19 on a slot turns decoding on'
	  if $etf->version >= 19;
	my $other = EtfTest->new('replica', conf => 'wal_level = replica');
	my ($out, $err) = run_command([ $ENV{ETF_CLIENT}, '--create-slot',
			'--slot=s', '--dbname', $other->node->connstr('postgres') ]);

	like($err, qr/hint: Set wal_level = logical .*restart/, 'by --create-slot');
	stops(EtfClient->start($other->node, create => 'if_missing'), 'config', 3,
		'wal_level', 'by the stream');
	$other->stop;
};

subtest 'passwords' => sub {
	$etf->slot('s');
	$etf->sql("SET password_encryption = 'scram-sha-256'; CREATE ROLE cdc "
		  . "LOGIN REPLICATION PASSWORD 'open sesame'");
	my $hba = slurp_file($node->data_dir . '/pg_hba.conf');
	open my $file, '>', $node->data_dir . '/pg_hba.conf' or die;
	print $file "local all cdc scram-sha-256\n", $hba;
	close $file or die;
	$node->reload;
	local $ENV{PGPASSWORD};
	delete $ENV{PGPASSWORD};
	stops(EtfClient->start($node,
			connection => '#{user => cdc, password => <<"wrong">>}'),
		'auth', 4, 'password authentication failed', 'wrong password');
	stops(EtfClient->start($node, connection => '#{user => cdc}'),
		'auth', 4, 'no password supplied', 'no password');
	my $client = EtfClient->start($node, @credit,
		connection => '#{user => cdc, password => <<"open sesame">>}');
	$client->expect(qr/^\{status,connected/, 'the right one, by SCRAM');
	my $pid = $client->client_pid;
	ok($pid, 'the client runs');
	unlike(slurp_file("/proc/$pid/cmdline"), qr/sesame/,
		'the password is not in its arguments');
	unlike(slurp_file("/proc/$pid/environ"), qr/sesame/,
		'nor in its environment');
	is($client->stop, 0, 'stop');
	$client->quit;

	my $pgpass = PostgreSQL::Test::Utils::tempdir() . '/pgpass';
	append_to_file($pgpass, '*:*:*:cdc:open sesame');
	chmod 0600, $pgpass;
	$client = EtfClient->start($node,
		connection => qq{#{user => cdc, passfile => <<"$pgpass">>}});
	$client->expect(qr/^\{status,connected/, 'a password file');
	$client->stop;
	$client->quit;
	free_slot();
};

done_testing();
