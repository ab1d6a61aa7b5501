# How much of a table is read again behind a kill: what is kept as done is not, so that
# it is a range of each job in mode exact, and the chunks under way in mode incremental;
# and what was done in the last second, since that is not kept yet.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('again', conf => 'autovacuum = off');
my $node = $etf->node;

# Of so many pages of 8 kB a range is, with a row in each.
my $range = 8192;
my $ranges = 5;
my $total = $range * $ranges;

$etf->sql("CREATE TABLE t (id int PRIMARY KEY, v text) WITH (fillfactor = 10);
	INSERT INTO t SELECT i, repeat('v', 600) FROM generate_series(1, $total) i; ANALYZE t");
is($etf->sql(q{SELECT pg_relation_size('t') / 8192}), $total, "$ranges ranges");

# Of each chunk that was closed since.
sub closed
{
	my ($client, $since) = @_;
	my @seen = $client->seen;

	return map { /^\{backfill,close,.*rows => (\d+)/s ? $1 : () } @seen[ $since .. $#seen ];
}

# Killed when nothing more comes: "had" says how many rows there are by then.  How many came twice?
sub twice
{
	my ($client, $had, %backfill) = @_;
	my $came = $had->($client);
	my $since = $client->seen;

	$client->restart;
	$client->expect(qr/^\{status,connected/, 'another client');
	$client->say('{hold, done, false}');
	$client->say('{credit, true}');
	$client->backfill('b', tables => 'public.t', %backfill);
	$client->expect(qr/^\{backfill,finished,<<"b">>,.*rows => $total/s, 'reads the rest');
	$client->equals('public.t', 'the mirror is the table');
	is($client->stop, 0, 'a clean stop');
	return $came + sum0(closed($client, $since)) - $total;
}

sub rows_had { return scalar(my @rows = $_[0]->mirror_lines('public.t')); }

# In the middle of the second range, or the third one, of each of two jobs.
subtest 'mode exact' => sub {
	my $client = EtfBackfill->start($etf, 'exact', credit_events => int(2.5 * $range), credit_bytes => 20_000_000);

	$client->say('{credit, false}');
	$client->backfill('b', mode => 'exact', tables => 'public.t', jobs => 2);
	$client->expect(qr/^\{backfill,close,<<"b">>/, 'a range is done');
	sleep 3;
	my $twice = twice($client, sub { $_[0]->stat('sent_events') }, mode => 'exact', jobs => 2);
	cmp_ok($twice, '>', 0, "$twice rows come twice, ...");
	cmp_ok($twice, '<=', 2 * $range, '... of a range of each job');
};

subtest 'mode incremental' => sub {
	my $client = EtfBackfill->start($etf, 'incremental');
	my %backfill = (mode => 'incremental', chunk_bytes => 65536);

	$client->backfill('b', tables => 'public.t', %backfill);
	$client->expect(qr/^\{backfill,close,.*chunk => 9\b/s, 'some chunks are done');
	$client->say('{hold, done, true}');
	sleep 3;
	my $twice = twice($client, \&rows_had, %backfill);
	cmp_ok($twice, '>', 0, "$twice rows come twice, ...");
	cmp_ok($twice, '<=', 2 * (65536 / 600 + 1), '... of two chunks');
};

# Two chunks are handled at a time, until it is killed without a warning.
subtest 'what was handled in the last second comes twice as well' => sub {
	my $client = EtfBackfill->start($etf, 'sudden');
	my %backfill = (mode => 'incremental', chunk_bytes => 65536);
	my @handled;

	$client->say('{hold, done, true}');
	$client->backfill('b', tables => 'public.t', %backfill);
	for (1 .. 25)
	{
		sleep 0.2;
		$client->say("{hold, done, $_}") for qw(false true);
		push @handled, time;
	}
	kill KILL => $client->client_pid;
	my $killed = time;
	my $recent = grep { $_ > $killed - 1.5 } @handled;
	my $twice = twice($client, \&rows_had, %backfill);

	cmp_ok($recent, '<', 10, 'of 25 times');
	cmp_ok($twice, '<=', ($recent + 1) * 2 * (65536 / 600 + 1), "$twice rows come twice, not of more than $recent times");
};

$etf->stop;
done_testing();
