# The table that has what was asked for, and what is done, cannot be read or written for a while: the stream goes on, it
# is told once, and all goes on when the lock is gone.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use Test::More;
use Time::HiRes qw(sleep time);

# Some attempts, each of which gives up after two seconds.
my $held = $ENV{PG_ETF_FULL} ? 90 : 7;
my $etf = EtfTest->new('locked');

sub start
{
	my ($slot) = @_;

	return EtfBackfill->start($etf, $slot, backfills => 'true', status_interval => 200);
}

sub asked
{
	my ($client) = @_;

	$client->backfill('b', tables => 'public.t', chunk_bytes => 20000, once => 'true', request => '<<"words">>');
	return;
}

sub confirmed
{
	my ($slot) = @_;

	return $etf->sql("SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = '$slot'");
}

sub stats
{
	my ($client) = @_;

	$client->say('{send, stats}');
	my $line = $client->wait_for(qr/^\{stats,/) // die 'no stats';
	return { $line =~ /(\w+) => (\d+)/g };
}

# Rows, for as long as the lock is held.
sub write_meanwhile
{
	my ($client) = @_;
	my $until = time + $held;
	my $id = 10000;

	while (time < $until)
	{
		$etf->sql("INSERT INTO t SELECT i, 'new', i, repeat('b', 3000) FROM generate_series($id, $id + 19) i");
		$id += 20;
		sleep 0.2;
	}
	$client->shows('public.t', $id - 1, 'the stream goes on');
	return;
}

sub told
{
	my ($client, $what) = @_;

	return scalar grep { /^\{log,warning,.*$what/s } $client->seen;
}

subtest 'what was asked for cannot be read' => sub {
	EtfBackfill::fill_wide($etf, 't', 300);
	my $client = start('r');

	$client->expect(qr/^\{backfills,#\{kept => \[\]\}\}/, 'nothing is kept');
	$client->say('{hold, done, true}');
	asked($client);
	$client->expect(qr/^\{backfill,close,<<"b">>/, 'a chunk is there');
	my $lock = EtfBackfill::lock_states($etf);
	$client->restart;
	$client->expect(qr/^\{log,warning,<<"it is not known which .*confirmed behind .*\\"etf_backfill\\" is locked, pg_locks/s,
		'it is told, with what to do');
	my $before = confirmed('r');
	$etf->sql('UPDATE t SET id = id + 5000 WHERE id = 250');
	write_meanwhile($client);
	my $stats = stats($client);
	is(confirmed('r'), $before, 'behind what has moved nothing is confirmed');
	cmp_ok($stats->{lag_bytes}, '>', 100_000, 'which can be seen');
	cmp_ok($stats->{retained_bytes}, '>', 100_000, 'and so can what is kept for it');
	cmp_ok($stats->{rss}, '<', 32 << 20, 'in little memory');
	is(told($client, 'it is not known which'), 1, 'once');
	EtfBackfill::unlock($lock);
	$client->expect(qr/^\{backfills,#\{kept => \[<<"b">>\]\}\}/, 'then it is known');
	asked($client);
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'it goes on');
	$client->equals('public.t', 'the mirror is the table');
	ok($etf->node->poll_query_until('postgres',
			"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) < 10000 FROM pg_replication_slots WHERE slot_name = 'r'"),
		'all is confirmed');
	$client->is_clean('as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
};

subtest 'what is done cannot be written' => sub {
	$etf->sql('DROP TABLE t');
	EtfBackfill::fill_wide($etf, 't', 300);
	my $client = start('w');

	$client->expect(qr/^\{backfills,#\{kept => \[\]\}\}/, 'nothing is kept');
	$client->say('{hold, done, 3}');
	asked($client);
	$client->expect(qr/^\{backfill,close,<<"b">>,.*chunk => 2\b/s, 'chunks are there');
	my $lock = EtfBackfill::lock_states($etf);
	$client->say('{hold, done, false}');
	$client->expect(qr/^\{log,warning,<<"what is done of backfill \\"b\\" could not be kept.*etf_backfill/s, 'it is told');
	write_meanwhile($client);
	ok(!grep({ /^\{backfill,finished/ } $client->seen), 'it does not end before that is kept');
	is(told($client, 'could not be kept'), 1, 'told once');
	EtfBackfill::unlock($lock);
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'then it ends');
	is($etf->sql('SELECT count(*) FROM etf_backfill'), 0, 'and nothing is kept of it');
	$client->equals('public.t', 'the mirror is the table');
	$client->is_clean('as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
};

# It begins when it is kept that it does.
subtest 'it cannot begin' => sub {
	$etf->sql('DROP TABLE t');
	EtfBackfill::fill_wide($etf, 't', 100);
	my $client = start('b');

	$client->expect(qr/^\{backfills,#\{kept => \[\]\}\}/, 'nothing is kept');
	my $lock = EtfBackfill::lock_states($etf);
	asked($client);
	$client->expect(qr/^\{log,warning,<<"backfill \\"b\\" has to wait:.*etf_backfill/s, 'it has to wait, which is told');
	write_meanwhile($client);
	is(told($client, 'has to wait'), 1, 'once');
	ok(!grep({ /^\{backfill,(?:started|failed)/ } $client->seen), 'it has not begun');
	EtfBackfill::unlock($lock);
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'then it does');
	$client->equals('public.t', 'the mirror is the table');
	is($client->stop, 0, 'a clean stop');
};

# What stands in its place is read once nobody has the advisory lock; a lock of the table would hold up a round's snapshot.
sub lock_reads
{
	my $session = $etf->node->background_psql('postgres');

	$etf->sql(q{ALTER TABLE etf_backfill RENAME TO etf_kept;
		CREATE FUNCTION kept() RETURNS SETOF etf_kept LANGUAGE plpgsql AS $$BEGIN
			PERFORM pg_advisory_xact_lock_shared(1); RETURN QUERY SELECT * FROM public.etf_kept; END$$;
		CREATE VIEW etf_backfill AS SELECT * FROM public.kept()});
	$session->query_safe('SELECT pg_advisory_lock(1)');
	return $session;
}

# It is found beside a stream, which stands still in a round, and moved rows may wait until it is known.
subtest 'no round begins before it is known what was asked for' => sub {
	$etf->sql('DROP TABLE t');
	EtfBackfill::fill_wide($etf, 't', 100);
	my $lock = lock_reads();
	my $client = start('n');

	$client->backfill('x', mode => 'exact', tables => 'public.t', store => 'consumer');
	$client->expect(qr/^\{backfill,started,<<"x">>/, 'a backfill starts');
	$client->silent(qr/^\{backfill,round,/, 3, 'no round begins');
	$etf->sql("INSERT INTO t VALUES (1000, 'new', 0, 'b')");
	$client->shows('public.t', 1000, 'the stream goes on');
	$lock->quit;
	$client->expect(qr/^\{backfills,#\{kept => \[\]\}\}/, 'then it is known');
	$client->expect(qr/^\{backfill,round,<<"x">>/, 'and one begins');
	$client->expect(qr/^\{backfill,finished,<<"x">>/, 'it ends');
	$client->equals('public.t', 'the mirror is the table');
	is($client->stop, 0, 'a clean stop');
};

done_testing;
