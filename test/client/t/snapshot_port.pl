# Tables read over the Port: packets, credit, what is refused, what is kept.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('snapshot_port');
my $node = $etf->node;
my $plenty = '{send, {credit, 1000000, 1000000000}}';

sub slots { return $etf->sql("SELECT string_agg(slot_name, ' ' ORDER BY slot_name) FROM pg_replication_slots"); }

$etf->sql("CREATE TABLE t (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off);
	INSERT INTO t SELECT i, repeat('v', 100) FROM generate_series(1, 3000) i;
	CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1), (2)");

# Beside a slot that is there, while the stream goes on.
$etf->slot('s');
my $client = EtfClient->start($node);
$client->say('{auto, ack}');
$client->say('{auto, refill}');
$client->say('{credit, 100, 20000}');
$client->expect(qr/^\{status,connected/, 'a stream');
$etf->sql('INSERT INTO t VALUES (10001)');
$client->expect(qr/^\{frame,tx,.*10001/, 'streams');
$client->say("{send, {backfill, again, #{tables => <<\"public.t\">>, jobs => 3}}}");
$client->expect(qr/^\{backfill,started,<<"again">>,\s*#\{.*rows => (\d+),tables => 1/s, 'a backfill is started');
cmp_ok($client->{match}[0], '>', 1000, 'with about as many rows as there are');
cmp_ok($client->{match}[0], '<', 30000, 'although nobody has analyzed the table');
$client->expect(qr/^\{status,slot|\{backfill,round,<<"again">>,#\{lsn => (\d+),tables => 1\}\}/, 'a round begins');
is(slots(), 's', 'the temporary slot has gone');
my @rows;
my $chunk;
while (my $line = $client->wait_for(qr/^\{(?:read|backfill,close|violation)/))
{
	diag($line), last if $line =~ /violation/;
	if ($line =~ /^\{read,again,(\d+),\d+,\[(.*)\]\}/)
	{
		push @rows, split /,/, $2;
		next;
	}
	($chunk) = $line =~ /chunk => (\d+)/s;
	last;
}
is(scalar @rows, 3001, 'each row is read once');
is($rows[-1], '10001', 'also what was streamed before');
$etf->sql('INSERT INTO t VALUES (10002)');
$client->expect(qr/^\{frame,tx,.*10002/, 'the stream goes on before all is handled');
$client->say("{send, {backfill_done, again, $chunk}}");
$client->expect(qr/^\{backfill,table_done,<<"again">>,.*reason => done.*table => <<"public\.t">>/s, 'a table is done');
$client->expect(qr/^\{backfill,finished,<<"again">>,.*rows => 3001/s, 'and the backfill');
$client->stat('state');
$client->is_clean('the account is the same on both sides');

# The same once more: it is done.
$client->say("{send, {backfill, again, #{tables => <<\"public.t\">>}}}");
$client->expect(qr/^\{backfill,finished,<<"again">>/, 'what is done is done');
ok(!grep({ /^\{read,/ } @{ $client->{skipped} }), 'and not read again');

# What makes no sense ends nothing.
for my $wrong (
	[ '#{colour => red}', qr/unknown key of a backfill \\?"colour/ ],
	[ '#{tables => <<"t">>}', qr/invalid pattern/ ],
	[ '#{tables => <<"public.t">>, where => <<"nonsense(">>}', qr/The condition for table public\.t is: nonsense\(">>/ ],
	[ '#{tables => <<"public.*">>, where => #{<<"public.u">> => <<"missing = 1">>}}', qr/The condition for table public\.u is: missing = 1">>/ ],
	[ '#{mode => quick}', qr/must be exact or incremental/ ])
{
	$client->say("{send, {backfill, wrong, $wrong->[0]}}");
	my $line = $client->expect(qr/^\{backfill,failed,<<"wrong">>.*class => config/s, "refused: $wrong->[0]");
	like($line, $wrong->[1], 'and why');
}
$client->say('{send, {backfill_done, nobody, 1}}');
$client->expect(qr/^\{log,warning,<<"backfill_done: no backfill \\"nobody\\" runs/, 'an unknown id is a warning');
$etf->sql('INSERT INTO t VALUES (10003)');
$client->expect(qr/^\{frame,tx,.*10003/, 'the stream goes on');
$client->is_clean('no violation');
is($client->stop, 0, 'a clean end');


# What is done is kept by the consumer, if it wants to.
my $kept = "$etf->{dir}/state";
my $own = 'jobs => 1, store => consumer, tables => <<"public.*">>';

$client = EtfClient->start($node);
$client->say('{auto, refill}');
$client->say('{credit, 100, 20000}');
$client->say("{send, {backfill, mine, #{$own}}}");
$client->expect(qr/^\{backfill,close,<<"mine">>,.*chunk => 1,/s, 'a first chunk');
$client->expect(qr/^\{backfill,close,<<"mine">>,.*chunk => 2,/s, 'and a second one');
$client->say('{send, {backfill_done, mine, 1}}');
$client->expect(qr/^\{backfill,table_done,<<"mine">>,.*public\.t/s, 'of a table that is done');
$client->say('{send, stop}');
$client->expect(qr/^\{stopped,/, 'an end in the middle');
$client->say("{save_state, \"$kept\"}");
$client->expect(qr/^saved/, 'comes with the state');
$client->quit;
is($etf->sql("SELECT count(*) FROM etf_backfill WHERE id = 'mine'"), 0, 'which the server does not keep');
$client = EtfClient->start($node, snapshot => 'only');
$client->say('{auto, refill}');
$client->say('{auto, done}');
$client->say('{credit, 100, 20000}');
$client->say("{load_state, \"$kept\"}");
$client->say("{send_with_state, {backfill, mine, #{$own}}}");
$client->expect(qr/^\{backfill,started,<<"mine">>,.*tables => 1/s, 'the next process has one table left');
$client->expect(qr/^\{read,mine,\d+,2,\[1,2\]\}/, 'which is read');
$client->expect(qr/^\{backfill,finished,<<"mine">>,.*rows => 3005/s, 'and then all is done');
ok(!grep({ /^\{read,/ } @{ $client->{skipped} }), 'nothing else was read');
is($client->exit_status, 0, 'only: that is the end');
$client = EtfClient->start($node, snapshot => 'on');
$client->say('{send, {backfill, mine, #{store => consumer, state => <<"garbage">>}}}');
$client->expect(qr/^\{fatal,config,.*cannot be used/s, 'a state that is none');
is($client->exit_status, 3, 'is an end before anything starts');

# Of a slot that nobody finds again nothing is kept, so that each one is read for.
for my $time (qw(first second))
{
	$client = EtfClient->start($node, slot => '<<"passing">>', create => 'temporary', snapshot => 'only');
	$client->say('{auto, refill}');
	$client->say('{auto, done}');
	$client->say('{credit, 100000, 10000000}');
	$client->say('{send, {backfill, passing, #{tables => <<"public.u">>, request => <<"x">>}}}');
	$client->expect(qr/^\{read,passing,\d+,2,\[1,2\]\}/, "a temporary slot: the $time one has its rows");
	is($client->exit_status, 0, 'and an end');
}
$client = EtfClient->start($node, slot => '<<"passing">>', create => 'temporary', snapshot => 'on');
$client->say('{send, {backfill, passing, #{tables => <<"public.t">>, max_hold => 10}}}');
$client->say('{credit, 100, 20000}');
$client->expect(qr/^\{read,passing,/, 'there is but one round: ...');
sleep 1;
$client->say('{auto, refill}');
$client->say('{auto, done}');
$client->say('{credit, 100000, 10000000}');
$client->expect(qr/^\{backfill,finished,<<"passing">>,.*rows => 3003/s, '... it lasts until all is read');
ok(!grep({ /table_again|another snapshot/ } @{ $client->{skipped} }), 'at once');
is($client->stop, 0, 'a clean end');
is($etf->sql(q{SELECT count(*) FROM etf_backfill WHERE slot = 'passing'}), 0, 'nothing is left of them');

# What cannot be is found before a slot is made.
$etf->sql('CREATE DATABASE bare');
$etf->sql("CREATE ROLE reader REPLICATION LOGIN; CREATE TABLE secret (id int);
	CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
	GRANT SELECT ON t, u, guarded TO reader");
for my $case (
	[ 'dbname=bare', '#{}', qr/extension pg_etf_decoding/ ],
	[ 'user=reader', '#{}', qr/cannot be read: .*public\.secret \(/s ],
	[ 'user=reader', '#{}', qr/public\.guarded \(/ ],
	[ 'user=reader', '#{tables => <<"public.t">>, where => <<"no_column = 1">>}', qr/no_column/ ],
	[ '', '#{jobs => 0}', qr/must be from 1 to 16/ ])
{
	my $conninfo = $node->connstr('postgres') . " $case->[0]";

	$client = EtfClient->start($node, snapshot => 'on', create => 'if_missing',
		slot => '<<"new">>', conninfo => qq{<<"$conninfo">>});
	$client->say("{send, {backfill, first, $case->[1]}}");
	like($client->expect(qr/^\{fatal,config,/, "$case->[0] $case->[1]: refused"), $case->[2], 'by name');
	is($client->exit_status, 3, 'with its status');
}
is(slots(), 's', 'no slot was made');

# Columns are enough for mode exact; LOCK TABLE, with which a chunk begins, wants a privilege on the whole table.
$etf->sql("CREATE TABLE parts (id int PRIMARY KEY, open text, closed text); INSERT INTO parts VALUES (1, 'o', 'c');
	GRANT SELECT (id, open) ON parts TO reader");
my $as_reader = $node->connstr('postgres') . ' user=reader';
my $is_read = qr/^\{backfill,finished,.*rows => 1/s;
my $is_refused = qr/^\{backfill,failed,.*only columns are granted: public\.parts/s;
my %since = (INSERT => 16, MAINTAIN => 17);

sub reads_parts
{
	my ($mode, $excluded, $expected, $why) = @_;

	$client = EtfClient->start($node, slot => '<<"s">>', conninfo => qq{<<"$as_reader">>},
		options => qq{#{exclude_columns => <<"$excluded">>}});
	$client->say('{auto, refill}');
	$client->say('{auto, done}');
	$client->say('{credit, 100, 20000}');
	$client->say("{send, {backfill, '$mode', #{mode => $mode, store => consumer, tables => <<\"public.parts\">>}}}");
	$client->expect($expected, "$mode: $why");
	is($client->stop, 0, 'a clean end');
	return;
}

reads_parts('exact', '*.*.nothing', qr/^\{backfill,failed,.*public\.parts \(no SELECT privilege on all columns/s,
	'a column that is not granted');
reads_parts('exact', 'public.parts.closed', $is_read, 'all that is read is granted');
reads_parts('incremental', 'public.parts.closed', $is_refused, 'but not the table');
for my $privilege (qw(INSERT MAINTAIN))
{
	next if $privilege eq 'MAINTAIN' && $etf->version < 17;
	$etf->sql("GRANT $privilege ON parts TO reader");
	reads_parts('incremental', 'public.parts.closed', $etf->version < $since{$privilege} ? $is_refused : $is_read,
		"columns and $privilege");
	$etf->sql("REVOKE $privilege ON parts FROM reader");
}
$etf->sql('GRANT SELECT ON parts TO reader');
reads_parts('incremental', 'public.parts.closed', $is_read, 'SELECT on the table is enough');
$etf->sql("CREATE PUBLICATION p FOR TABLE t; SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')");
$client = EtfClient->start($node, slot => '<<"theirs">>', options => '#{rows => tuple, publication_names => p}');
$client->say('{auto, refill}');
$client->say('{auto, done}');
$client->say('{credit, 10000, 10000000}');
$client->say("{send, {backfill, theirs, #{mode => incremental}}}");
$client->expect(qr/^\{backfill,failed,<<"theirs">>.*class => config.*use mode exact/s, 'with pgoutput none is incremental');
$client->say("{send, {backfill, theirs, #{}}}");
$client->expect(qr/^\{backfill,finished,<<"theirs">>,.*rows => 3003/s, 'but an exact one is read');
is($etf->sql("SELECT count(*) FROM etf_backfill WHERE slot = 'theirs'"), 1, 'and kept, since the extension is there');
is($client->stop, 0, 'a clean end');

done_testing();
