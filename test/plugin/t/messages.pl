# Logical messages, origins and prepared transactions.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('messages');

sub emit
{
	my ($transactional, $prefix, $content) = @_;

	return "SELECT pg_logical_emit_message($transactional, '$prefix', $content);";
}

$etf->sql('CREATE TABLE t (a int PRIMARY KEY)');
$etf->slot('s');

# A message of no transaction is not flushed by itself.
my $flush = 'INSERT INTO t VALUES (0); DELETE FROM t WHERE a = 0;';

$etf->sql(emit('true', 'p', q('x')) . emit('false', 'p', q('x')) . $flush);
is_deeply([ grep { /message|now/ } @{ $etf->changes('s') } ],
	[], 'messages are off by default');

$etf->sql('BEGIN; INSERT INTO t VALUES (1);' . emit('true', 'app', q('in it'))
	  . emit('false', 'app', q('at once')) . 'INSERT INTO t VALUES (2); COMMIT');
is_deeply(
	$etf->decode('s', messages => 'on'),
	[
		'now "app" "at once"',
		'tx whole 0 3 #{}',
		'relation public.t default, a int4 key primary',
		'insert t #{"a"=>1}',
		'message "app" "in it"',
		'insert t #{"a"=>2}'
	],
	'a transactional message has its place among the events, '
	  . 'one of no transaction comes before');

$etf->sql('BEGIN; INSERT INTO t VALUES (9);' . emit('true', 'app', q('gone'))
	  . emit('false', 'app', q('stays')) . 'ROLLBACK;' . $flush);
is_deeply(
	[ grep { /message|now/ } @{ $etf->changes('s', messages => 'on') } ],
	['now "app" "stays"'],
	'a rollback takes back the transactional message only');

$etf->sql(emit('true', 'app', q('alone')));
is_deeply(
	$etf->decode('s', messages => 'on'),
	[ 'tx whole 0 1 #{}', 'message "app" "alone"' ],
	'a message alone makes a transaction');

$etf->sql(emit('true', 'app', q('\x00ff0001'::bytea))
	  . emit('false', 'app', q('\x00'::bytea)) . emit('true', '', q('')) . $flush);
is_deeply(
	[ grep { /message|now/ } @{ $etf->changes('s', messages => 'on') } ],
	[
		'message "app" <<0,255,0,1>>',
		'now "app" <<0>>',
		'message "" ""'
	],
	'content is bytes, zeros included; prefixes may be empty');

$etf->sql(emit('true', 'app.one', q('1')) . emit('true', 'other', q('2'))
	  . emit('false', 'app.two', q('3')) . emit('false', 'other', q('4')) . $flush);
is_deeply(
	[ grep { /message|now/ } @{ $etf->changes('s', messages => 'on',
		message_prefixes => 'app.*') } ],
	[ 'message "app.one" "1"', 'now "app.two" "3"' ],
	'only messages with the wanted prefixes');

# Origins.
my $session = q{SELECT pg_replication_origin_session_setup('elsewhere');};

$etf->sql(q{SELECT pg_replication_origin_create('elsewhere')});
$etf->sql($session . q{BEGIN;
	SELECT pg_replication_origin_xact_setup('0/ABCDEF', '2024-01-01');
	INSERT INTO t VALUES (100); COMMIT;});
$etf->sql('INSERT INTO t VALUES (101)');
$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'none')");
is_deeply(
	[ grep { !/^relation/ } @{ $etf->decode('s') } ],
	[
		'tx whole 0 1 #{origin=>"elsewhere"}', 'insert t #{"a"=>100}',
		'tx whole 0 1 #{}', 'insert t #{"a"=>101}'
	],
	'the name of the origin is told');
for my $case ([ '294276-12-31', '9223372036854775807' ],
	[ 'infinity', '9223372036854775807' ],
	[ '-infinity', '-9223372036854775808' ],
	[ '2024-01-01 00:00:00Z', '1704067200000000' ])
{
	my ($time, $told) = @$case;

	$etf->sql($session . qq{BEGIN;
		SELECT pg_replication_origin_xact_setup('0/ABCDEF', '$time');
		INSERT INTO t VALUES (102); DELETE FROM t WHERE a = 102; COMMIT;});
	like($etf->sql(
			"SELECT etf_to_text(data) FROM " . EtfTest::slot_call('peek', 's')),
		qr/^\{tx,whole,\{\d+,\d+,\d+,\Q$told\E\},/,
		"a commit time of $time");
	$etf->decode('s');
}
is_deeply($etf->changes('none', origin => 'none'),
	['insert t #{"a"=>101}'],
	'origin=none leaves out what was replicated in');
$etf->sql($session . emit('true', 'app', q('in')) . emit('false', 'app', q('now')));
$etf->sql($flush);
is_deeply(
	[ grep { /message|now/ } @{ $etf->changes('none', origin => 'none', messages => 'on') } ],
	[], 'its messages, too');
$etf->decode('s', messages => 'on');
$etf->sql($session . 'INSERT INTO t SELECT generate_series(200, 209)');
is_deeply(
	[
		grep { !/^#\{origin=>"elsewhere"\}$/ }
		map { /^tx .*?(#.*)/ } @{ $etf->decode('s', frame_bytes => 300) }
	],
	[], 'every frame of the transaction tells the origin');

# Prepared transactions, without two_phase.
$etf->decode('s');
$etf->sql(q{BEGIN; INSERT INTO t VALUES (300); PREPARE TRANSACTION 'x';});
$etf->sql('INSERT INTO t VALUES (301)');
is_deeply($etf->changes('s'), ['insert t #{"a"=>301}'],
	'a prepared transaction is not delivered yet');
$etf->sql(q{COMMIT PREPARED 'x'});
is_deeply($etf->changes('s'), ['insert t #{"a"=>300}'], 'it is at COMMIT PREPARED');
$etf->sql(q{BEGIN; INSERT INTO t VALUES (302); PREPARE TRANSACTION 'x';});
$etf->sql(q{ROLLBACK PREPARED 'x'});
$etf->sql(q{BEGIN; PREPARE TRANSACTION 'y';});
$etf->sql(q{COMMIT PREPARED 'y'; DELETE FROM t});
is_deeply([ grep { /insert/ } @{ $etf->changes('s') } ], [], 'one that is rolled back is not');

$etf->stop;
done_testing();
