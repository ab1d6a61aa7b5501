# Mode incremental of what a publication has only just got: the stream tells of it what transactions do from there on,
# and not what those that were running then had done before.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use Test::More;

my $etf = EtfTest->new('backfill_published');
my $node = $etf->node;

sub start
{
	my ($slot) = @_;

	return EtfBackfill->start($etf, $slot, options => '#{rows => map, dialect => elixir, publication_names => p}');
}

$etf->sql('CREATE TABLE other (id int PRIMARY KEY);
	CREATE TABLE t (id int PRIMARY KEY, n int);
	INSERT INTO t SELECT i, i FROM generate_series(1, 100) i;
	CREATE PUBLICATION p FOR TABLE other');

subtest 'a transaction that is older than what the publication has' => sub {
	my $client = start('added');
	my $other = $node->background_psql('postgres');

	$other->query_safe('BEGIN; INSERT INTO t VALUES (1000, 0); DELETE FROM t WHERE id = 1; UPDATE t SET n = 0 WHERE id = 2');
	$etf->sql('ALTER PUBLICATION p ADD TABLE t');
	$client->backfill('b', tables => 'public.t');
	$client->expect(qr/^\{log,warning,<<"backfill \\"b\\" has to wait: transaction \d+ is older/s, 'it has to wait, which is told');
	$etf->sql('INSERT INTO other VALUES (1)');
	$client->shows('public.other', 1, 'the stream goes on');
	ok(!grep({ /^\{backfill,open,/ } $client->seen), 'nothing is read');
	$other->query_safe('COMMIT');
	$other->quit;
	$client->expect(qr/^\{backfill,finished,<<"b">>,/, 'then it is read');
	$client->equals('public.t', 'what the stream did not tell is there', 10);
	is(scalar(grep { /has to wait/ } $client->seen), 1, 'told once');
	$client->is_clean('as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
};

subtest 'it can be stopped meanwhile' => sub {
	my $client = start('stopped');
	my $other = $node->background_psql('postgres');

	$other->query_safe('BEGIN; INSERT INTO t VALUES (2000, 0)');
	$client->backfill('b', tables => 'public.t');
	$client->expect(qr/^\{log,warning,<<"backfill \\"b\\" has to wait:/, 'it has to wait');
	$client->say('{send, {backfill_stop, <<"b">>}}');
	$client->expect(qr/^\{backfill,stopped,<<"b">>,/, 'it is stopped');
	$other->query_safe('COMMIT');
	$other->quit;
	is($client->stop, 0, 'a clean stop');
};

subtest 'without a publication nobody has to' => sub {
	my $client = EtfBackfill->start($etf, 'all');
	my $other = $node->background_psql('postgres');

	$other->query_safe('BEGIN; INSERT INTO t VALUES (3000, 0)');
	$client->backfill('b', tables => 'public.t');
	$client->expect(qr/^\{backfill,finished,<<"b">>,/, 'it is read at once');
	$other->query_safe('COMMIT');
	$other->quit;
	$client->equals('public.t', 'and the stream tells the rest', 10);
	is($client->stop, 0, 'a clean stop');
};

done_testing;
