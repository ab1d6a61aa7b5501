# Mode incremental: what must not be, what goes wrong meanwhile, and how it goes on.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('faults', conf => "max_replication_slots = 30\nmax_wal_senders = 30");
my $node = $etf->node;

sub fill { EtfBackfill::fill_wide($etf, @_); return; }

# A backfill that stands still after its first two chunks.
sub held
{
	my ($slot, $table, %more) = @_;
	my %setting = %{ delete $more{setting} // {} };
	my $client = EtfBackfill->start($etf, $slot, %setting);

	$client->say('{hold, done, true}');
	$client->backfill('b', tables => "public.$table", chunk_bytes => 65536, %more);
	$client->expect(qr/^\{backfill,close,/, 'a chunk is there') or die;
	$client->expect(qr/^\{backfill,close,/, 'and another one') or die;
	return $client;
}

sub finish
{
	my ($client, $table) = @_;

	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,/, 'it ends');
	$client->equals("public.$table", 'the mirror is the table');
	$client->is_clean('and as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
	return;
}

sub refused
{
	my ($options, $key, $pattern, $name) = @_;
	my $client = EtfBackfill->start($etf, 'refused', options => "#{rows => map$options}");

	$client->backfill('b', tables => 'public.keyed', %$key);
	$client->expect(qr/^\{backfill,failed,<<"b">>,.*class => config.*$pattern/s, $name);
	$etf->sql('INSERT INTO keyed VALUES ((SELECT max(id) + 1 FROM keyed))');
	is($client->stop, 0, "$name: the stream goes on");
	return;
}

subtest 'what would not be right is refused' => sub {
	$etf->sql('CREATE TABLE keyed (id int PRIMARY KEY); INSERT INTO keyed VALUES (1);
		CREATE TABLE keyless (id int); CREATE TABLE other (id int PRIMARY KEY)');
	refused(', old_rows => none', {}, 'old_rows', 'no old rows');
	refused(', actions => <<"insert,update">>', {}, 'actions', 'not all actions');
	refused(', updates => changed', {}, 'updates', 'updates in part');
	refused(', visible => off', {}, 'visible', 'what is not visible');
	refused('', { tables => 'public.nowhere' }, 'no such table', 'a table that is not there');
	refused('', { tables => 'public.keyed,public.keyless' }, 'keyless', 'a table without a key');
	refused('', { where => 'id >' }, 'syntax|condition', 'a condition that does not parse');
	refused('', { where => 'nix = 1' }, 'condition for table public.keyed is: nix = 1">>', 'a condition of no column');
	refused('', { where => 'lenth(id::text) = 1' }, 'is: lenth\(id::text\) = 1. No function matches', 'a condition of no function');

	my $client = EtfBackfill->start($etf, 'refused',
		options => '#{rows => map, visible => off}');
	$client->backfill('b', tables => 'public.keyed', unsafe_backfill => 'true');
	$client->expect(qr/^\{backfill,finished,/, 'unless it is wanted so');
	$client->backfill('b', tables => 'public.keyed', unsafe_backfill => 'true');
	$client->expect(qr/^\{backfill,started,<<"b">>,.*tables => 0/s, 'what is done is done');
	$client->say('{send, {backfill_done, nobody, 7}}');
	$client->expect(qr/^\{log,warning,.*no backfill/s, 'an id that nobody knows');
	is($client->stop, 0, 'a clean stop');
};

subtest 'testPauseDuringSnapshot: paused, resumed, stopped' => sub {
	fill('paused', 400);
	my $client = held('paused', 'paused');

	$client->say('{send, {backfill_pause, b}}');
	$client->say('{hold, done, false}');
	$client->silent(qr/^\{backfill,open,/, 2, 'no chunk is begun');
	$client->say('{send, {backfill_resume, b}}');
	$client->expect(qr/^\{backfill,open,.*chunk => 3\b/s, 'it goes on');
	finish($client, 'paused');

	$client = held('paused', 'paused', where => 'n > 0');
	$client->say('{send, {backfill_stop, b}}');
	$client->expect(qr/^\{backfill,stopped,<<"b">>/, 'it is stopped');
	$client->silent(qr/^\{backfill,/, 1, 'and says nothing more');
	is($client->stop, 0, 'a clean stop');
};

# Rows that a client has closed from now on.
sub rows_closed
{
	my ($client) = @_;
	my $rows = 0;

	for ($client->seen)
	{
		$rows += $1 if /^\{backfill,close,.*rows => (\d+)/s;
	}
	return $rows;
}

for my $store (qw(server consumer))
{
	subtest "killed, and continued: store $store" => sub {
		fill("killed_$store", 600);
		my $client = EtfBackfill->start($etf, "killed_$store");

		$client->backfill('b', tables => "public.killed_$store", chunk_bytes => 65536,
			store => $store);
		$client->expect(qr/^\{backfill,close,.*chunk => 4\b/s, 'some chunks are there');
		$client->say('{hold, done, true}');
		my $kept = $store eq 'server'
		  ? $node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM etf_backfill
			WHERE length(state) > 100 AND slot = \'killed_server\'')
		  : $client->expect(qr/^\{backfill,state,<<"b">>,\s*(.*)\}$/s, 'a state comes');
		my $state = $client->{match}[0];
		sleep 1.5;
		kill 'KILL', $client->client_pid;
		$client->exit_status;
		my $second = EtfBackfill->start($etf, "killed_$store");
		$second->backfill('b', tables => "public.killed_$store", chunk_bytes => 65536,
			store => $store, ($store eq 'consumer' ? (state => $state) : ()));
		$second->expect(qr/^\{backfill,finished,.*rows => (\d+)/s, 'the second one ends');
		is($second->{match}[0], 600, 'all rows are done');
		cmp_ok(rows_closed($second), '<', 600, 'but not all are read again');
		is($second->stop, 0, 'a clean stop');
	};
}

subtest 'the table is another one meanwhile' => sub {
	fill('rewritten', 400);
	my $client = held('rewritten', 'rewritten');

	$etf->sql("ALTER TABLE rewritten ALTER n TYPE text USING 'n' || n");
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,table_again,<<"b">>,.*reason => rewritten/s, 'rewritten: again');
	finish($client, 'rewritten');

	fill('emptied', 400);
	$client = held('emptied', 'emptied');
	$etf->sql('TRUNCATE emptied; INSERT INTO emptied VALUES (1, NULL, 1, NULL)');
	finish($client, 'emptied');

	fill('rekeyed', 400);
	$client = held('rekeyed', 'rekeyed');
	$etf->sql('ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey; ALTER TABLE rekeyed ADD k int;
		UPDATE rekeyed SET k = -id; ALTER TABLE rekeyed ADD PRIMARY KEY (k)');
	$client->say('{retry, schema}');
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,table_again,<<"b">>,.*reason => (rewritten|identity)/s, 'another key: again');
	$client->expect(qr/^\{backfill,finished,/, 'it ends');
	is($client->stop, 0, 'a clean stop');

	fill('renamed', 400);
	$client = held('renamed', 'renamed');
	$etf->sql('ALTER TABLE renamed RENAME TO another_name');
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,table_done,<<"b">>,.*reason => dropped/s, 'not wanted any more');
	$client->expect(qr/^\{backfill,finished,/, 'it ends');
	is($client->stop, 0, 'a clean stop');

	fill('dropped', 400);
	$client = held('dropped', 'dropped');
	$etf->sql('DROP TABLE dropped');
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,table_done,<<"b">>,.*reason => dropped/s, 'dropped');
	$client->expect(qr/^\{backfill,finished,/, 'it ends');
	is($client->stop, 0, 'a clean stop');
};

# The stream has yet to tell of it when the next chunks are read, with the columns that there are by then.
# (What rows that came before have in a new one, the mirror does not know before they change.)
for my $case (
	[ 'ADD COLUMN m int DEFAULT 7', 'open,.*chunk => CHUNK\b', 'UPDATE altered SET m = id' ],
	[ 'DROP COLUMN n', 'open,.*chunk => CHUNK\b' ],
	[ 'RENAME COLUMN n TO m', 'open,.*chunk => CHUNK\b' ],
	[ 'RENAME COLUMN id TO renamed', 'table_again,.*reason => identity' ])
{
	my ($change, $again, $change_all) = @$case;

	subtest "in the window: $change" => sub {
		$etf->sql('DROP TABLE IF EXISTS altered');
		fill('altered', 400);
		my $client = held('altered', 'altered',
			setting => { options => '#{rows => map, dialect => elixir, ddl => tables}' });
		my $walsender = $etf->sql(q{SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'altered'});

		kill STOP => $walsender;
		$etf->sql("UPDATE altered SET n = -n; ALTER TABLE altered $change");
		$client->say('{hold, done, false}');
		$client->expect(qr/^\{backfill,there,.*chunk => (\d+)/s, 'a chunk is read after it', 20);
		$again =~ s/CHUNK/$client->{match}[0] \/\/ 'no chunk'/e;
		kill CONT => $walsender;
		$client->expect(qr/^\{backfill,$again/s, 'and again, once the stream has told of it', 20);
		$etf->sql($change_all) if $change_all;
		finish($client, 'altered');
		$etf->wait_until_idle('altered');
		$etf->drop_slot('altered');
	};
}

subtest 'what alters a table waits for the chunk that is read' => sub {
	fill('asked', 4000);
	my $client = held('asked', 'asked');
	my @psql = ('psql', '-Xqd', $node->connstr('postgres'), '-c');

	$client->say('{hold, done, false}');
	is(system(@psql, "SET lock_timeout = '5s'; ALTER TABLE asked ALTER n SET DEFAULT $_"), 0, 'for less than 5 s')
	  for 1 .. 5;
	finish($client, 'asked');
};

subtest 'what a condition names is gone' => sub {
	fill('named', 400);
	$etf->sql('CREATE TABLE helper AS SELECT id FROM named');
	my $client = held('named', 'named', where => 'id IN (SELECT id FROM public.helper)');

	$etf->sql('ALTER TABLE helper RENAME TO nobody');
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,table_failed,<<"b">>,.*helper/s, 'it is told', 20);
	$etf->sql('ALTER TABLE nobody RENAME TO helper');
	finish($client, 'named');
};

subtest 'chunks that come again' => sub {
	fill('again', 400);
	my $client = held('again', 'again');

	$client->say('{retry, busy}');
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,there,.*chunk => 3\b/s, 'a chunk that the consumer gives back');
	$client->expect(qr/^\{backfill,open,.*chunk => 3\b/s, 'comes again');
	finish($client, 'again');

	fill('locked', 400);
	$client = held('locked', 'locked');
	my $session = $node->background_psql('postgres');
	$session->query_safe('BEGIN; LOCK TABLE locked');
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,retry,/, 'it does not wait for a lock for long');
	$session->query_safe('COMMIT');
	$session->quit;
	finish($client, 'locked');

	fill('cut', 400);
	$client = held('cut', 'cut');
	$etf->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE query ~ 'etf_read' AND pid <> pg_backend_pid()});
	finish($client, 'cut');
};

# The value that such an update leaves out is nowhere but in the table.
subtest 'a moved key is kept before what moved it is confirmed' => sub {
	my $confirmed = q{SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'moved'};

	fill('moved', 400);
	my $client = held('moved', 'moved');
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM etf_backfill WHERE slot = 'moved'});
	sleep 1.5;
	my $session = $node->background_psql('postgres');
	$session->query_safe('BEGIN; LOCK TABLE etf_backfill');
	$etf->sql('UPDATE moved SET id = -id WHERE id = 300');
	my $behind = $etf->sql('SELECT pg_current_wal_lsn()');
	sleep 3;
	is($etf->sql("SELECT ($confirmed) < '$behind'"), 't', 'it is not confirmed while the key is not kept');
	$session->query_safe('COMMIT');
	$session->quit;
	ok($node->poll_query_until('postgres', "SELECT ($confirmed) >= '$behind'"), 'but then');
	finish($client, 'moved');
};

sub desk_is_lost
{
	my $waits = q{FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'etf_backfill'};

	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $waits"), 'its state is waited for');
	$etf->sql("SELECT pg_terminate_backend(pid) $waits");
	return;
}

for my $mode (qw(incremental exact))
{
	subtest "one that cannot begin says so once: $mode" => sub {
		fill("delayed_$mode", 10);
		my $client = EtfBackfill->start($etf, "delayed_$mode");
		my $other = $node->background_psql('postgres');

		$other->query('BEGIN; LOCK TABLE etf_backfill');
		$client->backfill('b', tables => "public.delayed_$mode", mode => $mode);
		desk_is_lost();
		$client->expect(qr/^\{log,warning,<<"backfill \\"b\\" has to wait: /, 'it has to wait');
		desk_is_lost();
		$client->silent(qr/^\{log,warning,.*has to wait/, 2, 'which is known');
		$other->query('COMMIT');
		$other->quit;
		finish($client, "delayed_$mode");
	};
}

subtest 'a stop does not wait for ever for what cannot be kept' => sub {
	fill('unkept', 400);
	my $client = held('unkept', 'unkept');
	my $other = $node->background_psql('postgres');

	$other->query('BEGIN; LOCK TABLE etf_backfill');
	$client->say('{hold, done, false}');
	sleep 1.5;
	is($client->stop, 0, 'it ends');
	$other->query('COMMIT');
	$other->quit;
};

done_testing;
