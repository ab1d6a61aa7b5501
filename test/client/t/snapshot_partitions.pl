# Partitions that are attached and detached while a snapshot is read, under the name of their root.
#
# As of the snapshot a row belongs to one table, by now to another one: what the stream brings of it is told as the
# first one up to there, and then as the other one.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfCutter;
use EtfTest;
use IPC::Run;
use Test::More;

my $etf = EtfTest->new('snapshot_partitions', conf => 'max_wal_senders = 20');
my $node = $etf->node;
my $network = EtfCutter->new($node, 0);
my $client;

$etf->sql('CREATE PUBLICATION every FOR ALL TABLES WITH (publish_via_partition_root)');

# The larger one is read first.
sub fill
{
	my ($key) = @_;

	$etf->sql("DROP TABLE IF EXISTS parts, parts_b, parts_c;
		CREATE TABLE parts (id int $key, v text, n int) PARTITION BY RANGE (id);
		CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (1) TO (401);
		CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (401) TO (501);
		CREATE TABLE parts_c (LIKE parts INCLUDING ALL);
		ALTER TABLE parts_a ALTER v SET STORAGE EXTERNAL;
		ALTER TABLE parts_b ALTER v SET STORAGE EXTERNAL;
		ALTER TABLE parts_c ALTER v SET STORAGE EXTERNAL;
		INSERT INTO parts SELECT i, repeat(i::text || ' ', 1000), i FROM generate_series(1, 500) i;
		INSERT INTO parts_c SELECT i, repeat('c', 4000), i FROM generate_series(501, 600) i");
	return;
}

# Other rows each time.
sub change
{
	my ($table, $time) = @_;

	return $etf->sql("UPDATE $table SET n = n + 1000 WHERE id % 3 = $time; DELETE FROM $table WHERE id % 50 = $time");
}

my $attach = 'ALTER TABLE parts ATTACH PARTITION parts_c FOR VALUES FROM (501) TO (601)';

# What comes before is told as one table, what comes behind it as the other one.
sub exchange
{
	change($_, 0) for qw(parts parts_c);
	$etf->sql("ALTER TABLE parts DETACH PARTITION parts_b; $attach");
	change($_, 1) for qw(parts parts_b);
	return;
}

sub start
{
	my ($slot, $publication, %key) = @_;

	$client = EtfBackfill->start($etf, $slot,
		conninfo => '<<"' . $network->conninfo . ' application_name=pg_etf_client">>',
		credit_events => 100,
		options => "#{rows => map, dialect => elixir, publication_names => $publication}");
	$client->say('{credit, false}');
	$client->backfill('b', mode => 'exact', jobs => 1, tables => 'public.parts*', %key);
	return;
}

# While one partition is being read, and takes credit, others have yet to be.
sub held
{
	start(@_);
	$client->expect(qr/^\{backfill,round,/, 'a round');
	return;
}

sub finish
{
	$client->say('{credit, true}');
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'it ends');
	return;
}

# Rows that were read before a partition was detached stay, as they would in a subscription.
sub has_all
{
	my ($table) = @_;
	my @missing = ('nothing yet');

	for (1 .. 50)
	{
		@missing = grep { /in the table/ } $client->differences($table);
		last if !@missing;
		$client->wait_for(qr/^never/, 0.2);
	}
	is_deeply(\@missing, [], "the mirror has all of $table");
	return;
}

subtest 'between two partitions' => sub {
	fill('PRIMARY KEY');
	held('read', 'every');
	exchange();
	finish();
	has_all('public.parts');
	$client->equals('public.parts_b', 'what was detached is a table of its own', 10);
	$client->ends('read');
};

subtest 'between the snapshot and its tables' => sub {
	fill('PRIMARY KEY');
	$network->hold('SET TRANSACTION SNAPSHOT');
	start('planned', 'every');
	ok($network->held, 'there is a snapshot');
	exchange();
	$network->release;
	finish();
	has_all('public.parts');
	$client->equals('public.parts_b', 'what was detached is a table of its own', 10);
	$client->ends('planned');
};

# What is told as a table that is not published is not read; what comes to be, by the next backfill.
subtest 'where only the root is published' => sub {
	fill('PRIMARY KEY');
	$etf->sql('CREATE PUBLICATION root FOR TABLE parts WITH (publish_via_partition_root)');
	held('root', 'root');
	exchange();
	finish();
	ok(grep({ /^\{backfill,table_done,.*dropped.*parts_b/s } $client->seen), 'what was detached is left out');
	$client->backfill('c', mode => 'exact', tables => 'public.parts*');
	$client->expect(qr/^\{backfill,finished,<<"c">>/, 'another one reads what was attached');
	has_all('public.parts');
	$client->ends('root');
};

# All of them begin anew, under the name that they have by then.
subtest 'without a key' => sub {
	fill('');
	held('keyless', 'every');
	$etf->sql("INSERT INTO parts VALUES (300, 'early', 1), (450, 'early', 1); INSERT INTO parts_c VALUES (550, 'early', 1);
		ALTER TABLE parts DETACH PARTITION parts_b; $attach;
		INSERT INTO parts VALUES (300, 'late', 1), (550, 'late', 1); INSERT INTO parts_b VALUES (450, 'late', 1)");
	finish();
	$client->equals("public.$_", "each row of $_, and no other one", 10) for qw(parts parts_b);
	$client->ends('keyless');
};

# By then it has no parents for anybody, whatever the catalogs still have.
SKIP:
{
	skip 'no DETACH CONCURRENTLY', 1 if $etf->version < 14;

	subtest 'a partition that is half detached' => sub {
		fill('PRIMARY KEY');
		my $ddl = 'ALTER TABLE parts DETACH PARTITION parts_b CONCURRENTLY';
		my $other = $node->background_psql('postgres');
		$other->query_safe('BEGIN; SELECT count(*) FROM parts');
		my $detach = IPC::Run::start([ 'psql', '-Xqc', $ddl, $node->connstr('postgres') ], '2>', \my $err);
		ok($node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM pg_inherits WHERE inhdetachpending'), 'it is');
		$etf->sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = '$ddl'");
		$detach->finish;
		$other->query_safe('COMMIT');
		$other->quit;
		held('pending', 'every');
		finish();
		$client->equals("public.$_", "the mirror is the table $_", 10) for qw(parts parts_b);
		$client->ends('pending');
		$etf->sql('ALTER TABLE parts DETACH PARTITION parts_b FINALIZE');
	};
}

# It waits for the first range, and comes before the second one.
subtest 'in the middle of a partition' => sub {
	fill('PRIMARY KEY');
	$etf->sql("DROP TABLE parts_c;
		CREATE TABLE parts_c (id int PRIMARY KEY, v text, n int) WITH (fillfactor = 10);
		ALTER TABLE parts_c ALTER v SET STORAGE PLAIN;
		INSERT INTO parts_c SELECT 1000 + i, repeat('c', 400), i FROM generate_series(1, 9000) i;
		DELETE FROM parts_c WHERE id % 8 <> 0;
		UPDATE parts_c SET v = repeat('c', 3000)");
	held('half', 'every');
	my $ddl = 'ALTER TABLE parts ATTACH PARTITION parts_c FOR VALUES FROM (501) TO (20000)';
	my $writer = IPC::Run::start([ 'psql', '-Xqc', $ddl, $node->connstr('postgres') ]);
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
		WHERE query = '$ddl' AND wait_event_type = 'Lock'"), 'it waits for the first range');
	finish();
	$writer->finish;
	ok(grep({ /^\{backfill,table_again,.*parts_c/s } $client->seen), 'the partition is begun anew');
	has_all('public.parts');
	$client->ends('half');
};

done_testing;
