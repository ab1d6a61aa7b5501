# Decoding on a standby: a slot is made there, read, and outlives a promotion.
# Before 16 it is refused, and the primary named.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfStandby;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('primary',
	conf => "wal_sender_timeout = 5s\nbgwriter_delay = 10s");
my $primary = $etf->node;
my @credit = (credit_events => 1000000, credit_bytes => 1000000000);
my @eager = (reconnect_min => 50, reconnect_max => 500);

$etf->sql('CREATE TABLE t (id int PRIMARY KEY)');
my $standby = EtfStandby->new($primary, 'standby');

sub on_standby
{
	my ($sql) = @_;

	return $standby->safe_psql('postgres', $sql);
}

sub wait_free
{
	$standby->poll_query_until('postgres',
		'SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE active)');
	return;
}

# A slot, made over the Port; the primary has to help.
sub connected
{
	my ($slot, @settings) = @_;
	my $client = EtfClient->start($standby, @credit, @eager,
		slot => qq{<<"$slot">>}, create => 'if_missing', @settings);

	$client->expect(qr/^\{log,warning,.*run SELECT pg_log_standby_snapshot/s,
		'the client says what a new slot waits for');
	$etf->sql('SELECT pg_log_standby_snapshot()');
	$client->expect(qr/^\{status,connected,(?=.*created => true).*plugin => ${\ EtfTest::plugin()}/s,
		'then it is made');
	return $client;
}

# It has no such slot, but will be a primary any moment.
subtest 'a standby before its promotion is not the end' => sub {
	my $next = EtfStandby->new($primary, 'next');
	my $both = join ' ', 'dbname=postgres',
	  'host=' . join(',', map { $_->host } $primary, $next),
	  'port=' . join(',', map { $_->port } $primary, $next);
	my $client = EtfClient->start($primary, @credit, conninfo => qq{<<"$both">>},
		slot => '<<"gone">>', create => 'if_missing', reconnect_min => 50,
		reconnect_max => 200, circuit_after => 0);

	$client->expect(qr/^\{status,connected/, 'a stream of the primary');
	$client->say('{auto, ack}');
	$etf->sql('INSERT INTO t VALUES (31)');
	$client->expect(qr/^\{frame/, 'a change');
	my $end = $etf->end_of_wal;
	$next->poll_query_until('postgres',
		"SELECT pg_last_wal_replay_lsn() >= '$end'::pg_lsn");
	$primary->stop('immediate');
	$client->expect(
		qr/^\{status,reconnecting,.*is a standby, and slot .* cannot be read/s,
		'the standby is tried again', 60)
	  for 1 .. 3;
	$next->promote;
	$client->expect(qr/^\{fatal,slot_missing/, 'a primary without it is the end',
		60);
	$client->quit;
	$next->stop('fast');
	$primary->start;
	$etf->drop_slot($_) for 'gone', 'next';
};

if ($etf->version < 16)
{
	subtest 'a server that does not decode' => sub {
		my ($out, $err);
		IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $standby->connstr('postgres'),
				'--slot', 's', '--create-slot', EtfTest::plugin_arguments() ],
			'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
		is($? >> 8, 3, '--create-slot: exit status of config');
		like($err, qr/in recovery.*hint: .*primary/s, 'and where to go');

		my $client = EtfClient->start($standby, create => 'if_missing');
		$client->expect(qr/^\{fatal,config,(?=.*in recovery).*primary/s, 'the Port as well');
		is($client->exit_status, 3, 'with the same status');
		$client->quit;
	};
	$etf->stop;
	done_testing();
	exit;
}

subtest 'a primary that does not help' => sub {
	$primary->wait_for_replay_catchup($standby);
	my ($out, $err);
	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname',
			$standby->connstr('postgres'), '--slot', 's', '--create-slot',
			'--connect-timeout', '1s', EtfTest::plugin_arguments() ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	is($? >> 8, 15, '--create-slot gives up');
	like($err, qr/run SELECT pg_log_standby_snapshot\(\) there/,
		'and says what to do');
	is(on_standby(q{SELECT count(*) FROM pg_stat_activity
			WHERE query LIKE '%create_logical%' AND pid <> pg_backend_pid()}),
		0, 'nobody waits on');
	is(on_standby('SELECT count(*) FROM pg_replication_slots'), 0,
		'no slot stays');

	my $client = EtfClient->start($standby, create => 'if_missing',
		connect_timeout => 1000, reconnect => 'false');
	$client->expect(
		qr/^\{fatal,server_error,(?=.*was not created within).*pg_log_standby_snapshot/s,
		'the Port as well');
	is($client->exit_status, 15, 'with the same status');
	$client->quit;
	ok($standby->poll_query_until('postgres',
			'SELECT count(*) = 0 FROM pg_replication_slots'),
		'no slot stays');
};

subtest 'a conflict with the primary' => sub {
	on_standby('ALTER SYSTEM SET hot_standby_feedback = off');
	$standby->reload;
	my $client = connected('lost');

	$etf->sql('INSERT INTO t VALUES (1)');
	$client->expect(qr/^\{frame,tx,whole,.*\[1\]/, 'changes come');
	$etf->sql('CREATE TABLE gone (); DROP TABLE gone');
	$etf->sql('VACUUM pg_class; VACUUM pg_attribute; '
		  . 'INSERT INTO t VALUES (2)');
	$client->expect(qr/^\{fatal,slot_lost,/,
		'rows of the catalogs are removed: the slot is lost');
	is($client->exit_status, 7, 'with the status of slot_lost');
	$client->quit;
	like(on_standby("SELECT to_jsonb(s) FROM pg_replication_slots s"),
		qr/"rows_removed"|"conflicting": ?true/, 'that was the reason');
	$client = EtfClient->start($standby, slot => '<<"lost">>');
	$client->expect(qr/^\{fatal,slot_lost,/, 'it stays lost');
	$client->quit;
	on_standby(q{SELECT pg_drop_replication_slot('lost')});
	on_standby('ALTER SYSTEM RESET hot_standby_feedback');
	$standby->reload;
};

subtest 'wal_level of the primary is lowered' => sub {
	my $client = connected('low');

	$primary->append_conf('postgresql.conf', 'wal_level = replica');
	$primary->restart;
	$client->expect(qr/^\{fatal,slot_lost,/, 'the slot is lost', 60);
	is($client->exit_status, 7, 'with the status of slot_lost');
	$client->quit;
	on_standby(q{SELECT pg_drop_replication_slot('low')});
	$primary->append_conf('postgresql.conf', 'wal_level = logical');
	$primary->restart;
	# A crash of the standby must not replay the change.
	$etf->sql('CHECKPOINT');
	$primary->wait_for_replay_catchup($standby);
	on_standby('CHECKPOINT');
};

subtest 'a standby that starts again is behind for a moment' => sub {
	my $client = connected('s');

	$etf->sql('INSERT INTO t VALUES (3)');
	$client->expect(qr/^\{frame,tx,whole,.*\[3\]/, 'changes come');
	$client->say('{auto, ack}');
	$client->say('ack');
	$standby->stop('immediate');
	$standby->start;
	$client->expect(qr/^\{status,connected,/, 'the client comes back', 60);
	$etf->sql('INSERT INTO t VALUES (4)');
	$client->expect(qr/^\{frame,tx,whole,.*\[4\]/, 'and goes on');
	$etf->sql(q{CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE moods (id int PRIMARY KEY, m mood)});
	$etf->sql(q{INSERT INTO moods VALUES (5, 'ok')});
	$client->expect(qr/^\{frame,tx,whole,.*\[5\]/, 'with a type that it did not know');
	is($client->stop, 0, 'stop');
	$client->quit;
	wait_free();
	$client = EtfClient->start($standby, @credit, @eager, startpos => 1 << 60,
		slot => '<<"s">>');
	$client->expect(
		qr/^\{status,reconnecting,.*standby has not yet replayed the consumer/s,
		'what it has not replayed is waited for');
	$client->quit;
	wait_free();
};

subtest 'a promotion while the stream goes on' => sub {
	my $client = EtfClient->start($standby, @credit, @eager,
		slot => '<<"s">>');

	$client->expect(qr/^\{status,connected,/, 'connected to the standby');
	$client->say('{auto, ack}');
	$etf->sql("INSERT INTO t VALUES ($_)") for 101 .. 150;
	is_deeply($client->rows_until(150), [ 101 .. 150 ], 'rows of the primary');
	$primary->wait_for_replay_catchup($standby);
	$standby->promote;
	on_standby("INSERT INTO t VALUES ($_)") for 201 .. 250;
	is_deeply($client->rows_until(250), [ 201 .. 250 ],
		'rows of the new primary');
	is((grep { /^\{status,disconnected/ } @{ $client->{seen} }), 0,
		'over the same connection');
	on_standby('SELECT pg_terminate_backend(active_pid) FROM '
		  . "pg_replication_slots WHERE slot_name = 's'");
	$client->expect(qr/^\{status,connected,.*timeline => 2/,
		'another connection finds the new timeline');
	on_standby('INSERT INTO t VALUES (301)');
	is_deeply($client->rows_until(301), [301], 'and goes on');
	$client->is_clean('no hole in the indexes');
	is($client->stop, 0, 'stop');
	$client->quit;
};

done_testing();
