# How long a snapshot is held, and what becomes of tables that a round is too short for, or that are
# rewritten in one.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('holds',
	conf => "checkpoint_timeout = '1h'\nmax_wal_size = '2GB'\nmax_replication_slots = 30");
my $node = $etf->node;

# Rows whose wide values the changes leave out: a table of them is not read in halves.
sub fill
{
	my ($table, $key) = @_;

	$etf->sql("CREATE TABLE $table (id int $key, v text, n int);
		ALTER TABLE $table ALTER v SET STORAGE EXTERNAL;
		INSERT INTO $table SELECT i, repeat(md5(i::text), 100), 0 FROM generate_series(1, 2000) i");
	return;
}

# A consumer that takes so many events, and no more.
sub start
{
	my ($slot, $table, %more) = @_;
	my $client = EtfBackfill->start($etf, $slot, credit_events => 200);

	$client->say('{credit, false}');
	$client->backfill('b', mode => 'exact', tables => "public.$table", jobs => 1, %more);
	$client->expect(qr/^\{backfill,started,<<"b">>,.*mode => exact/s, "$table: begins as exact");
	$client->expect(qr/^\{backfill,round,/, "$table: a round");
	return $client;
}

# The round of a table that is half read ends; in the next one it is half read, too.
sub start_two_rounds
{
	my ($slot, $table, %more) = @_;
	my $client = start($slot, $table, max_hold => 1000, %more);

	$client->expect(qr/^\{backfill,retry,.*chunk => 1\b/s, "$table: which ends in the middle");
	$client->expect(qr/^\{backfill,table_again,.*interrupted/s, "$table: it begins anew");
	$client->say('{send, {credit, 400, 10000000}}');
	$client->expect(qr/^\{backfill,retry,/, "$table: and does not fit again");
	return $client;
}

# Which goes on in mode incremental, up to some chunks that are not handled.
sub start_handed_over
{
	my ($slot, $table, %more) = @_;
	my $client = start_two_rounds($slot, $table, %more);

	$client->say('{hold, done, 3}');
	$client->expect(qr/^\{backfill,started,<<"b">>,.*mode => incremental/s, 'it goes on');
	$client->say('{credit, true}');
	$client->expect(qr/^\{backfill,close,/, "chunk $_") for 1 .. 5;
	sleep 1.5;
	return $client;
}

# No round is long enough even to begin, beside a stream that has to be delivered first.
sub start_hopeless
{
	my ($slot, $table) = @_;
	my $client = EtfBackfill->start($etf, $slot);

	$client->expect(qr/^\{caught_up,/, "$table: the stream has caught up");
	my $sql = "DO \$\$ BEGIN FOR i IN 1..3000 LOOP UPDATE $table SET n = i WHERE id = 1 + i % 2000; COMMIT;
		PERFORM pg_sleep(0.001); END LOOP; END \$\$";
	my $writer = IPC::Run::start([ 'psql', '-Xqc', $sql, $node->connstr('postgres') ]);
	$client->backfill('b', mode => 'exact', tables => "public.$table", jobs => 1, max_hold => 1);
	$client->expect(qr/^\{log,warning,.*another snapshot in/s, "$table: a round is too short");
	return ($client, $writer);
}

subtest 'a hold that is too short for anything' => sub {
	fill('short', 'PRIMARY KEY');
	my ($client, $writer) = start_hopeless('short', 'short');

	$client->expect(qr/^\{backfill,started,<<"b">>,.*mode => incremental.*tables => 1/s, 'it goes on in mode incremental');
	$client->expect(qr/^\{backfill,finished,<<"b">>,/, 'and ends');
	$writer->finish;
	$client->equals('public.short', 'the mirror is the table');
	$client->is_clean('and as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
};

subtest 'the same without a key' => sub {
	fill('shorter', '');
	$etf->sql('ALTER TABLE shorter REPLICA IDENTITY FULL');
	my ($client, $writer) = start_hopeless('shorter', 'shorter');

	$client->expect(qr/^\{log,warning,.*held on.*public\.shorter/s, 'its snapshot is held, which is told');
	$client->expect(qr/^\{backfill,finished,<<"b">>,/, 'and it ends');
	$writer->finish;
	is($client->stop, 0, 'a clean stop');
};

subtest 'a table with a key goes on in mode incremental' => sub {
	fill('wide', 'PRIMARY KEY');
	my $client = start_two_rounds('w', 'wide');

	$client->say('{hold, done, true}');
	$client->expect(qr/^\{log,warning,.*goes on in mode incremental.*public\.wide/s, 'which is told');
	$client->expect(qr/^\{backfill,started,<<"b">>,.*mode => incremental.*tables => 1/s, 'it goes on');
	$client->say('{credit, true}');
	$etf->sql("UPDATE wide SET n = 1, id = id + 10000 WHERE id % 100 = 0; DELETE FROM wide WHERE id % 70 = 0");
	$client->expect(qr/^\{backfill,close,.*chunk => [3-9]/s, 'chunk by chunk');
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,close,/, 'one is done');
	$client->say('{hold, done, true}');
	sleep 1.5;
	kill 'KILL', $client->client_pid;
	$client->exit_status;

	my $second = EtfBackfill->start($etf, 'w');
	$second->backfill('b', mode => 'exact', tables => 'public.wide');
	$second->expect(qr/^\{backfill,started,<<"b">>,.*mode => incremental/s, 'the next process goes on so');
	ok(!grep({ /^\{backfill,round/ } $second->seen), 'without another round');
	ok(!grep({ /^\{log,warning,.*goes on in mode/ } $second->seen), 'or warning');
	$second->expect(qr/^\{backfill,finished,<<"b">>.*tables => 1/s, 'to its end');
	$second->is_clean('no violation');
	is($second->stop, 0, 'a clean end');
};

subtest 'and the mirror is the table' => sub {
	fill('mirrored', 'PRIMARY KEY');
	my $client = start_two_rounds('m', 'mirrored');

	$client->expect(qr/^\{backfill,started,<<"b">>,.*mode => incremental/s, 'it goes on');
	$client->say('{credit, true}');
	$etf->sql("UPDATE mirrored SET n = 1, id = id + 10000 WHERE id % 100 = $_; DELETE FROM mirrored WHERE id % 700 = $_")
	  for 1 .. 20;
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'to its end');
	$client->equals('public.mirrored', 'each row is there');
	$client->is_clean('no violation');
	is($client->stop, 0, 'a clean end');
};

# It is not known yet that it goes on so: what was kept is locked.
subtest 'what moves before the next process goes on' => sub {
	fill('moving', 'PRIMARY KEY');
	my $client = start_handed_over('g', 'moving');
	my $other = $node->background_psql('postgres');

	$other->query('BEGIN; LOCK TABLE etf_backfill');
	$client->restart;
	$client->backfill('b', mode => 'exact', tables => 'public.moving');
	$client->expect(qr/^\{status,connected/, 'there is a stream');
	$etf->sql("UPDATE moving SET id = -id WHERE id = 1900; INSERT INTO moving VALUES (10000, 'x', 1)");
	$client->shows('public.moving', 10000, 'which goes on');
	$other->query('COMMIT');
	$other->quit;
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'to its end');
	$client->equals('public.moving', 'each row is there', 10);
	$client->is_clean('no violation');
	is($client->stop, 0, 'a clean end');
};

# Its request is kept, so it is no failure of its own that it cannot go on at once.
subtest 'what moves while the next process may not connect' => sub {
	fill('barred', 'PRIMARY KEY');
	my %again = (mode => 'exact', tables => 'public.barred', once => 'true', request => '<<"words">>');
	my $client = start_handed_over('h', 'barred', %again);
	my $other = $node->background_psql('postgres');

	$client->restart;
	$client->expect(qr/^\{status,connected/, 'there is a stream');
	my $rules = $etf->permit('local all all reject');
	$client->backfill('b', %again);
	$client->expect(qr/^\{log,warning,<<"backfill \\"b\\" has to wait: .*pg_hba/s, 'it waits', 20);
	$other->query_safe("UPDATE barred SET id = -id WHERE id = 1900; INSERT INTO barred VALUES (10000, 'x', 1)");
	$client->shows('public.barred', 10000, 'a row moves to where it was read');
	$etf->permit($rules);
	$client->restart;
	$client->say('{hold, done, false}');
	$client->backfill('b', %again);
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'to its end');
	$client->equals('public.barred', 'each row is there', 10);
	$client->is_clean('no violation');
	$other->quit;
	is($client->stop, 0, 'a clean end');
};

subtest 'a table without a key keeps the snapshot' => sub {
	fill('keyless', '');
	my $client = start_two_rounds('k', 'keyless');

	$client->expect(qr/^\{log,warning,.*is held on, since 1\.\d s ago, until table public\.keyless/s, 'which is told');
	$client->silent(qr/^\{backfill,(?:retry|started)/, 1.5, 'and nothing ends it');
	$client->say('{credit, true}');
	$client->expect(qr/^\{backfill,finished,<<"b">>,.*rows => 2000/s, 'until it is read');
	is($client->stop, 0, 'a clean end');
};

# Of two ranges.
sub fill_ranges
{
	my ($table, $rows) = @_;

	$etf->sql("DROP TABLE IF EXISTS $table;
		CREATE TABLE $table (id int PRIMARY KEY, v text, n int) WITH (fillfactor = 10);
		ALTER TABLE $table ALTER v SET STORAGE PLAIN;
		INSERT INTO $table SELECT i, repeat('r', 400), 0 FROM generate_series(1, $rows) i;
		DELETE FROM $table WHERE id % 8 <> 0;
		UPDATE $table SET v = repeat('r', 3000)");
	return;
}

# What rewrites it waits for the first one, and comes before the second one.
for my $rewrite ('VACUUM FULL ranged', 'CLUSTER ranged USING ranged_pkey',
	'ALTER TABLE ranged ALTER n TYPE bigint', 'TRUNCATE ranged')
{
	subtest "$rewrite between two ranges" => sub {
		fill_ranges('ranged', 9000);
		my ($slot) = lc($rewrite) =~ /^(\w+)/;
		my $client = start($slot, 'ranged');
		ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
			WHERE query ~ 'etf_read' AND state = 'active' AND pid <> pg_backend_pid()"), 'it reads');
		my $writer = IPC::Run::start([ 'psql', '-Xqc', $rewrite, $node->connstr('postgres') ]);

		ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
			WHERE query = '$rewrite' AND wait_event_type = 'Lock'"), 'it waits for the first one');
		my $since = time;
		$client->say('{credit, true}');
		$client->expect(qr/^\{backfill,close,.*chunk => 1\b/s, 'which is done');
		$writer->finish;
		cmp_ok(time - $since, '<', 5, 'and nothing else is waited for');
		$client->expect(qr/^\{backfill,table_again,.*reason => rewritten/s, 'the table is begun anew');
		$client->expect(qr/^\{backfill,finished,<<"b">>/, 'to its end');
		$client->equals('public.ranged', 'each row is there');
		$client->is_clean('no violation');
		is($client->stop, 0, 'a clean end');
		$etf->wait_until_idle($slot);
		$etf->drop_slot($slot);
	};
}

# Both connections find it gone in the same round.
subtest 'DROP TABLE before two ranges of it' => sub {
	fill_ranges('ranged', 9000);
	fill_ranges('before', 12000);
	my $client = start('gone', 'before,public.ranged', jobs => 2);
	my $session = $node->background_psql('postgres');
	my $at_work = "query ~ 'etf_read' AND state = 'active' AND pid <> pg_backend_pid()";

	ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM pg_stat_activity WHERE $at_work"), 'both read');
	$session->query_safe('BEGIN; DROP TABLE ranged');
	$client->say('{credit, true}');
	ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM pg_stat_activity
		WHERE $at_work AND wait_event_type = 'Lock'"), 'both want to read the next table');
	$session->query_safe('COMMIT');
	$session->quit;
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'it ends');
	ok(grep({ /^\{backfill,table_done,.*dropped.*public\.ranged/s } $client->seen), 'without that table');
	ok(!grep({ /^\{backfill,table_failed/ } $client->seen), 'which is no failure');
	is($client->stop, 0, 'a clean end');
};

subtest 'a round ends before the server removes what the stream needs' => sub {
	fill('endangered', 'PRIMARY KEY');
	$etf->sql("ALTER SYSTEM SET max_slot_wal_keep_size = '32MB'");
	$node->reload;
	my $client = start('e', 'endangered');
	my $status = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'e'";

	$etf->sql('INSERT INTO wide VALUES (-1); SELECT pg_switch_wal(); DELETE FROM wide WHERE id = -1') for 1 .. 5;
	is($etf->sql($status), 'unreserved', 'the slot is in danger');
	$client->expect(qr/^\{status,slot,.*unreserved/s, 'the client sees it');
	$client->expect(qr/^\{backfill,retry,/, 'and ends the round');
	$client->expect(qr/^\{status,connected/, 'the stream goes on');
	$client->say('{credit, true}');
	$etf->sql('CHECKPOINT') if $node->poll_query_until('postgres', "SELECT ($status) <> 'unreserved'");
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'once it is safe, the next round is whole');
	$client->equals('public.endangered', 'each row is there');
	is($client->stop, 0, 'a clean end');
	$etf->sql('ALTER SYSTEM RESET max_slot_wal_keep_size');
	$node->reload;
};

SKIP:
{
	skip 'idle slots are invalidated since PostgreSQL 18', 1 if $etf->version < 18;

	subtest 'a round ends before its slot has been idle for too long' => sub {
		fill('idle', 'PRIMARY KEY');
		$etf->sql("ALTER SYSTEM SET idle_replication_slot_timeout = '8s'");
		$node->reload;
		my $client = start('i', 'idle');

		ok(grep({ /^\{log,warning,.*held for 4\.0 s at most.*idle_replication_slot_timeout/s } $client->seen),
			'which is told');
		for (1 .. 20)
		{
			$etf->sql('CHECKPOINT');
			last if $client->wait_for(qr/^\{backfill,retry,/, 1);
		}
		$client->expect(qr/^\{status,connected/, 'the stream goes on');
		is($etf->sql("SELECT invalidation_reason FROM pg_replication_slots WHERE slot_name = 'i'"), '',
			'with its slot');
		$client->say('{credit, true}');
		$client->expect(qr/^\{backfill,finished,<<"b">>/, 'to its end');
		is($client->stop, 0, 'a clean end');
	};
}

done_testing;
