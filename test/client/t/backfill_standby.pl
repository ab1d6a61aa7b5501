# Backfills beside standbys: what is streamed before it is visible, readers elsewhere, and
# what a failover has lost.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfStandby;
use EtfTest;
use IPC::Run;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('primary');
my $node = $etf->node;
my $standby = EtfStandby->new($node, 'other', conf => "cluster_name = 'other'");

sub synchronous
{
	my ($names) = @_;

	$etf->sql("ALTER SYSTEM SET synchronous_standby_names = '$names'");
	$node->reload;
	$node->poll_query_until('postgres',
		"SELECT current_setting('synchronous_standby_names') = '$names'");
	return;
}

# A commit that is in the log, and not visible, since its standby does not answer.
sub hidden_update
{
	my ($table) = @_;
	my $writer = IPC::Run::start([
		'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c',
		"UPDATE $table SET v = 'new' WHERE id = 3" ], '>', '/dev/null', '2>', '/dev/null');

	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
		WHERE wait_event = 'SyncRep'}) or die 'the writer does not wait';
	return $writer;
}

sub mirrors
{
	my ($client, $table, $count) = @_;
	my $until = time + 60;

	while (time < $until)
	{
		my @lines = $client->mirror_lines("public.$table");

		return 1 if @lines == $count;
		sleep 0.1;
	}
	return 0;
}

# The differences between mirror and table in the end.
sub read_beside_hidden
{
	my ($table, $visible, $known) = @_;
	my $client;
	my ($receiver, $writer);

	$etf->sql("CREATE TABLE $table (id int PRIMARY KEY, v text);
		INSERT INTO $table SELECT i, 'old' FROM generate_series(1, 5) i");
	$client = EtfBackfill->start($etf, $table, options => "#{rows => map, visible => $visible}");
	$client->expect(qr/^\{caught_up,/, "$table: caught up");
	$node->wait_for_catchup('other', 'write') if $node->can('wait_for_catchup');
	$receiver = $standby->safe_psql('postgres', 'SELECT pid FROM pg_stat_wal_receiver')
	  or die 'the standby receives nothing';
	synchronous('other');
	kill 'STOP', $receiver;
	$writer = hidden_update($table);
	ok(mirrors($client, $table, 1), "$table: the change is streamed") if $known;
	$client->backfill('b', tables => "public.$table", unsafe_backfill => 'true');
	$client->expect(qr/^\{backfill,there,/, "$table: a chunk is read");
	$client->expect(qr/^\{backfill,close,/, "$table: and closed") if $known;
	$client->silent(qr/^\{backfill,close,/, 1, "$table: the stream has not come so far") if !$known;
	kill 'CONT', $receiver;
	$writer->finish;
	synchronous('');
	$client->expect(qr/^\{backfill,finished,/, "$table: it ends");
	$etf->sql("INSERT INTO $table VALUES (6, 'last')");
	ok(mirrors($client, $table, 6), "$table: all has come");
	my @differences = $client->differences("public.$table");

	is($client->stop, 0, "$table: a clean stop");
	return scalar @differences;
}

subtest 'a commit that is streamed before it is visible' => sub {
	is(read_beside_hidden('seen', 'on', 0), 0, 'with visible the mirror is the table');
	cmp_ok(read_beside_hidden('unseen', 'off', 1), '>', 0,
		'without, an older row is read after the newer one');
};

SKIP:
{
	skip 'a standby has no horizon before PostgreSQL 15', 1 if $etf->version < 15;

	subtest 'readers on a standby' => sub {
		$etf->sql(q{CREATE TABLE there (id int PRIMARY KEY, v text, n int);
			INSERT INTO there SELECT i, repeat('x', 100), 0 FROM generate_series(1, 5000) i});
		my $client = EtfBackfill->start($etf, 'there');
		my $file = $etf->write_text($etf->new_file, join "\n", map {
			"UPDATE there SET n = n + 1, id = id + 10000 WHERE id = $_; DELETE FROM there WHERE id = $_ + 7;"
			  . 'SELECT pg_sleep(0.001);' } map { 1 + int rand 5000 } 1 .. 500);
		my $writer = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', $file ],
			'>', '/dev/null');
		my ($host, $port) = ($standby->host, $standby->port);

		$client->backfill('b', tables => 'public.there', chunk_bytes => 32768,
			connection => "#{host => <<\"$host\">>, port => $port}");
		$client->expect(qr/^\{backfill,open,/, 'it begins');
		ok($standby->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
			WHERE application_name = 'pg_etf_client'}), 'and reads there');
		$client->expect(qr/^\{backfill,finished,/, 'it ends');
		$writer->finish;
		$client->equals('public.there', 'the mirror is the table');
		$client->is_clean('and as docs/port.md says');
		is($client->stop, 0, 'a clean stop');
	};
}

# A slot of the standby is made for a moment: its snapshot has what the primary's stream had
# delivered by its position, and nothing else.
SKIP:
{
	skip 'a standby has no slots to make snapshots with before PostgreSQL 16', 1 if $etf->version < 16;

	subtest 'a snapshot of a standby' => sub {
		$etf->sql(q{CREATE TABLE exact (id int PRIMARY KEY, v text, n int);
			CREATE TABLE keyless (n int); ALTER TABLE keyless REPLICA IDENTITY FULL;
			INSERT INTO exact SELECT i, repeat('x', 100), 0 FROM generate_series(1, 2000) i;
			INSERT INTO keyless SELECT generate_series(1, 100)});
		my $client = EtfBackfill->start($etf, 'exact');
		my $file = $etf->write_text($etf->new_file, join "\n", map {
			"UPDATE exact SET n = n + 1, id = id + 10000 WHERE id = $_; DELETE FROM exact WHERE id = $_ + 7;"
			  . "INSERT INTO keyless VALUES (100 + $_); DELETE FROM keyless WHERE n = $_ / 20;"
			  . ($_ % 50 == 0 ? 'SELECT pg_log_standby_snapshot();' : '')
			  . 'SELECT pg_sleep(0.002);' } map { 1 + int rand 2000 } 1 .. 1000);
		my $writer = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', $file ],
			'>', '/dev/null');
		my ($host, $port) = ($standby->host, $standby->port);

		$client->expect(qr/^\{caught_up,/, 'the stream has caught up');
		$client->backfill('e', mode => 'exact', tables => 'public.exact,public.keyless',
			connection => "#{host => <<\"$host\">>, port => $port}");
		$client->expect(qr/^\{backfill,started,<<"e">>,/, 'it is planned');
		$etf->sql('SELECT pg_log_standby_snapshot()');
		$client->expect(qr/^\{backfill,round,<<"e">>,/, 'the standby has a snapshot');
		$client->expect(qr/^\{backfill,finished,<<"e">>,/, 'it ends');
		$writer->finish;
		$client->equals('public.exact', 'the mirror is the table');
		is(join(' ', $client->mirror_lines('public.keyless')), join(' ', $client->table_lines('public.keyless')),
			'so is that of one without a key');
		is($standby->safe_psql('postgres', 'SELECT count(*) FROM pg_replication_slots'), '0', 'no slot is left there');
		$client->is_clean('and as docs/port.md says');
		is($client->stop, 0, 'a clean stop');
	};
}

# What was to be stored last.
sub state_of
{
	my ($client, $id) = @_;

	return (map { /^\{backfill,state,<<"$id">>,\s*(.*)\}$/s ? $1 : () } reverse $client->seen)[0];
}

subtest 'what a failover has lost is read again' => sub {
	$etf->sql(q{CREATE TABLE lost (id int PRIMARY KEY); INSERT INTO lost VALUES (1);
		CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1)});
	my $client = EtfBackfill->start($etf, 'f');

	$client->backfill('kept', tables => 'public.kept', store => 'consumer');
	$client->expect(qr/^\{backfill,finished,/, 'one table is read');
	$client->backfill('exact_kept', mode => 'exact', tables => 'public.kept', store => 'consumer');
	$client->expect(qr/^\{backfill,finished,<<"exact_kept">>/, 'also in mode exact');
	my ($kept, $exact_kept) = map { state_of($client, $_) } qw(kept exact_kept);
	$etf->sql('SELECT pg_switch_wal()');
	my $until = $etf->sql('SELECT pg_current_wal_lsn()');
	$standby->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$until'");
	$standby->stop;
	$etf->sql('INSERT INTO lost VALUES (2)');
	$client->backfill('lost', tables => 'public.lost', store => 'consumer');
	$client->expect(qr/^\{backfill,finished,<<"lost">>/, 'the other one, after the standby has left');
	$client->backfill('exact_lost', mode => 'exact', tables => 'public.*', store => 'consumer', state => $exact_kept);
	$client->expect(qr/^\{backfill,finished,<<"exact_lost">>/, 'also in mode exact, with all others');
	my ($lost, $exact_lost) = map { state_of($client, $_) } qw(lost exact_lost);
	is($client->stop, 0, 'a clean stop');

	$node->stop('immediate');
	$standby->start;
	$standby->promote;
	local $etf->{node} = $standby;
	# As whatever takes slots along would; with one that the client makes, all is read again.
	$etf->sql("SELECT pg_create_logical_replication_slot('f', 'pg_etf_decoding')");
	my $second = EtfBackfill->start($etf, 'f2');
	$second->say("{send, {backfill, <<\"kept\">>, #{mode => incremental, tables => <<\"public.kept\">>, store => consumer, state => $kept}}}");
	$second->expect(qr/^\{backfill,failed,<<"kept">>/, 'a state of another slot is refused');
	is($second->stop, 0, 'a clean stop');
	$second = EtfBackfill->start($etf, 'f');
	$second->backfill('kept', tables => 'public.kept', store => 'consumer', state => $kept);
	$second->expect(qr/^\{backfill,started,<<"kept">>,.*tables => 0/s, 'what the standby had is done');
	$second->backfill('lost', tables => 'public.lost', store => 'consumer', state => $lost);
	$second->expect(qr/^\{backfill,started,<<"lost">>,.*tables => 1/s, 'what it had not is not');
	$second->expect(qr/^\{backfill,finished,<<"lost">>/, 'it is read again');

	# The state has more tables than are asked for here.
	$second->backfill('exact_kept', mode => 'exact', tables => 'public.kept', store => 'consumer', state => $exact_lost);
	$second->expect(qr/^\{backfill,table_again,<<"exact_kept">>,.*reason => failover.*public\.lost/s, 'exact: what it had not begins anew');
	$second->expect(qr/^\{backfill,finished,<<"exact_kept">>/, 'and what it had is done');
	ok(!grep({ /table_again,<<"exact_kept">>.*public\.kept/s } $second->seen), 'which was not begun anew');
	$second->backfill('exact_lost', mode => 'exact', tables => 'public.lost', store => 'consumer', state => $exact_lost);
	$second->expect(qr/^\{backfill,round,<<"exact_lost">>,.*tables => 1/s, 'a round');
	$second->expect(qr/^\{backfill,close,<<"exact_lost">>,.*rows => 1\b/s, 'has it as it is now');
	$second->expect(qr/^\{backfill,finished,<<"exact_lost">>/, 'and is the end');
	$second->equals('public.lost', 'the table is the mirror');
	is($second->stop, 0, 'a clean stop');
};

done_testing;
