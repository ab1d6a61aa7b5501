# Rows that move to another key before a backfill that goes on knows what it has read.
#
# A lock on the table of states holds the client where it has not loaded its own yet.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use Test::More;
use Time::HiRes qw(sleep);

my $etf = EtfTest->new('moved', conf => "max_replication_slots = 30\nmax_wal_senders = 30");
my $node = $etf->node;

sub fill { EtfBackfill::fill_wide($etf, @_); return; }

sub confirmed { return $etf->sql("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '$_[0]'"); }

# The first chunks are handled and kept, and the client is killed.
sub half_done
{
	my ($slot, $table) = @_;
	my $client;

	fill($table, 400);
	$client = EtfBackfill->start($etf, $slot, backfills => 'true');
	$client->say('{hold, done, 3}');
	ask($client, $table);
	$client->expect(qr/^\{backfill,close,.*chunk => 5\b/s, 'three chunks are handled') or die;
	ok($node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM etf_backfill WHERE slot = '$slot' AND length(state) > 100"), 'and kept');
	sleep 1.5;
	return $client;
}

sub ask
{
	my ($client, $table) = @_;

	$client->backfill('b', tables => "public.$table", chunk_bytes => 65536, once => 'true',
		request => '<<"words">>');
	return;
}

# The table of states cannot be read meanwhile.
sub locked
{
	my ($do) = @_;
	my $lock = EtfBackfill::lock_states($etf);

	$do->();
	EtfBackfill::unlock($lock);
	return;
}

sub finish
{
	my ($client, $table) = @_;

	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,/, 'it ends');
	$client->equals("public.$table", 'the mirror is the table', 10);
	$client->is_clean('and as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
	return;
}

sub move
{
	my ($client, $table) = @_;

	$etf->sql("UPDATE $table SET id = -id WHERE id = 300; INSERT INTO $table VALUES (1000, 'x', 1, 'x')");
	my $behind = $etf->sql('SELECT pg_current_wal_lsn()');
	$etf->sql("INSERT INTO $table VALUES (1001, 'x', 1, 'x')");
	$client->shows("public.$table", 1001, 'the stream is there');
	return $behind;
}

subtest 'asked for again at once' => sub {
	my $client = half_done('again', 'again');
	locked(sub {
		$client->restart;
		ask($client, 'again');
		$client->expect(qr/^\{status,connected/, 'there is a stream');
		my $behind = move($client, 'again');
		sleep 1.5;
		is($etf->sql("SELECT '@{[confirmed('again')]}' < '$behind'::pg_lsn"), 't', 'nothing behind it is confirmed');
		$client->restart;
		ask($client, 'again');
		$client->expect(qr/^\{status,connected/, 'there is another stream');
		$client->shows('public.again', 1001, 'which brings it again');
	});
	finish($client, 'again');
};

subtest 'asked for again once it was found' => sub {
	my $client = half_done('found', 'found');
	locked(sub {
		$client->restart;
		$client->expect(qr/^\{status,connected/, 'there is a stream');
		move($client, 'found');
		sleep 1;
	});
	$client->expect(qr/^\{backfill,kept,<<"b">>/, 'it is found');
	ask($client, 'found');
	finish($client, 'found');
};

# The server says so, and the same connection keeps that it begins anew.
subtest 'asked for again after its condition was wrong' => sub {
	my $client = half_done('wrong', 'wrong');

	$client->restart;
	$client->backfill('b', tables => 'public.wrong', chunk_bytes => 65536, where => 'nosuch = 1');
	$client->expect(qr/^\{backfill,failed,<<"b">>,.*nosuch/s, 'it fails') or return;
	move($client, 'wrong');
	ask($client, 'wrong');
	finish($client, 'wrong');
};

# Nobody noted what moved meanwhile.
subtest 'asked for again after it had failed' => sub {
	my $client = half_done('failed', 'fails');

	$etf->sql('ALTER TABLE fails DROP CONSTRAINT fails_pkey');
	$client->restart;
	ask($client, 'fails');
	$client->expect(qr/^\{backfill,failed,<<"b">>,.*without a key/s, 'it fails');
	$etf->sql('ALTER TABLE fails ADD PRIMARY KEY (id)');
	move($client, 'fails');
	ask($client, 'fails');
	finish($client, 'fails');
};

# The stream has come back with an option that makes it impossible.
subtest 'asked for again after it was refused' => sub {
	my $client = half_done('refused', 'refused');
	my $start = $client->{start};

	$client->{start} =~ s/dialect => elixir/dialect => elixir, visible => off/ or die;
	$client->restart;
	ask($client, 'refused');
	$client->expect(qr/^\{backfill,failed,<<"b">>,.*needs option visible/s, 'it is refused');
	my $behind = move($client, 'refused');
	ok($node->poll_query_until('postgres', "SELECT '$behind' <= confirmed_flush_lsn FROM pg_replication_slots
		WHERE slot_name = 'refused'"), 'all is confirmed');
	$client->{start} = $start;
	$client->restart;
	ask($client, 'refused');
	finish($client, 'refused');
};

subtest 'more keys than are kept' => sub {
	my $client = half_done('many', 'many');
	locked(sub {
		$client->restart;
		ask($client, 'many');
		$client->expect(qr/^\{status,connected/, 'there is a stream');
		my $rel = $etf->sql(q{SELECT 'many'::regclass::oid});
		my $keys = join ', ', map { '#{<<"id">> => <<"' . '0' x 4000 . $_ . '">>}' } 1 .. 150;
		$client->say("{send, {backfill_keys, b, $rel, [$keys]}}") for 1 .. 8;
		move($client, 'many');
	});
	finish($client, 'many');
};

done_testing;
