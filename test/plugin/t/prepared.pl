# Transactions that are sent when they are prepared.
use strict;
use warnings;

use EtfSession;
use EtfStreams;
use EtfTest;
use EtfTruth;
use Test::More;

my $etf = EtfTest->new('prepared',
	conf => "logical_decoding_work_mem = 64kB\nmax_replication_slots = 20");
my @on = (two_phase => 'on');

$etf->sql('CREATE TABLE t (a int PRIMARY KEY, v text); CREATE TABLE u (a int);
	CREATE SEQUENCE n START 1000');
if ($etf->version < 14)
{
	$etf->slot('s');
	like($etf->recv_error('s', @on), qr/option "two_phase" needs PostgreSQL 14 or later/,
		'13 says what it lacks');
	$etf->stop;
	done_testing();
	exit;
}

# Of a slot: lines that a reader gets, who confirms them.
sub two_phase_slot
{
	my ($slot) = @_;

	$etf->sql("SELECT pg_create_logical_replication_slot('$slot',
		'pg_etf_decoding', false, true)");
	return;
}

sub lines
{
	my ($slot, %option) = @_;

	return [ grep { !/^relation/ } @{ $etf->decode($slot, @on, %option) } ];
}

my $many = "INSERT INTO t SELECT nextval('n'), repeat('x', 1000) FROM generate_series(1, 200);";

# The slot and the option.
two_phase_slot('p');
like($etf->sql_error("SELECT pg_logical_slot_peek_binary_changes('p', NULL, NULL)"),
	qr/slot "p" is for two-phase decoding, but option "two_phase" is off.*two_phase=on/s,
	'a slot of prepared transactions is not read without them');
is($etf->sql_error("DO \$\$ BEGIN
		PERFORM pg_logical_slot_peek_binary_changes('p', NULL, NULL);
	EXCEPTION WHEN object_not_in_prerequisite_state THEN END \$\$"),
	'no error', 'which is 55000');

# Both decisions.
$etf->sql("BEGIN; INSERT INTO t VALUES (1, 'a'); SAVEPOINT a; INSERT INTO t VALUES (2);
	ROLLBACK TO a; INSERT INTO u VALUES (1); PREPARE TRANSACTION 'one'");
is_deeply(lines('p'),
	[ 'prepare whole 0 2 #{gid=>"one"}', 'insert t #{"a"=>1, "v"=>"a"}', 'insert u #{"a"=>1}' ],
	'what is prepared comes at once');
$etf->sql('INSERT INTO u VALUES (2)');
$etf->sql("COMMIT PREPARED 'one'");
is_deeply(lines('p'),
	[ 'tx whole 0 1 #{}', 'insert u #{"a"=>2}', 'commit_prepared #{gid=>"one"}' ],
	'and its commit when it comes');
$etf->sql("BEGIN; INSERT INTO u VALUES (3), (4), (5); PREPARE TRANSACTION 'two';");
my $parts = lines('p', frame_bytes => 1);
$etf->sql("ROLLBACK PREPARED 'two'");
is_deeply([ @$parts, @{ lines('p') } ],
	[ 'prepare first 0 1 #{gid=>"two"}', 'insert u #{"a"=>3}',
		'prepare middle 1 1 #{gid=>"two"}', 'insert u #{"a"=>4}',
		'prepare last 2 1 #{gid=>"two"}', 'insert u #{"a"=>5}',
		'rollback_prepared #{gid=>"two"}' ],
	'or its rollback; in parts where it is large');

# Under the LSN that confirms them.
$etf->sql("BEGIN; INSERT INTO u VALUES (6), (7); PREPARE TRANSACTION 'lsn';");
$etf->sql("COMMIT PREPARED 'lsn'");
$etf->sql("BEGIN; INSERT INTO u VALUES (8); PREPARE TRANSACTION 'lsn';");
$etf->sql("ROLLBACK PREPARED 'lsn'");
my @wire = map { [split] } split /\n/, $etf->stream('p', @on, frame_bytes => 1);
is_deeply([ map { $_->[0] } @wire ],
	[qw(first last commit_prepared whole rollback_prepared)], 'messages of the wire');
is($wire[0][1], 0, 'the first part of one is under no LSN');
is_deeply([ grep { $_->[1] != $_->[2] } @wire[ 1 .. 4 ] ], [],
	'all others are under the end of their record');
lines('p');

# Names.
my @names = ('', q(it's "quoted" {gid}), 'x' x 199);
for my $gid (@names)
{
	(my $quoted = $gid) =~ s/'/''/g;
	$etf->sql("BEGIN; INSERT INTO u VALUES (9); PREPARE TRANSACTION '$quoted';");
	$etf->sql("COMMIT PREPARED '$quoted'");
	is_deeply([ grep { /gid/ } @{ lines('p') } ],
		[ qq(prepare whole 0 1 #{gid=>"$gid"}), qq(commit_prepared #{gid=>"$gid"}) ],
		"the name: $gid");
}
$etf->sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
$etf->sql("SELECT pg_create_logical_replication_slot('l', 'pg_etf_decoding', false, true)", 'latin');
$etf->sql('CREATE TABLE u (a int)', 'latin');
for my $end ('COMMIT', 'ROLLBACK')
{
	$etf->sql("SET client_encoding = 'UTF8'; BEGIN; INSERT INTO u VALUES (1);
		PREPARE TRANSACTION '\xc3\xa9';", 'latin');
	$etf->sql("SET client_encoding = 'UTF8'; $end PREPARED '\xc3\xa9'", 'latin');
	my $got = join ' ', @{ lines('l', db => 'latin') };
	is(scalar(() = $got =~ /gid=>"\xc3\xa9"/g), 2, "in UTF-8 from another encoding: $end") or diag $got;
}

# Nothing to say of it.
$etf->sql("BEGIN; INSERT INTO u VALUES (9); PREPARE TRANSACTION 'e';");
$etf->sql("COMMIT PREPARED 'e'");
is_deeply(lines('p', exclude_tables => 'public.u'),
	[ 'prepare whole 0 0 #{gid=>"e"}', 'commit_prepared #{gid=>"e"}' ],
	'one without events is told of');
$etf->sql("BEGIN; PREPARE TRANSACTION 'e';");
$etf->sql("COMMIT PREPARED 'e'");
is_deeply([ grep { !/^commit_prepared #\{gid=>"e"\}$/ } @{ lines('p') } ], [],
	'of one that did nothing there may be a decision alone');

# Between the two others go on, also while it holds a lock.
$etf->sql("INSERT INTO u VALUES (10); BEGIN; ALTER TABLE u ADD b int; INSERT INTO u VALUES (11, 1);
	LOCK TABLE t IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'ddl'");
is_deeply(lines('p'),
	[ 'tx whole 0 1 #{}', 'insert u #{"a"=>10}', 'prepare whole 0 1 #{gid=>"ddl"}',
		'insert u #{"a"=>11, "b"=>1}' ],
	'a table that is altered and locked is decoded');
$etf->sql("ROLLBACK PREPARED 'ddl'");
$etf->sql('INSERT INTO u VALUES (12)');
is_deeply([ grep { !/^relation/ } @{ lines('p') } ],
	[ 'rollback_prepared #{gid=>"ddl"}', 'tx whole 0 1 #{}', 'insert u #{"a"=>12}' ],
	'and is as it was when that is rolled back');
$etf->sql("BEGIN; INSERT INTO t VALUES (500, 'c'); CLUSTER t USING t_pkey;
	PREPARE TRANSACTION 'cluster'");
$etf->sql('INSERT INTO u VALUES (130)');
is_deeply(lines('p'),
	[ 'prepare whole 0 1 #{gid=>"cluster"}', 'insert t #{"a"=>500, "v"=>"c"}',
		'tx whole 0 1 #{}', 'insert u #{"a"=>130}' ],
	'one that is rewritten, too');
$etf->sql("COMMIT PREPARED 'cluster'");
is_deeply(lines('p'), ['commit_prepared #{gid=>"cluster"}'], 'and what is left is its commit');
$etf->sql("BEGIN; CREATE TABLE big (a int, v text DEFAULT repeat('y', 5000));
	INSERT INTO big VALUES (1); ALTER TABLE big ADD w text DEFAULT repeat('z', 5000);
	UPDATE big SET a = 2; PREPARE TRANSACTION 'toast';");
$etf->sql("COMMIT PREPARED 'toast'");
is(scalar(grep { /y{5000}.*/ } @{ lines('p') }), 2, 'large defaults');

# A crash between the two; the server may forget what was confirmed last.
$etf->sql("BEGIN; INSERT INTO u VALUES (13); PREPARE TRANSACTION 'crash'");
is(scalar(grep { /^insert/ } @{ lines('p') }), 1, 'before a crash');
$etf->node->stop('immediate');
$etf->node->start;
lines('p');
$etf->sql("COMMIT PREPARED 'crash'");
is_deeply(lines('p'), ['commit_prepared #{gid=>"crash"}'], 'and after it the decision');
is($etf->sql('SELECT count(*) FROM u WHERE a = 13'), 1, 'which was for its row');

# Late ones: prepared before the slot began to decode what is prepared.
if ($etf->version >= 15)
{
	$etf->slot('turned');
	$etf->sql("BEGIN; INSERT INTO u VALUES (14); PREPARE TRANSACTION 'late';");
	$etf->sql('INSERT INTO u VALUES (15)');
	is_deeply([ grep { /^insert/ } @{ $etf->decode('turned') } ], ['insert u #{"a"=>15}'],
		'a slot without two_phase does not have it');
	is_deeply(lines('turned'), [], 'nor when the option turns the slot');
	is($etf->sql("SELECT two_phase FROM pg_replication_slots WHERE slot_name = 'turned'"),
		't', 'which is for good');
	$etf->sql("COMMIT PREPARED 'late'");
	my @late = (
		'prepare whole 0 1 #{gid=>"late"}', 'insert u #{"a"=>14}',
		'commit_prepared #{gid=>"late"}');
	is_deeply([ grep { !/^relation/ } @{ $etf->show($etf->peek('turned', undef, @on)) } ],
		\@late, 'a late one comes before its commit');
	is_deeply(lines('turned'), \@late, 'and again, until that is confirmed');
	is_deeply(lines('turned'), [], 'and no more');
	like($etf->recv_error('turned'), qr/option "two_phase" is off/,
		'such a slot is not read without the option either');
}

lines('p');

# Rolled back before it is decoded, when the catalogs that its rows need are
# gone: what is sent ends with what was complete.
$etf->sql("INSERT INTO u VALUES (16); BEGIN; INSERT INTO u VALUES (17);
	CREATE TABLE gone (a int, v text); INSERT INTO gone VALUES (1, 'x');
	INSERT INTO u VALUES (18); PREPARE TRANSACTION 'gone';");
$etf->sql("ROLLBACK PREPARED 'gone'; INSERT INTO u VALUES (19)");
my $lines = lines('p');
is_deeply([ @$lines[ 0, 1, -3 .. -1 ] ],
	[ 'tx whole 0 1 #{}', 'insert u #{"a"=>16}', 'rollback_prepared #{gid=>"gone"}',
		'tx whole 0 1 #{}', 'insert u #{"a"=>19}' ],
	'one that was rolled back before it is decoded, and what follows');
like($lines->[2], qr/^prepare whole 0 [013] #\{gid=>"gone"\}$/, 'may be incomplete');
$etf->sql("CREATE TABLE rights (a int, r aclitem); CREATE ROLE unknown;
	INSERT INTO rights VALUES (1); INSERT INTO u VALUES (20); BEGIN; INSERT INTO u VALUES (21);
	INSERT INTO rights VALUES (2, 'unknown=r/unknown'); PREPARE TRANSACTION 'half'");
$etf->sql("ROLLBACK PREPARED 'half'; INSERT INTO rights VALUES (3)");
is_deeply([ grep { !/^tx/ } @{ lines('p') } ],
	[ 'insert rights #{"a"=>1, "r"=>nil}', 'insert u #{"a"=>20}',
		'prepare whole 0 1 #{gid=>"half"}', 'insert u #{"a"=>21}',
		'rollback_prepared #{gid=>"half"}', 'insert rights #{"a"=>3, "r"=>nil}' ],
	'no half of a row is sent');
for my $slot ('p', $etf->version >= 15 ? 'turned' : ())
{
	$etf->drop_slot($slot);
}

# Large ones, streamed: the same as what comes at PREPARE.
my $streams = EtfStreams->new($etf, 's');
my $truth = EtfTruth->new($etf, 'truth_of');
$etf->sql('CREATE PUBLICATION everything FOR ALL TABLES');
if ($etf->version >= 15)
{
	# Each reads a copy of the slot, for which a COMMIT PREPARED brings a late one.
	my %theirs = (publication_names => 'everything', proto_version => 3, streaming => 'on');

	for my $end ('COMMIT', 'ROLLBACK')
	{
		$etf->sql("INSERT INTO t VALUES (nextval('n'), ''); BEGIN; $many SAVEPOINT a; $many ROLLBACK TO a;
			SAVEPOINT b; $many PREPARE TRANSACTION 'large'");
		$etf->sql("BEGIN; INSERT INTO u VALUES (21); PREPARE TRANSACTION 'small'");
		my $lines = $streams->alike('prepared ones', @on);
		$truth->agree('prepared ones', @on, pgoutput => \%theirs, ours => { streaming => 'on' });
		$etf->sql("$end PREPARED 'large'; INSERT INTO u VALUES (20)");
		$etf->sql("$end PREPARED 'small'");
		push @$lines, @{ $streams->alike($end, @on) };
		$truth->agree($end, @on, pgoutput => \%theirs, ours => { streaming => 'on' });
		is_deeply(
			[ map { /^(stream_[pc]\w+ .*|\w+_prepared.*)/ } @$lines ],
			[ 'stream_prepare x1 #{gid=>"large"}',
				map { lc($end) . "_prepared #{gid=>\"$_\"}" } qw(large small) ],
			"$end: a large one is streamed and prepared");
	}
	$etf->sql("BEGIN; $many PREPARE TRANSACTION 'empty'; ROLLBACK PREPARED 'empty'");
	is_deeply(
		[ grep { !/^relation/ } @{ $streams->alike('an empty one', @on,
				exclude_tables => 'public.t') } ],
		[ 'prepare whole 0 0 #{gid=>"empty"}', 'rollback_prepared #{gid=>"empty"}' ],
		'one of which nothing was streamed is an empty one');
}

$etf->stop;
done_testing();
