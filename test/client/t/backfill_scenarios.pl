# What tests of other tools have found worth a scenario: Debezium's of incremental and blocking
# snapshots, PeerDB's of initial loads.  Those of keys and shapes of tables are in snapshot_keys.pl, of
# a pause in backfill_faults.pl, of what is not read again in snapshot_faults.pl: by their names, too.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfCommand;
use EtfTest;
use Test::More;

my $etf = EtfTest->new('scenarios', conf => "max_replication_slots = 20\nmax_wal_senders = 20");
my $node = $etf->node;
my $rows = 600;

sub fill
{
	my ($table) = @_;

	$etf->sql("CREATE TABLE $table (id int PRIMARY KEY, v text, n int);
		ALTER TABLE $table ALTER v SET STORAGE EXTERNAL;
		INSERT INTO $table SELECT i, repeat(i::text || ' ', 1000), i FROM generate_series(1, $rows) i");
	return;
}

sub update_all { return $etf->sql("UPDATE $_[0] SET n = n + 1000; DELETE FROM $_[0] WHERE id % 50 = 0"); }

# A client that is killed in the middle, and another one.
sub restarted
{
	my ($table, %more) = @_;
	my $client = EtfBackfill->start($etf, $table);

	$client->backfill('b', tables => "public.$table", chunk_bytes => 65536, %more);
	$client->expect(qr/^\{backfill,close,.*chunk => 3\b/s, 'three chunks are there');
	$client->say('{hold, done, true}');
	$node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM etf_backfill WHERE slot = '$table'});
	kill 'KILL', $client->client_pid;
	$client->exit_status;
	$client = EtfBackfill->start($etf, $table);
	$client->backfill('b', tables => "public.$table", chunk_bytes => 65536, %more);
	$client->expect(qr/^\{backfill,started,<<"b">>/, 'another one goes on');
	return $client;
}

sub ends
{
	my ($client) = @_;

	$client->is_clean('as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
	return;
}

subtest 'updatesLargeChunk: one chunk, and every row of it changes' => sub {
	fill('large');
	my $client = EtfBackfill->start($etf, 'large');

	$client->expect(qr/^\{caught_up,/, 'caught up');
	$client->say('{credit, false}');
	$client->backfill('b', tables => 'public.large', chunk_bytes => 100_000_000);
	$client->expect(qr/^\{backfill,open,/, 'a chunk is open');
	update_all('large');
	$client->say('{credit, true}');
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'it ends');
	is(scalar(grep { /^\{backfill,open,/ } $client->seen), 1, 'it was one chunk');
	$client->equals('public.large', 'the mirror is the table');
	ends($client);
};

subtest 'updatesWithRestart, snapshotWithAdditionalConditionWithRestart' => sub {
	fill('condition');
	my $client = restarted('condition', where => 'id > 100');

	update_all('condition');
	$client->expect(qr/^\{backfill,finished,<<"b">>,.*rows => (\d+)/s, 'it ends');
	cmp_ok($client->{match}[0], '<=', $rows - 100, 'with the rows of the condition only');
	$etf->sql('INSERT INTO condition VALUES (-1)');
	$client->wait_for(qr/^never/, 1);
	my @lines = $client->mirror_lines('public.condition');
	my %read = map { $_ => 1 } $client->table_lines('public.condition');
	is(scalar(grep { !$read{$_} } @lines), 0, 'each as it is by now');
	ends($client);
};

subtest 'stopCurrentIncrementalSnapshotWithoutCollectionsAndTakeNewNewIncrementalSnapshotAfterRestart' => sub {
	fill('stopped');
	my $client = restarted('stopped');

	$client->say('{hold, done, true}');
	$client->say('{send, {backfill_stop, b}}');
	$client->expect(qr/^\{backfill,stopped,<<"b">>/, 'what another process has begun is stopped');
	$client->say('{hold, done, false}');
	$client->backfill('c', tables => 'public.stopped', chunk_bytes => 65536);
	$client->expect(qr/^\{backfill,finished,<<"c">>,.*rows => $rows\b/s, 'and all is read by another backfill');
	$client->equals('public.stopped', 'the mirror is the table');
	ends($client);
};

subtest 'anErrorDuringBlockingSnapshotShouldNotLeaveTheStreamingPaused' => sub {
	fill('broken');
	my $client = EtfBackfill->start($etf, 'broken');

	$client->expect(qr/^\{caught_up,/, 'caught up');
	$client->backfill('b', mode => 'exact', tables => 'public.broken', where => '1 / (id - 300) IS NOT NULL');
	$client->expect(qr/^\{backfill,table_failed,<<"b">>,.*division by zero/s, 'a table cannot be read');
	$etf->sql("INSERT INTO broken VALUES (1000, 'new', 1)");
	$client->expect(qr/^\{status,connected,/, 'the stream goes on');
	my $seen = 0;
	for (1 .. 100)
	{
		last if $seen = grep { /id=/ } $client->mirror_lines('public.broken');
		$client->wait_for(qr/^never/, 0.1);
	}
	ok($seen, 'with what was written');
	$etf->sql('DELETE FROM broken WHERE id = 300');
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'and the table is read once it can be');
	$client->equals('public.broken', 'the mirror is the table');
	ends($client);
};

# The larger one is being read by then, and the other one waits.
sub fill_partitions
{
	$etf->sql("DROP TABLE IF EXISTS parts, parts_b, parts_c;
		CREATE TABLE parts (id int PRIMARY KEY, v text, n int) PARTITION BY RANGE (id);
		CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (1) TO (401);
		CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (401) TO (501);
		CREATE TABLE parts_c (LIKE parts INCLUDING ALL);
		INSERT INTO parts SELECT i, repeat(i::text || ' ', 1000), i FROM generate_series(1, 500) i;
		INSERT INTO parts_c SELECT i, 'c', i FROM generate_series(501, 600) i");
	return;
}

# Rows of a partition that were read before it was detached stay, as they would in a subscription.
sub has_all
{
	my ($client, $table) = @_;
	my @missing = ('nothing yet');

	for (1 .. 100)
	{
		@missing = grep { /in the table/ } $client->differences($table);
		last if !@missing;
		$client->wait_for(qr/^never/, 0.2);
	}
	is_deeply(\@missing, [], "the mirror has all of $table");
	return;
}

sub partitioned
{
	my ($slot, $tables, %setting) = @_;
	my $client = EtfBackfill->start($etf, $slot, %setting);

	$client->say('{hold, done, true}');
	$client->backfill('b', tables => $tables, chunk_bytes => 65536);
	$client->expect(qr/^\{backfill,close,/, 'a chunk is there');
	$etf->sql('ALTER TABLE parts DETACH PARTITION parts_b;
		ALTER TABLE parts ATTACH PARTITION parts_c FOR VALUES FROM (501) TO (601)');
	update_all($_) for 'parts', 'parts_b';
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'it ends');
	return $client;
}

subtest 'a partition is attached, another one detached' => sub {
	fill_partitions();
	my $client = partitioned('leaves', 'public.parts_*');
	$client->equals("public.$_", "the mirror is the table $_") for 'parts_a', 'parts_b', 'parts_c';
	ends($client);

	fill_partitions();
	$etf->sql('CREATE PUBLICATION root FOR TABLE parts WITH (publish_via_partition_root)');
	$client = partitioned('root', 'public.parts', options => '#{rows => map, dialect => elixir, publication_names => root}');
	$client->backfill('c', tables => 'public.parts');
	$client->expect(qr/^\{backfill,finished,<<"c">>/, 'the new one is read by the next backfill');
	has_all($client, 'public.parts');
	ends($client);

	fill_partitions();
	$etf->sql('CREATE PUBLICATION every FOR ALL TABLES WITH (publish_via_partition_root)');
	$client = partitioned('every', 'public.parts*', options => '#{rows => map, dialect => elixir, publication_names => every}');
	has_all($client, 'public.parts');
	$client->equals('public.parts_b', 'what was detached is a table of its own');
	ends($client);
};

# As of thousands of tables: what is kept is written in one statement.
subtest 'statements longer than a socket takes at once' => sub {
	my $client = EtfBackfill->start($etf, 'long');
	my $long = q{id > 0 AND '} . 'x' x 50_000 . q{' <> ''};

	$etf->sql("CREATE TABLE long_$_ (id int PRIMARY KEY); INSERT INTO long_$_ VALUES (1)") for 1 .. 9;
	$client->say('{send, {backfill, <<"b">>, #{mode => exact, tables => <<"public.long_*">>, where => #{'
		  . join(', ', map { qq{<<"public.long_$_">> => <<"$long">>} } 1 .. 9) . '}}}}');
	$client->expect(qr/^\{backfill,finished,<<"b">>,.*rows => 9\b/s, 'all is read');
	is($etf->sql(q{SELECT length(state) > 400000 FROM etf_backfill WHERE slot = 'long'}), 't', 'and kept');
	ends($client);
};

sub copy
{
	my (@more) = @_;
	my ($status, $out, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '--slot', 'copy', '--temporary',
		'--snapshot=only', '--json', @more);

	is($status, 0, 'a copy') or diag $err;
	return split /\n/, $out;
}

subtest 'InitialLoadOnly_No_Primary_Key' => sub {
	$etf->sql('CREATE TABLE keyless (v int); INSERT INTO keyless VALUES (1), (1), (2)');
	is(scalar(copy('--dbname', $node->connstr('postgres'), '--tables=public.keyless')), 3,
		'equal rows are as many as they are');
};

subtest 'Unprivileged_Postgres_Columns' => sub {
	$etf->sql(q{CREATE ROLE reader REPLICATION LOGIN; CREATE TABLE secrets (id int PRIMARY KEY, a int, secret text);
		INSERT INTO secrets VALUES (1, 2, 'hidden'); GRANT SELECT (id, a) ON secrets TO reader});
	my @lines = copy('--dbname', $node->connstr('postgres') . ' user=reader', '--tables=public.secrets',
		'-o', 'exclude_columns=*.*.secret');

	is(scalar @lines, 1, 'who may read some columns can have those');
	like($lines[0], qr/"record":\{"id":1,"a":2\}/, 'and only those');
};

done_testing;
