# A backfill that was asked for once goes on behind whoever reads the slot next.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use Test::More;

my $etf = EtfTest->new('kept', conf => "max_replication_slots = 30\nmax_wal_senders = 30");

$etf->sql(q{CREATE TABLE t (id int PRIMARY KEY, v text);
	INSERT INTO t SELECT i, repeat('v', 100) FROM generate_series(1, 3000) i});

# "words": what the consumer wants to find again.
sub asked
{
	my ($client, %key) = @_;

	$client->backfill('b', tables => 'public.t', chunk_bytes => 20000, once => 'true',
		request => '<<"words">>', %key);
	return;
}

sub kept { return $etf->sql(q{SELECT id || ' ' || encode(request, 'escape') FROM etf_backfill}); }

sub start
{
	my ($slot, @setting) = @_;

	return EtfBackfill->start($etf, $slot, backfills => 'true', @setting);
}

# Of each the client is killed while chunks are not handled.
for my $mode (qw(incremental exact))
{
	subtest "mode $mode" => sub {
		my $slot = "s_$mode";
		my $client = start($slot);

		$client->expect(qr/^\{backfills,#\{kept => \[\]\}\}/, 'nothing was asked for');
		$client->say('{hold, done, true}');
		asked($client, mode => $mode);
		$client->expect(qr/^\{backfill,started,<<"b">>/, 'it starts');
		is(kept(), 'b words', 'and is kept by then');
		$client->expect(qr/^\{backfill,close,<<"b">>/, 'a chunk is there');
		kill 'KILL', $client->{pid};
		$client->expect(qr/^\{exit,/, 'the client is killed');
		$etf->wait_until_idle($slot);

		my $next = start($slot);
		$next->expect(qr/^\{backfill,kept,<<"b">>,<<"words">>\}/, 'the next one is told what was asked for');
		$next->expect(qr/^\{backfills,#\{kept => \[<<"b">>\]\}\}/, 'and that there is no more');
		asked($next, mode => $mode);
		$next->expect(qr/^\{backfill,finished,<<"b">>,.*rows => 3000/s, 'it goes on');
		is(kept(), '', 'and nothing is kept of it');
		$next->equals('public.t', 'the mirror is the table');
		is($next->stop, 0, 'a clean stop');
	};
}

# Of what it has read before, changes are missing.
for my $mode (qw(incremental exact))
{
	subtest "mode $mode, behind a slot that is another one" => sub {
		my $slot = "s_anew_$mode";
		my $client = start($slot);
		my %key = (mode => $mode, tables => 'public.t,public.u', jobs => 1);

		$etf->sql('DROP TABLE IF EXISTS u; CREATE TABLE u AS SELECT * FROM t; ALTER TABLE u ADD PRIMARY KEY (id)');
		$client->expect(qr/^\{backfills,#\{kept => \[\]\}\}/, 'nothing was asked for');
		$client->say('{hold, done, 1}');
		asked($client, %key);
		ok($etf->node->poll_query_until('postgres',
				q{SELECT count(*) = 1 FROM etf_backfill WHERE position('started' IN encode(state, 'escape')) > 0
					OR position('done' IN encode(state, 'escape')) > 0}),
			'some of it is read, which is kept');
		kill 'KILL', $client->{pid};
		$client->expect(qr/^\{exit,/, 'the client is killed');
		$etf->wait_until_idle($slot);
		$etf->drop_slot($slot);
		$etf->sql('UPDATE t SET v = v || $$.$$; UPDATE u SET v = v || $$.$$');

		my $next = start($slot);
		$next->expect(qr/^\{backfills,#\{kept => \[<<"b">>\]\}\}/, 'the next one is told what was asked for');
		asked($next, %key);
		$next->expect(qr/^\{log,warning,<<"slot \\"$slot\\" was made anew, so all tables/, 'it begins anew, which is told');
		$next->expect(qr/^\{backfill,finished,<<"b">>,.*rows => 6000/s, 'and ends with all rows');
		$next->equals("public.$_", "the mirror is the table $_", 10) for qw(t u);
		is($next->stop, 0, 'a clean stop');
	};
}

# One that was refused would go on later where it was, and not know what has moved meanwhile.
subtest 'more than may be asked for at a time' => sub {
	EtfBackfill::fill_wide($etf, 'wide', 400);
	my $client = start('five');
	my @others = map { "b$_" } 1 .. 4;
	my $again = sub {
		$client->backfill($_, tables => $_ eq 'z' ? 'public.wide' : 'public.t', once => 'true',
			chunk_bytes => 65536, request => '<<"words">>') for @_;
	};

	$client->say('{hold, done, 3}');
	$again->('z');
	$client->expect(qr/^\{backfill,close,<<"z">>,.*chunk => 4\b/s, 'half of it is read') or return;
	sleep 2;
	$etf->sql("INSERT INTO etf_backfill (slot, id, state, request) VALUES ('five', '$_', '', 'words')") for @others;
	$client->restart;
	$client->expect(qr/^\{backfills,#\{kept => \[<<"b1">>,.*<<"z">>\]\}\}/, 'there are five');
	$again->(@others, 'z');
	$client->expect(qr/^\{backfill,(?:started|failed),<<"z">>/, 'the last one is there');
	$etf->sql("UPDATE wide SET id = -id WHERE id = 350; INSERT INTO wide VALUES (1000, 'x', 1, 'x')");
	$client->shows('public.wide', 1000, 'a row moves to where it was read');
	$client->restart;
	$client->expect(qr/^\{backfills,/, 'again they are there');
	$again->('z', @others);
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,<<"z">>/, 'it ends');
	$client->equals('public.wide', 'no row is lost', 10);
	ok(!grep({ /^\{backfill,failed/ } $client->seen), 'and none was refused') or return;
	$client->expect(qr/^\{backfill,finished,<<"$_">>/, "$_ ends") for @others;
	is($client->stop, 0, 'a clean stop');
};

subtest 'no connection is permitted for a while' => sub {
	EtfBackfill::fill_wide($etf, 'apart', 400);
	my $client = start('barred');
	my $session = $etf->node->background_psql('postgres');
	my $again = sub {
		$client->backfill('z', tables => 'public.apart', once => 'true', chunk_bytes => 65536, request => '<<"words">>');
	};

	$client->say('{hold, done, 3}');
	$again->();
	$client->expect(qr/^\{backfill,close,<<"z">>,.*chunk => 4\b/s, 'half of it is read') or return;
	sleep 2;
	$client->restart;
	$client->expect(qr/^\{backfills,#\{kept => \[<<"z">>\]\}\}/, 'it is there');
	my $rules = $etf->permit('local all all reject');
	$again->();
	$client->expect(qr/^\{log,warning,<<"backfill \\"z\\" has to wait: .*pg_hba/s, 'it waits', 20);
	$session->query_safe('UPDATE apart SET id = -id WHERE id = 350');
	$etf->permit($rules);
	$session->query_safe("INSERT INTO apart VALUES (1000, 'x', 1, 'x')");
	$session->quit;
	$client->shows('public.apart', 1000, 'a row moves to where it was read');
	$client->restart;
	$client->expect(qr/^\{backfills,/, 'it is there again');
	$again->();
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,<<"z">>/, 'it ends');
	$client->equals('public.apart', 'no row is lost', 10);
	is($client->stop, 0, 'a clean stop');
};

subtest 'stopped before it has begun again' => sub {
	my $client = start('s_stop');

	$client->say('{hold, done, true}');
	asked($client);
	$client->expect(qr/^\{backfill,close,<<"b">>/, 'a chunk is there');
	is($client->stop, 0, 'a clean stop');
	is(kept(), 'b words', 'it has not ended');
	my $next = start('s_stop');
	asked($next);
	$next->say('{send, {backfill_stop, <<"b">>}}');
	$next->expect(qr/^\{backfill,stopped,<<"b">>/, 'it is stopped');
	is(kept(), '', 'and nothing is kept of it');
	is($next->stop, 0, 'a clean stop');
};

subtest 'what is not kept is not told' => sub {
	my $client = start('s_none');

	$client->expect(qr/^\{backfills,#\{kept => \[\]\}\}/, 'nothing is kept');
	$client->backfill('b', tables => 'public.nowhere', once => 'true', request => '<<"words">>');
	$client->expect(qr/^\{backfill,failed,<<"b">>/, 'what cannot be is refused');
	is(kept(), '', 'and not kept');
	$client->backfill('b', tables => 'public.t', store => 'consumer', request => '<<"words">>');
	$client->expect(qr/^\{backfill,failed,<<"b">>,.*store is not server/s, 'nobody else keeps a request');
	is($client->stop, 0, 'a clean stop');

	my $session = $etf->node->background_psql('postgres');
	$client = start('s_none');
	$session->query_safe('BEGIN; LOCK TABLE etf_backfill IN SHARE MODE');
	asked($client);
	$client->silent(qr/^\{backfill,started/, 1, 'nothing has started that is not kept');
	$session->query_safe('COMMIT');
	$session->quit;
	$client->expect(qr/^\{backfill,finished/, 'but then it does');
	is($client->stop, 0, 'a clean stop');

	$etf->sql('DROP EXTENSION pg_etf_decoding');
	$client = start('s_none');
	$client->expect(qr/^\{log,debug,<<"it is not known which backfills/, 'without the extension it is not known');
	is($client->stop, 0, 'a clean stop');
};

done_testing;
