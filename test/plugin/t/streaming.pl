# Transactions that are sent while they are in progress.
#
# Whatever a scenario does, what was streamed and cut comes to the same as what
# is sent at the commit; and beside it the frames are what they should be.
use strict;
use warnings;

use EtfLive;
use EtfSession;
use EtfStreams;
use EtfTest;
use EtfTruth;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('streaming',
	conf => "logical_decoding_work_mem = 64kB\nmax_replication_slots = 20");

if ($etf->version < 14)
{
	$etf->slot('s');
	like($etf->recv_error('s', streaming => 'on'),
		qr/option "streaming" needs PostgreSQL 14 or later/,
		'13 says what it lacks');
	is_deeply($etf->decode('s', streaming => 'off'), [], 'and takes the default');
	$etf->stop;
	done_testing();
	exit;
}

$etf->sql('CREATE TABLE t (a int PRIMARY KEY, v text); CREATE SEQUENCE n START 10;
	CREATE TABLE u (a int); CREATE TABLE unwanted (a int, v text);
	ALTER TABLE t ALTER v SET STORAGE EXTERNAL');

my $streams = EtfStreams->new($etf, 's');

# So many rows are more than the server keeps in memory.
sub rows
{
	my ($count, $table, $size) = @_;

	$table //= 't';
	$size //= 1000;
	return "INSERT INTO $table SELECT nextval('n'), repeat('x', $size)
		FROM generate_series(1, $count);";
}

my $many = rows(200);

# Frames with transaction and label, and their ends; of the same in a row one.
sub heads
{
	my ($lines) = @_;
	my @heads = map {
		/^stream (\w+ x\d+ x\d+) / ? $1 : /^(stream_\w+ [^#]+?)(?: #|$)/ ? $1
		  : /^(tx|now) / ? $1 : ()
	} @$lines;

	return [ map { $_ && $heads[$_] eq $heads[ $_ - 1 ] ? () : $heads[$_] }
		  0 .. $#heads ];
}

sub head_are
{
	my ($name, $expected, %option) = @_;

	is_deeply(heads($streams->alike($name, %option)), $expected, $name);
	return;
}

# What a receiver gets while a session runs; a "!" waits until it was decoded.
sub live
{
	my ($session, $sql, %option) = @_;

	$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'live')");
	my $receiver = EtfLive->new($etf, 'live', streaming => 'on', %option);

	for my $part (split /!/, $sql)
	{
		$session->sql($part);
		$receiver->wait_until_decoded;
	}
	my $file = $receiver->finish;
	$etf->drop_slot('live');
	return $file;
}

# What is asked for.
$etf->sql("BEGIN; $many INSERT INTO u VALUES (1); COMMIT");
is_deeply(heads($etf->show($streams->read_copy)), ['tx'],
	'a large transaction comes when it has committed, unless asked');
my $lines = $streams->alike('a large transaction');
is_deeply(heads($lines), [ 'first x1 x1', 'more x1 x1', 'stream_commit x1' ],
	'or while it is in progress');
is($lines->[-1], 'stream_commit x1 #{}', 'its end comes last');
$etf->sql('INSERT INTO u VALUES (2)');
head_are('a small one comes as ever', ['tx']);

# Savepoints.  Each piece is at least one block, and is decoded before the next
# is there: the server may leave out what it knows to be rolled back.
my $one = EtfSession->new($etf);
my $two = EtfSession->new($etf);
my @shapes = (
	[ 'a savepoint rolled back',
		"$many SAVEPOINT a; $many ROLLBACK TO a; $many COMMIT",
		'first x1 x1', 'more x1 x1', 'more x1 x2', 'stream_abort x1 x2',
		'more x1 x3', 'stream_commit x1' ],
	[ 'a savepoint kept',
		"$many SAVEPOINT a; $many RELEASE a; $many COMMIT",
		'first x1 x1', 'more x1 x1', 'more x1 x2', 'more x1 x1', 'stream_commit x1' ],
	[ 'one that is released within one rolled back',
		"$many SAVEPOINT a; $many SAVEPOINT b; $many RELEASE b; $many ROLLBACK TO a;
			$many COMMIT",
		'first x1 x1', 'more x1 x1', 'more x1 x2', 'more x1 x3', 'more x1 x2',
		'stream_abort x1 x3', 'stream_abort x1 x2', 'more x1 x4', 'stream_commit x1' ],
	[ 'a savepoint at the beginning',
		"SAVEPOINT a; $many ROLLBACK TO a; $many COMMIT",
		'first x1 x2', 'more x1 x2', 'stream_abort x1 x2', 'more x1 x3',
		'stream_commit x1' ],
	[ 'of which nothing is left',
		"SAVEPOINT a; $many ROLLBACK TO a; COMMIT",
		'first x1 x2', 'more x1 x2', 'stream_abort x1 x2', 'stream_commit x1' ],
	[ 'a savepoint that is used again',
		"SAVEPOINT a; $many ROLLBACK TO a; $many ROLLBACK TO a; $many COMMIT",
		'first x1 x2', 'more x1 x2', 'stream_abort x1 x2', 'more x1 x3',
		'stream_abort x1 x3', 'more x1 x4', 'stream_commit x1' ],
	[ 'all of it rolled back', "$many SAVEPOINT a; $many ROLLBACK",
		'first x1 x1', 'more x1 x1', 'more x1 x2', 'stream_abort x1 x2',
		'stream_abort x1 x1' ],
	[ 'five savepoints, one in the other',
		(join '', map { "$many SAVEPOINT s$_;" } 1 .. 5)
		  . "$many ROLLBACK TO s4; $many RELEASE s2; $many ROLLBACK TO s1; $many COMMIT",
		'first x1 x1', 'more x1 x1', (map { "more x1 x$_" } 2 .. 6),
		'stream_abort x1 x6', 'stream_abort x1 x5', 'more x1 x7', 'more x1 x2',
		(map { "stream_abort x1 x$_" } 3, 4, 7, 2), 'more x1 x8',
		'stream_commit x1' ]);

for my $shape (@shapes)
{
	my ($name, $sql, @heads) = @$shape;
	my $file = live($one, "BEGIN; $sql" =~ s/(x', 1000\).*?;)/$1!/gsr);

	is_deeply(heads($etf->show($file)), \@heads, $name);
	$streams->alike("$name, later");
}

# A savepoint begins a frame only when it is new.
$etf->sql('BEGIN; ' . rows(100) . 'SAVEPOINT a; INSERT INTO u VALUES (1); SAVEPOINT b;
	INSERT INTO u VALUES (2); RELEASE b; INSERT INTO u VALUES (3); RELEASE a;
	INSERT INTO u VALUES (4); ' . rows(100) . 'COMMIT');
$lines = $streams->alike('small savepoints');
is(scalar(grep { /^stream more x1 x[23] / } @$lines), 2,
	'small savepoints: each begins one frame');

# Several at a time.

sub interleave
{
	my ($end_one, $end_two) = @_;

	$_->sql("BEGIN; $many") for $one, $two;
	$etf->sql(q{INSERT INTO u VALUES (5);
		SELECT pg_logical_emit_message(false, 'between', 'blocks')});
	$_->sql($many) for $one, $two;
	$two->sql($end_two);
	$one->sql($end_one);
	return;
}

interleave('COMMIT', 'COMMIT');
$lines = $streams->alike('two at a time', messages => 'on');
is_deeply([ grep { !/^more/ } @{ heads($lines) } ],
	[ 'first x1 x1', 'first x2 x2', 'tx', 'now', 'stream_commit x2', 'stream_commit x1' ],
	'two at a time, and others between their blocks');
like("@{heads($lines)}", qr/more x2 x2 .*tx now more .*more .*stream_commit x2/,
	'block by block');
$two->sql("BEGIN; $many");
is_deeply(
	heads($etf->show(live($one, "BEGIN; $many! $many! ROLLBACK"))),
	[ 'first x1 x1', 'more x1 x1', 'first x2 x2', 'more x2 x2', 'stream_abort x2 x2' ],
	'one rolled back beside one that goes on');
$two->sql('COMMIT');
$streams->alike('one rolled back, later');
$two->quit;

# Descriptions: each frame of a stream has its own, and others are told again.
my ($t, $u);

$etf->sql("INSERT INTO u VALUES (6); BEGIN; INSERT INTO u VALUES (7);
	INSERT INTO t VALUES (-1, 'x'); DELETE FROM t WHERE a = -1; COMMIT");
($u, $t) = map { /^relation public\.(.*)/ ? $1 : () } @{ $streams->alike('descriptions') };
$one->sql("BEGIN; INSERT INTO u VALUES (8); SAVEPOINT a; ALTER TABLE u ADD b int; $many");
$etf->sql('INSERT INTO unwanted VALUES (1)');
$one->sql("ROLLBACK TO a; INSERT INTO u VALUES (9); COMMIT");
$etf->sql('INSERT INTO u VALUES (10)');
$lines = $streams->alike('a table altered in a savepoint rolled back');
is((grep { /^relation public\.u/ } @$lines)[-1], "relation public.$u",
	'it is told again as it is');
$one->sql("BEGIN; $many ALTER TABLE t ADD b int DEFAULT 1; $many
	ALTER TABLE t ALTER b TYPE text; $many ALTER TABLE t DROP b; $many COMMIT");
$etf->sql("INSERT INTO t VALUES (-2, 'x')");
$lines = $streams->alike('a table altered between blocks');
is((grep { /^relation public\.t/ } @$lines)[-1], "relation public.$t",
	'and as it was altered last');
$one->sql("BEGIN; INSERT INTO u VALUES (10); $many" . rows(1, 't', 100_000));
$etf->sql('INSERT INTO u VALUES (11)');
$one->sql('COMMIT');
$etf->sql('INSERT INTO u VALUES (12)');
is((grep { /^relation public\.u|^stream_commit/ } @{ $streams->alike('a table told meanwhile') })[-1],
	"relation public.$u", 'what was told before the end of a stream is told again');
for my $mode (qw(frame off))
{
	$etf->sql("BEGIN; $many COMMIT; INSERT INTO t VALUES (-3, 'x'); DELETE FROM t WHERE a = -3");
	$lines = $streams->alike("relations=$mode", relations => $mode);
	is(scalar(grep { /^relation/ } @$lines),
		$mode eq 'off' ? 0 : scalar(grep { /^(stream \w+|tx) / } @$lines),
		"descriptions with relations=$mode");
}

# All kinds of events.
$etf->sql("TRUNCATE t; CREATE TABLE files (a int, v text);
	ALTER TABLE files REPLICA IDENTITY FULL");
my $copy = $etf->write_text($etf->new_file, join '', map { "$_\t" . 'c' x 900 . "\n" } 1 .. 200);
$etf->sql("BEGIN; @{[rows(100, 'files', 4000)]} COPY files FROM '$copy';
	UPDATE files SET a = a + 1; INSERT INTO t VALUES (1, 'a');
	INSERT INTO t SELECT i % 5, repeat('y', 5000) FROM generate_series(2, 6) i
		ON CONFLICT (a) DO UPDATE SET a = excluded.a + 100;
	UPDATE t SET a = a + 1000 WHERE a > 100; DELETE FROM files WHERE a > 50; TRUNCATE t, files;
	$many UPDATE t SET v = 'z'; DELETE FROM t; COMMIT");
$lines = $streams->alike('changes of all kinds');
my %kinds = map { /^(insert|update|delete|truncate)/ ? ($1 => 1) : () } @$lines;
is_deeply([ sort keys %kinds ], [qw(delete insert truncate update)], 'all kinds are streamed');

# Messages: those of a savepoint rolled back are void like its rows.
sub message { return "SELECT pg_logical_emit_message(true, 'm', '$_[0]');"; }
$etf->sql("BEGIN; @{[message('a')]} $many SAVEPOINT a; @{[message('gone')]}
	ROLLBACK TO a; @{[message('b')]} SAVEPOINT a; @{[message('c')]} $many RELEASE a;
	@{[message('d')]} SAVEPOINT b; @{[message('gone')]} $many ROLLBACK TO b;
	@{[message('e')]} COMMIT");
$lines = $streams->alike('messages', messages => 'on');
is_deeply([ grep { /^message/ } @$lines ],
	[ map { qq(message "m" "$_") } qw(a b c d gone e) ], 'messages are streamed');

# In a stream of messages only there is nothing else to go by.
my $long = "SELECT count(pg_logical_emit_message(true, 'm', repeat('x', 1000)))
	FROM generate_series(1, 200);";
$etf->sql("BEGIN; $long SAVEPOINT a; $long SAVEPOINT b; $long RELEASE b; $long ROLLBACK TO a;
	$long COMMIT");
head_are('savepoints with nothing but messages',
	[ 'first x1 x1', 'more x1 x1', 'more x1 x2', 'more x1 x3', 'more x1 x2',
		'stream_abort x1 x3', 'stream_abort x1 x2', 'more x1 x1', 'stream_commit x1' ],
	messages => 'on');
$etf->sql("BEGIN; $long COMMIT");
head_are('messages that are not wanted', []);

# A message ends where the next record begins.  If that is of another
# subtransaction, the server may have them in the wrong order.
for my $kept (0 .. 3)
{
	my $before = join '', map { "SAVEPOINT m$_; @{[message($_)]} RELEASE m$_;" } 1 .. $kept;
	my $file = live($one, "BEGIN; $many! $before @{[message('last')]} SAVEPOINT s;
		INSERT INTO u VALUES (1); INSERT INTO u VALUES (2); $many! ROLLBACK TO s;
		$before @{[message('last')]} SAVEPOINT s; INSERT INTO u VALUES (3); $many! COMMIT",
		messages => 'on');

	$streams->compare("messages before a savepoint, $kept",
		$streams->read_copy(messages => 'on'), $file);
	is_deeply(
		[ map { /^(?:message "m" |insert u )(.*)/ ? $1 : () }
			  @{ $etf->show($streams->read_copy(messages => 'on')) } ],
		[ ((map { qq("$_") } 1 .. $kept), '"last"') x 2, '#{"a"=>3}' ],
		"each comes before what is behind it, $kept");
	$streams->move_on;
}

# Likewise if a frame is full in the middle of a record of many rows.
{
	my $rows = PostgreSQL::Test::Utils::tempdir() . '/rows';
	my %option = (messages => 'on', frame_bytes => 1);

	append_to_file($rows, join '', map { "$_\n" } 1 .. 20);
	$one->sql("INSERT INTO u VALUES (1)");
	my $file = live($one, "BEGIN; $many! @{[message('kept')]} SAVEPOINT s;
		COPY u FROM '$rows'; $many! ROLLBACK TO s;
		@{[message('last')]} SAVEPOINT s; COPY u FROM '$rows'; $many! COMMIT", %option);
	my $whole = $streams->read_copy(%option);

	$streams->compare('a message before rows of one record', $whole, $file, %option);
	is_deeply(
		[ map { /^(?:message "m" |insert u )(.*)/ ? $1 : () } @{ $etf->show($whole) } ],
		[ '#{"a"=>1}', '"kept"', '"last"', map { qq(#{"a"=>$_}) } 1 .. 20 ],
		'it comes before them');
	$streams->move_on;
}

# Nothing to say.
my @nothing = (
	[ 'tables that are not wanted', "BEGIN; @{[rows(200, 'unwanted')]} COMMIT" ],
	[ 'and rolled back', "BEGIN; @{[rows(200, 'unwanted')]} SAVEPOINT a;
		@{[rows(200, 'unwanted')]} ROLLBACK TO a; @{[rows(200, 'unwanted')]} ROLLBACK" ],
	[ 'definitions only', 'BEGIN; '
		  . (join '', map { "CREATE TABLE d$_ (a int PRIMARY KEY);" } 1 .. 50) . 'COMMIT' ]);
for my $case (@nothing)
{
	my ($name, $sql) = @$case;

	$etf->sql($sql);
	head_are("$name: nothing", [], exclude_tables => 'public.unwanted');
}
$etf->sql($nothing[0][1]);
is(scalar(grep { !/^tx/ } @{ $streams->alike('empty ones', skip_empty => 'off',
		exclude_tables => 'public.unwanted') }), 0, 'or an empty transaction, if asked');

# Replicated ones say where they come from.
$etf->sql("SELECT pg_replication_origin_create('elsewhere')");
$one->sql("SELECT pg_replication_origin_session_setup('elsewhere');
	BEGIN; SELECT pg_replication_origin_xact_setup('0/ABCDEF', '2020-01-01'); $many COMMIT;
	SELECT pg_replication_origin_session_reset()");
$lines = $streams->alike('a replicated transaction');
like($lines->[0], qr/^stream first .* #\{origin=>"elsewhere"\}$/, 'the origin is told first');
like($lines->[-1], qr/^stream_commit x1 #\{origin=>"elsewhere"\}$/, 'and at the end');
is(scalar(grep { /^stream more .*origin/ } @$lines), 0, 'and not in between');
$one->sql("SELECT pg_replication_origin_session_setup('elsewhere');
	BEGIN; SELECT pg_replication_origin_xact_setup('0/ABCDEF', '2020-01-01'); $many COMMIT;
	SELECT pg_replication_origin_session_reset()");
head_are('origin=none', [], origin => 'none');

# Rolled back before it is decoded, when the catalogs that its rows need are
# gone: the server stops before a row, or in the middle of one.
$etf->sql('CREATE TABLE rights (a int, r aclitem); CREATE ROLE unknown');
my @doomed = (
	"INSERT INTO t SELECT nextval('n'), repeat('x', 1000) FROM generate_series(1, 20);
		INSERT INTO rights SELECT i, 'unknown=r/unknown' FROM generate_series(1, 2000) i;",
	"CREATE TABLE gone (a int, v text); @{[rows(500, 'gone')]}",
	"CREATE TYPE mood AS ENUM ('up', 'down'); CREATE TABLE gone (a int, v text, m mood);
		INSERT INTO gone SELECT i, repeat('x', 1000), 'up' FROM generate_series(1, 500) i;",
	"CREATE TABLE gone (a regclass, v text);
		INSERT INTO gone SELECT 'gone', repeat('x', 1000) FROM generate_series(1, 500) i;",
	"ALTER TABLE u ADD c text; INSERT INTO u SELECT i, repeat('x', 1000)
		FROM generate_series(1, 500) i;",
	"$many CREATE TABLE gone (a int, v text); SAVEPOINT a; @{[rows(500, 'gone')]}");
$etf->sql("INSERT INTO rights VALUES (1); INSERT INTO t VALUES (-5, 'known')");
for my $sql (@doomed)
{
	$etf->sql("BEGIN; $sql ROLLBACK; INSERT INTO u VALUES (11)");
	$etf->sql("BEGIN; $many SAVEPOINT a; $sql ROLLBACK TO a; $many COMMIT")
	  if $sql !~ /SAVEPOINT/;
}
$lines = $streams->alike('rolled back before it is decoded');
is(scalar(grep { /^insert u/ } @$lines) >= @doomed, 1, 'and what follows comes');

# The walsender and SQL, under which LSNs, and what is confirmed.
$etf->slot('lsn');
$etf->sql("BEGIN; $many SAVEPOINT a; $many ROLLBACK TO a; COMMIT; INSERT INTO u VALUES (12)");
my @wire = split /\n/, $etf->stream('lsn', streaming => 'on');
is_deeply([ grep { my ($part, $lsn, $end) = split; $lsn != $end } @wire ], [],
	'each message comes under the LSN that it should');
is_deeply(
	[ map { s/ .*//r } @wire[ 0, -3, -2, -1 ] ],
	[qw(stream stream_abort stream_commit whole)], 'and they are the ones');
ok(@{ $etf->decode('lsn', streaming => 'on') } > 200, 'SQL functions and walsender agree');

# A stream belongs to its session: it begins again, even if what is beyond its
# first rows was confirmed.
$streams->move_on;
$one->sql('BEGIN');
for my $i (1 .. 2)
{
	$one->sql($many);
	$etf->sql('INSERT INTO u VALUES (13)');
	$lines = $etf->show($streams->read_copy(streaming => 'on'));
	is_deeply([ grep { !/^more/ } @{ heads($lines) } ], [ 'first x1 x1', 'tx' ],
		'an open transaction begins again in each session');
	is(scalar(grep { /^insert t/ } @$lines) >= 200 * $i - 50, 1, 'with its first rows');
	$streams->move_on;
}

# Nobody tells of a crash, but the server's first list of what is running.  The
# catalogs are not needed for a table that is known, and say it no sooner; since
# 18 the server looks by itself, and begins no stream.
$etf->sql("INSERT INTO t VALUES (-4, 'x'); CHECKPOINT");
$one->sql($many);
$etf->sql('INSERT INTO u VALUES (14)');
$etf->node->stop('immediate');
$etf->node->start;
$etf->sql('CHECKPOINT; INSERT INTO u VALUES (15)');
$lines = $streams->alike('a crash of the server');
is_deeply([ grep { /^(?:first|stream)/ } @{ heads($lines) } ],
	$etf->version < 18 ? [ 'first x1 x1', 'stream_abort x1 x1 by a crash' ] : [],
	'a transaction that a crash has ended is void');

$etf->stop;
done_testing();
