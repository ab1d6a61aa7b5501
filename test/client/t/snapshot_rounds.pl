# Rounds: a snapshot is not held for ever, and what happens to tables meanwhile.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('snapshot_rounds');
my $node = $etf->node;

# The biggest one is read first.
$etf->sql("CREATE TABLE a (id int PRIMARY KEY, v text);
	INSERT INTO a SELECT i, repeat('v', 200) FROM generate_series(1, 4000) i");
$etf->sql("CREATE TABLE $_ (id int PRIMARY KEY, v int);
	INSERT INTO $_ SELECT i, i FROM generate_series(1, 10) i") for qw(b c d e f);
$etf->sql('CREATE TABLE keyless (v int); INSERT INTO keyless VALUES (1)');
$etf->slot('s');

my %oid = map { $_ => $etf->sql("SELECT '$_'::regclass::oid") } qw(a b c d e f keyless);
my $plenty = '{credit, 1000000, 100000000}';

# Lines until one matches; rows by chunk, and all lines.
sub collect
{
	my ($client, $until, $name) = @_;
	my ($line, %chunk, @lines);

	while (defined($line = $client->wait_for(qr/./)))
	{
		push @lines, $line if $line !~ /^\{read,/;
		push @{ $chunk{$1} }, split /,/, $2
		  if $line =~ /^\{read,\w+,(\d+),\d+,\[(.*)\]\}/;
		last if $line =~ $until;
	}
	ok(defined $line, $name) or diag join "\n", map { substr $_, 0, 300 } @lines;
	return (\%chunk, join("\n", @lines));
}

# Rows of a table that were read and closed, in order.
sub rows_of
{
	my ($chunks, $lines, $table) = @_;

	return map { @{ $chunks->{$_} // [] } } sort { $a <=> $b }
	  $lines =~ /^\{backfill,close,[^#]*#\{[^}]*chunk => (\d+),[^}]*rel => $oid{$table},/mg;
}

# While a is being read and waits for credit, other tables change.
my $client = EtfClient->start($node);
$client->say('{auto, ack}');
$client->say('{auto, done}');
$client->say('{credit, 1, 1000000}');
$client->expect(qr/^\{status,connected/, 'a stream');
$client->say('{send, {backfill, all, #{jobs => 1}}}');
$client->expect(qr/^\{backfill,round,/, 'a round');
$client->expect(qr/^\{read,all,1,/, 'begins with the biggest table, and waits');
like($etf->sql_error("SET lock_timeout = '100ms'; ALTER TABLE a ADD x int"),
	qr/lock timeout/, 'a change of that one waits');
$etf->sql("ALTER TABLE b ALTER v TYPE bigint; VACUUM FULL c; TRUNCATE e; DROP TABLE d; ALTER TABLE f RENAME TO g;
	INSERT INTO e VALUES (99)");
$client->say('{auto, refill}');
$client->say($plenty);
my ($chunks, $lines) = collect($client, qr/^\{backfill,finished/, 'all is read');
like($lines, qr/^\{backfill,table_again,<<"all">>,#\{[^}]*reason => rewritten[^}]*<<"public\.$_">>/m, "$_ was rewritten") for qw(b c e);
is(scalar(() = $lines =~ /^\{backfill,round,/mg), 1, 'another round has what is left');
is_deeply([ rows_of($chunks, $lines, 'b') ], [ 1 .. 10 ], 'a table of another type is whole');
is_deeply([ rows_of($chunks, $lines, 'c') ], [ 1 .. 10 ], 'and one that was vacuumed');
is_deeply([ rows_of($chunks, $lines, 'e') ], [ 99 ], 'one that was emptied has what came after');
is_deeply([ rows_of($chunks, $lines, 'f') ], [ 1 .. 10 ], 'a table that was renamed is read');
like($lines, qr/^\{backfill,table_done,<<"all">>,#\{[^}]*reason => dropped[^}]*public\.d/m, 'a table that was dropped is over');
unlike($lines, qr/table_failed/, 'and none of it is a failure');
$client->is_clean('no violation');
is($client->stop, 0, 'a clean end');

# A consumer that takes nothing does not hold the snapshot.
$client = EtfClient->start($node);
$client->say('{auto, ack}');
$client->say('{auto, done}');
$client->say('{credit, 1, 1000000}');
$client->expect(qr/^\{status,connected/, 'a stream');
$client->say('{send, {backfill, slow, #{jobs => 1, max_hold => 1000}}}');
$client->expect(qr/^\{read,slow,1,/, 'a range is read in part');
$client->expect(qr/^\{backfill,retry,<<"slow">>,#\{chunk => 1,/, 'then the round is over');
$client->expect(qr/^\{status,connected/, 'and the stream goes on');
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity
	WHERE application_name = 'pg_etf_client' AND backend_xmin IS NOT NULL AND backend_type = 'client backend'"),
	'no snapshot is held');
$etf->sql('UPDATE a SET v = 1 WHERE id = 1');
$client->say('{auto, refill}');
$client->say($plenty);
($chunks, $lines) = collect($client, qr/^\{backfill,finished/, 'all is read after that');
is(scalar(rows_of($chunks, $lines, 'a')), 4000, 'the table is whole');
like($lines, qr/^\{backfill,table_again,<<"slow">>,#\{[^}]*reason => keyless[^}]*public\.keyless/m, 'who keeps rows without a key empties the table');
$client->is_clean('no violation');

# A condition names another table, which goes before it is needed.
$etf->sql('CREATE TABLE helper AS SELECT id FROM b');
$client = EtfClient->start($node);
$client->say('{auto, ack}');
$client->say('{auto, done}');
$client->say('{credit, 1, 1000000}');
$client->expect(qr/^\{status,connected/, 'a stream');
$client->say('{send, {backfill, named, #{jobs => 1, tables => <<"public.a,public.b">>,
	where => #{<<"public.b">> => <<"id IN (SELECT id FROM public.helper)">>}}}}');
$client->expect(qr/^\{read,named,1,/, 'another table is read before');
$etf->sql('ALTER TABLE helper RENAME TO nobody');
$client->say('{auto, refill}');
$client->say($plenty);
$client->expect(qr/^\{backfill,table_failed,<<"named">>,.*helper.*<<"public\.b">>/s, 'what a condition misses is told', 20);
$etf->sql('ALTER TABLE nobody RENAME TO helper');
$client->expect(qr/^\{backfill,finished,<<"named">>,.*rows => 4010\b/s, 'and the table is read once it can be');
$client->is_clean('no violation');

# Stopped and paused.
$client->say('{send, {backfill, stop, #{jobs => 1}}}');
$client->say('{send, {backfill_stop, stop}}');
$client->expect(qr/^\{backfill,stopped,<<"stop">>/, 'a backfill is stopped');
$client->say('{send, {backfill, pause, #{jobs => 1}}}');
$client->say('{send, {backfill_pause, pause}}');
$client->silent(qr/^\{backfill,finished/, 2, 'one that is paused does not end');
$etf->sql('INSERT INTO a VALUES (5000)');
$client->say('{send, {backfill_resume, pause}}');
$client->expect(qr/^\{backfill,finished,<<"pause">>/, 'until it is to go on');
is($client->stop, 0, 'a clean end');

done_testing();
