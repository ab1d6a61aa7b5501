# The consumer hears when the keys of rows that have moved are kept: {keys_kept, #{commands => N}}.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use Test::More;
use Time::HiRes qw(sleep);

my $etf = EtfTest->new('keys_kept', conf => "max_replication_slots = 30\nmax_wal_senders = 30");

sub fill { EtfBackfill::fill_wide($etf, @_); return; }

# Some chunks of a table are read, and the backfill waits.
sub begin
{
	my ($slot, $table, %setting) = @_;
	my $client;

	fill($table, 400);
	$client = EtfBackfill->start($etf, $slot, %setting);
	$client->say('{hold, done, 3}');
	$client->backfill('b', tables => "public.$table", chunk_bytes => 65536);
	$client->expect(qr/^\{backfill,close,.*chunk => 4\b/s, "$table: half of it is read") or die;
	return $client;
}

sub keys_of
{
	my ($client, $id, $table, @ids) = @_;
	my $rel = $etf->sql("SELECT '$table'::regclass::oid");

	$client->say(qq[{send, {backfill_keys, $id, $rel, [#{<<"id">> => <<"$_">>}]}}]) for @ids;
	return;
}

subtest 'once they are' => sub {
	my $client = begin('kept', 'kept');
	keys_of($client, 'nobody', 'kept', 1);
	$client->expect(qr/^\{keys_kept,#\{commands => 1\}\}/, 'at once what nobody wants');
	keys_of($client, 'b', 'kept', 300);
	$client->expect(qr/^\{keys_kept,#\{commands => 2\}\}/, 'soon what is kept');
	sleep 1.5;
	my $lock = EtfBackfill::lock_states($etf);
	keys_of($client, 'b', 'kept', 301, 302);
	$client->silent(qr/^\{keys_kept,/, 3, 'nothing while the table is locked');
	keys_of($client, 'b', 'kept', 303);
	EtfBackfill::unlock($lock);
	$client->expect(qr/^\{keys_kept,#\{commands => 5\}\}/, 'and all behind that') or return;
	my $hex = $etf->sql("SELECT state FROM etf_backfill WHERE slot = 'kept'");
	ok(index($hex, unpack 'H*', "$_") >= 0, "key $_ is in the state") for 300 .. 303;
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,/, 'it ends');
	$client->equals('public.kept', 'the mirror is the table', 10);
	is($client->stop, 0, 'a clean stop');
};

subtest 'a consumer that keeps states has them before' => sub {
	fill('own', 400);
	my $client = EtfBackfill->start($etf, 'own');
	$client->say('{hold, done, 3}');
	$client->backfill('b', tables => 'public.own', chunk_bytes => 65536, store => 'consumer');
	$client->expect(qr/^\{backfill,close,.*chunk => 4\b/s, 'half of it is read') or return;
	sleep 1.5;
	keys_of($client, 'b', 'own', 300);
	$client->expect(qr/^\{keys_kept,/, 'they are kept');
	my @seen = grep { /^\{(?:keys_kept|backfill,state),/ } $client->seen;
	like($seen[-2], qr/^\{backfill,state,.*51,48,48/s, 'in the state right before');
	is($client->stop, 0, 'a clean stop');
};

# A consumer that waits for it takes nothing, so no connection is given up for that.
subtest 'a stall is not held against it meanwhile' => sub {
	my $client = begin('stall', 'stall', max_stall => 300);
	my $lock = EtfBackfill::lock_states($etf);

	keys_of($client, 'b', 'stall', 300);
	$client->say('{credit, false}');
	$etf->sql("INSERT INTO stall SELECT i, 'x', 1, 'x' FROM generate_series(1000, 22000) i");
	$client->silent(qr/^\{status,disconnected/, 3, 'the stream stands still, connected');
	EtfBackfill::unlock($lock);
	$client->expect(qr/^\{keys_kept,/, 'they are kept');
	$client->expect(qr/^\{status,disconnected,.*stalled/s, 'and then it is given up');
	$client->say('{credit, true}');
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,/, 'it ends');
	$client->equals('public.stall', 'the mirror is the table', 10);
	is($client->stop, 0, 'a clean stop');
};

# Its rows come behind the change that waits, so the round would never end.
subtest 'they are kept beside a round of another backfill' => sub {
	fill('other', 2000);
	my $client = begin('round', 'round', credit_events => 1000);
	$client->say('{credit, false}');
	$client->backfill('x', mode => 'exact', tables => 'public.other', store => 'consumer');
	$client->expect(qr/^\{backfill,round,<<"x">>/, 'a round begins');
	my $lock = EtfBackfill::lock_states($etf);
	keys_of($client, 'b', 'round', 300);
	$client->silent(qr/^\{keys_kept,/, 4, 'nothing while the table is locked');
	EtfBackfill::unlock($lock);
	$client->expect(qr/^\{keys_kept,/, 'then they are kept', 20) or return;
	$client->say('{hold, done, false}');
	$client->say('{credit, true}');
	$client->expect(qr/^\{backfill,finished,<<"$_">>/, "$_ ends") for 'x', 'b';
	is($client->stop, 0, 'a clean stop');
};

# It would go on in mode incremental, and is paused before: nobody has a place for the key.
subtest 'a snapshot that is paused begins such tables anew' => sub {
	fill('paused', 2000);
	my $client = EtfBackfill->start($etf, 'paused', credit_events => 200);

	$client->say('{credit, false}');
	$client->backfill('b', mode => 'exact', tables => 'public.paused', jobs => 1, max_hold => 1000);
	$client->expect(qr/^\{backfill,table_again,/, 'a round is too short');
	$client->say('{send, {credit, 400, 10000000}}');
	$client->say('{hold, done, 3}');
	$client->expect(qr/^\{backfill,started,<<"b">>,.*mode => incremental/s, 'so it goes on');
	$client->say('{credit, true}');
	$client->expect(qr/^\{backfill,close,/, "chunk $_") for 1 .. 5;
	sleep 1.5;
	my $lock = EtfBackfill::lock_states($etf);
	$client->restart;
	$client->backfill('b', mode => 'exact', tables => 'public.paused');
	$client->say('{send, {backfill_pause, b}}');
	$client->expect(qr/^\{status,connected/, 'there is a stream');
	$etf->sql("UPDATE paused SET id = -id WHERE id = 1900; INSERT INTO paused VALUES (10000, 'x', 1, 'x')");
	$client->shows('public.paused', 10000, 'which goes on');
	$client->silent(qr/^\{keys_kept,/, 1, 'nothing is kept');
	EtfBackfill::unlock($lock);
	$client->expect(qr/^\{backfill,table_again,.*moved/s, 'its table begins anew');
	$client->expect(qr/^\{keys_kept,/, 'and nobody waits');
	$client->say('{hold, done, false}');
	$client->say('{send, {backfill_resume, b}}');
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'it ends');
	$client->equals('public.paused', 'each row is there', 10);
	is($client->stop, 0, 'a clean stop');
};

done_testing;
