# Mode incremental: a mirror that is made of chunks and of the stream equals the table, whatever
# is written meanwhile.
#
# PG_ETF_SEED to have the same changes again.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{PG_ETF_SEED} // int rand 2**31;
diag "PG_ETF_SEED=$seed";
srand $seed;

my $etf = EtfTest->new('backfill');
my $node = $etf->node;

$etf->sql(q{CREATE TABLE plain (id int PRIMARY KEY, v text);
	INSERT INTO plain SELECT i, 'v' || i FROM generate_series(1, 20000) i;
	CREATE TABLE empty (id int PRIMARY KEY)});

subtest 'tables that nobody writes' => sub {
	my $client = EtfBackfill->start($etf, 's1');

	$client->backfill('b', tables => 'public.plain,public.empty', chunk_bytes => 65536);
	$client->expect(qr/^\{backfill,started,<<"b">>,.*mode => incremental.*tables => 2/s, 'it starts');
	$client->expect(qr/^\{backfill,finished,<<"b">>,.*rows => 20000/s, 'it ends');
	$client->equals('public.plain', 'the mirror is the table');
	$client->equals('public.empty', 'so is that of an empty one');
	my @order = grep { /^\{backfill,(open|there|close)/ } $client->seen;
	cmp_ok(scalar @order, '>', 3 * 5, 'in many chunks');
	is(scalar(grep { /^\{log,warning/ } $client->seen), 0, 'without a warning');
	$client->is_clean('and as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
};

# Random changes, of which some move a row to another key.
sub changes
{
	my ($table, $count, $writer) = @_;
	my $new = 1_000_000 * $writer;

	return join "\n", map {
		my $id = 1 + int rand 1500;
		my $n = int rand 1_000_000;
		my @kinds = (
			"UPDATE $table SET n = $n WHERE id = $id",
			"UPDATE $table SET n = $n WHERE id BETWEEN $id AND $id + 5",
			"UPDATE $table SET v = 'w$n' WHERE id = $id",
			"UPDATE $table SET big = big_text($n) WHERE id = $id",
			"DELETE FROM $table WHERE id = $id",
			"INSERT INTO $table VALUES (@{[ ++$new ]}, 'new', $n, big_text($n))",
			"UPDATE $table SET id = @{[ ++$new ]}, n = $n WHERE id = $id",
			"UPDATE $table SET id = @{[ -(++$new) ]} WHERE id = $id",
			"BEGIN; UPDATE $table SET n = -1 WHERE id = $id; SAVEPOINT s; "
			  . "UPDATE $table SET n = -2 WHERE id = $id + 1; ROLLBACK TO s; COMMIT",
			"BEGIN; DELETE FROM $table WHERE id = $id; ROLLBACK");

		$kinds[ rand @kinds ] . '; SELECT pg_sleep(0.001);';
	} 1 .. $count;
}

# Writers in sessions of their own.
sub write_beside
{
	my ($table, $count) = @_;

	return map {
		my $file = $etf->write_text($etf->new_file, changes($table, $count, $_));

		IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', $file ],
			'>', '/dev/null');
	} 1 .. 2;
}

$etf->sql(q{CREATE FUNCTION big_text(int) RETURNS text LANGUAGE sql VOLATILE AS
	$$SELECT string_agg(md5($1::text || i), '') FROM generate_series(1, 100) i$$});

sub fill
{
	my ($table, $more) = @_;

	$etf->sql("CREATE TABLE $table (id int PRIMARY KEY, v text, n int, big text);
		ALTER TABLE $table ALTER big SET STORAGE EXTERNAL; $more;
		INSERT INTO $table SELECT i, 'v' || i, i, big_text(i) FROM generate_series(1, 1500) i");
	return;
}

for my $case (
	[ 'toasted', '', 'by keys, with values that updates do not carry' ],
	[ 'whole', 'ALTER TABLE whole REPLICA IDENTITY FULL', 'by blocks, with whole events' ])
{
	my ($table, $more, $name) = @$case;

	subtest "beside writers, $name" => sub {
		fill($table, $more);
		my $client = EtfBackfill->start($etf, $table);

		$client->expect(qr/^\{caught_up,/, 'the stream has caught up');
		my @writers = write_beside($table, 600);
		$client->backfill('w', tables => "public.$table", chunk_bytes => 65536);
		$client->expect(qr/^\{backfill,finished,<<"w">>,/, 'it ends');
		$_->finish for @writers;
		$client->equals("public.$table", 'the mirror is the table');
		$client->is_clean('and as docs/port.md says');
		is($client->stop, 0, 'a clean stop');
	};
}

done_testing;
