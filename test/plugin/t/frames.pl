# How transactions are cut into frames, and under which LSN each is sent.
use strict;
use warnings;

use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('frames',
	conf => 'logical_decoding_work_mem = 64kB');

# Heads of frames: part, first index, count.
sub heads
{
	my (%option) = @_;

	return [ map { /^tx (\w+ \d+ \d+)/ } @{ $etf->decode('s', %option) } ];
}

# Again without having read anything.
sub again
{
	$etf->drop_slot('s');
	$etf->sql("SELECT pg_copy_logical_replication_slot('keep', 's')");
	return;
}

$etf->sql('CREATE TABLE t (a int PRIMARY KEY, v text); CREATE TABLE u (a int)');
$etf->slot('keep');
$etf->slot('s');
$etf->sql('INSERT INTO t SELECT i, NULL FROM generate_series(1, 5) i');
is_deeply(heads(frame_bytes => 1),
	[ 'first 0 1', 'middle 1 1', 'middle 2 1', 'middle 3 1', 'last 4 1' ],
	'a frame is closed after the event that reaches frame_bytes');
again();
is_deeply(heads(), ['whole 0 5'], 'what fits is one frame');

$etf->sql('INSERT INTO t SELECT i, NULL FROM generate_series(6, 105) i');
my $frames = heads(frame_bytes => 1000);
cmp_ok(scalar(@$frames), '<', 20, 'events go into a frame until it is full');
cmp_ok(scalar(@$frames), '>', 2, 'and then into the next one');

$etf->sql(q{UPDATE t SET v = repeat('x', 1000) WHERE a = 3});
is_deeply(
	[ grep { /^tx|^update/ } @{ $etf->decode('s', frame_bytes => 100) } ]->[-1],
	q(update t nil #{"a"=>3, "v"=>") . 'x' x 1000 . '"}',
	'an event is never cut');

# Empty transactions.
sub empty_transactions
{
	$etf->sql('SELECT txid_current(); CREATE TABLE e (a int); DROP TABLE e;
		BEGIN; INSERT INTO t VALUES (1000); ROLLBACK');
	return;
}
empty_transactions();
is_deeply($etf->decode('s'), [],
	'a transaction without events and one rolled back send nothing');
empty_transactions();
is_deeply(
	[ grep { !/^tx whole 0 0 #\{\}$/ } @{ $etf->decode('s', skip_empty => 'off') } ],
	[], 'with skip_empty=off the empty ones come, and no event');

# Subtransactions, also of a transaction that was spilled to disk.
$etf->sql(
	'BEGIN; INSERT INTO u VALUES (1); SAVEPOINT a; INSERT INTO u VALUES (2);
	 SAVEPOINT b; INSERT INTO u VALUES (3); ROLLBACK TO b;
	 INSERT INTO u VALUES (4); RELEASE a; INSERT INTO u VALUES (5);
	 SAVEPOINT c; INSERT INTO u VALUES (6); ROLLBACK TO c; COMMIT');
is_deeply(
	$etf->changes('s'),
	[ map { qq(insert u #{"a"=>$_}) } 1, 2, 4, 5 ],
	'of subtransactions only what was committed, in order');
$etf->sql(
	'BEGIN; INSERT INTO u SELECT generate_series(1, 2000); SAVEPOINT a;
	 INSERT INTO u SELECT generate_series(2001, 4000); ROLLBACK TO a;
	 INSERT INTO u SELECT generate_series(4001, 6000); COMMIT');
is_deeply(
	$etf->changes('s'),
	[ map { qq(insert u #{"a"=>$_}) } 1 .. 2000, 4001 .. 6000 ],
	'also when the transaction was spilled to disk');

# When tables are described.
$etf->changes('s');
my $twice = 'BEGIN; INSERT INTO u VALUES (1); INSERT INTO u VALUES (2); COMMIT;
	 INSERT INTO u VALUES (3)';
for my $case (
	[ session => [ 'relation', 'insert', 'insert', 'insert' ] ],
	[ frame => [ 'relation', 'insert', 'insert', 'relation', 'insert' ] ],
	[ off => [ 'insert', 'insert', 'insert' ] ])
{
	my ($mode, $events) = @$case;

	$etf->sql($twice);
	is_deeply(
		[ map { /^(relation|insert)/ } @{ $etf->decode('s', relations => $mode) } ],
		$events, "descriptions with relations=$mode");
}
$etf->sql('INSERT INTO u VALUES (1)');
$etf->sql('ANALYZE u; VACUUM u; CREATE INDEX ON u (a)');
$etf->sql('INSERT INTO u VALUES (2)');
is(scalar(grep { /^relation/ } @{ $etf->decode('s') }),
	1, 'a table whose description is the same is not described again');

# LSNs of messages, as a client sees them on the wire.
$etf->changes('s');
$etf->sql('INSERT INTO t SELECT i FROM generate_series(200, 203) i');
$etf->sql(q{SELECT pg_logical_emit_message(false, 'p', 'c')});
$etf->sql('INSERT INTO t VALUES (204)');
my @lines = split /\n/, $etf->stream('s', frame_bytes => 1, messages => 'on');
is_deeply(
	[ map { (split)[0] } @lines ],
	[qw(first middle middle last message whole)],
	'the messages of the wire');
is_deeply(
	[ map { (split)[1] } @lines[ 0 .. 2 ] ],
	[ 0, 0, 0 ],
	'the frames before the last one of a transaction are under no LSN');
for my $i (3, 5)
{
	my ($part, $lsn, $end) = split ' ', $lines[$i];

	is($lsn, $end, "the $part frame is under the end of the commit record");
}

# So pg_recvlogical, cut off in the middle, cannot have confirmed it.
$etf->changes('s');
$etf->sql('INSERT INTO u SELECT generate_series(1, 50000)');
my $before = $etf->confirmed('s');
my $file = $etf->new_file;
my $receiver = IPC::Run::start(
	[ $etf->recv_command('s', undef, $file, frame_bytes => 200),
		'--fsync-interval', '0', '--status-interval', '1' ],
	'>', \my $out, '2>', \my $err);

for (1 .. 600)
{
	last if -s $file && -s $file > 100_000;
	select undef, undef, undef, 0.01;
}
$receiver->kill_kill(grace => 0);
$etf->wait_until_idle('s');
cmp_ok(-s $file, '<', 4_000_000, 'the receiver was stopped half-way');
is($etf->confirmed('s'), $before, 'and has confirmed nothing of it');
is(scalar(@{ $etf->changes('s') }), 50000, 'so all of it comes again');
isnt($etf->confirmed('s'), $before, 'and is confirmed when it was received whole');

$etf->stop;
done_testing();
