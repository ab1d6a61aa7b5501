# Mode incremental beside a stream: what is read between two changes is little, even if no other
# change comes for a moment.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(time);

my $etf = EtfTest->new('busy');

# A chunk ends with the row that fills it, and a block holds two of the long rows.
my $small = 16384 + 8192;
my $chunks = 20;
my $rest = 0.003;

$etf->sql(q{CREATE TABLE changes (id serial PRIMARY KEY);
	CREATE TABLE by_keys (id int PRIMARY KEY, v text);
	ALTER TABLE by_keys ALTER v SET STORAGE EXTERNAL;
	INSERT INTO by_keys SELECT i, repeat('x', 3000) FROM generate_series(1, 4000) i;
	CREATE TABLE by_blocks (id int PRIMARY KEY, v text);
	INSERT INTO by_blocks SELECT i, repeat('x', 1000) FROM generate_series(1, 12000) i});

# The bytes of the next chunks that are closed.
sub sizes
{
	my ($client, $count) = @_;

	return map {
		$client->wait_for(qr/^\{backfill,close,.*bytes => (\d+)/s) or die 'no chunk';
		$client->{match}[0];
	} 1 .. $count;
}

# It stands still after its chunks, until a change lets it go on for some; these, and how long
# they took.
sub after_change
{
	my ($client) = @_;

	$client->say('{hold, done, true}');
	1 while $client->wait_for(qr/^\{backfill,close,/, 1);
	$client->say("{hold, done, {change, $chunks}}");
	# It has heard that once it answers what was said behind it.
	$client->mirror_lines('public.changes');
	$etf->sql('INSERT INTO changes DEFAULT VALUES');
	my ($first) = sizes($client, 1);
	my $since = time;
	my @sizes = ($first, sizes($client, $chunks - 1));
	return time - $since, @sizes;
}

for my $table (qw(by_keys by_blocks))
{
	subtest $table => sub {
		my $client = EtfBackfill->start($etf, $table);

		$client->expect(qr/^\{caught_up,/, 'the stream has caught up');
		$client->backfill('b', tables => "public.$table", chunk_bytes => 262144);
		cmp_ok((sizes($client, 1))[0], '>', 2 * $small, 'while nothing else comes a chunk is large');
		# On a machine that does ten other things the next one may come too late, or all of them before
		# anybody looks.
		my ($took, @after);
		for (1 .. 5)
		{
			($took, @after) = after_change($client);
			last if max(@after) <= $small && $took >= 0.8 * $rest * ($chunks - 1);
		}
		cmp_ok(max(@after), '<=', $small, "after a change $chunks in a row are small");
		cmp_ok($took, '>=', 0.8 * $rest * ($chunks - 1), 'and it rests between them');
		$client->say('{hold, done, false}');
		$client->expect(qr/^\{backfill,finished,/, 'it ends');
		$client->equals("public.$table", 'the mirror is the table');
		$client->is_clean('and as docs/port.md says');
		is($client->stop, 0, 'a clean stop');
	};
}

done_testing;
