# Values near and above the 1 GB that a message can hold.
#
# They need several GB of memory in all, so the largest come with
# PG_ETF_FULL=1 only.
use strict;
use warnings;

use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('oversized',
	conf => "max_wal_size = 10GB\nwal_sender_timeout = 0\nshared_buffers = 64MB");

# Compresses well: what is large is the value, not its WAL.
sub big
{
	my ($megabytes) = @_;

	return "repeat(repeat('x', 1024), $megabytes * 1024)";
}

$etf->sql('CREATE TABLE t (a int PRIMARY KEY, v text, w text, n int)');
$etf->slot('s');

my $receiver = IPC::Run::start(
	[ $etf->recv_command('s', undef, '/dev/null') ], '>', \my $out, '2>', \my $err);

sub wait_until_sent
{
	$etf->sql('INSERT INTO t VALUES (nextval($$small$$))');
	my $end = $etf->end_of_wal;

	return $etf->node->poll_query_until('postgres',
		"SELECT bool_or(sent_lsn >= '$end') FROM pg_stat_replication");
}

# A value of 300 MB goes through, and the walsender gives its buffer back as
# far as the plugin can: what libpq has grown to stays.
$etf->sql('CREATE SEQUENCE small START 1000');
wait_until_sent();
my $before = $etf->walsender_memory('s');
$etf->sql('INSERT INTO t VALUES (1, ' . big(300) . ')');
ok(wait_until_sent(), 'a value of 300 MB is sent');
my $after = $etf->walsender_memory('s') - $before;
diag "walsender: $before kB, after a row of 300 MB $after kB more";
cmp_ok($after, '<', 450 * 1024, 'and leaves one buffer behind at the most');
$receiver->signal('INT');
$receiver->finish;

sub shown
{
	my ($file) = @_;

	return [ grep { /^(insert|update|delete)/ } @{ $etf->show($file) } ];
}

SKIP:
{
	skip 'rows above 1 GB take minutes and memory: PG_ETF_FULL=1', 4
	  if !$ENV{PG_ETF_FULL};
	$etf->sql('DELETE FROM t');
	$etf->recv('s');
	# No row of that size can be made at once, but from two toasted values.
	$etf->sql('CREATE TABLE source (LIKE t)');
	$etf->sql('INSERT INTO source VALUES (2, ' . big(600) . ', NULL, 7)');
	$etf->sql('UPDATE source SET w = ' . big(700));
	$etf->sql('INSERT INTO t SELECT * FROM source');
	$etf->sql(q{INSERT INTO t VALUES (3, 'small')});
	is_deeply(
		shown($etf->recv('s', undef, exclude_tables => '*.source')),
		[
			'insert t #{"a"=>2, "n"=>7, "v"=><<' . 600 * 1024 * 1024
			  . ' bytes>>, "w"=>{oversized, ' . 700 * 1024 * 1024 . '}}',
			'insert t #{"a"=>3, "n"=>nil, "v"=>"small", "w"=>nil}'
		],
		'a value that does not fit is marked, the row and the slot go on');
	$etf->sql(q{BEGIN; INSERT INTO t VALUES (4, 'x'); UPDATE t SET v = v || 'y'
		WHERE a = 2; INSERT INTO t VALUES (5, 'z'); COMMIT});
	is_deeply(
		shown($etf->recv('s', undef, exclude_tables => '*.source')),
		[
			'insert t #{"a"=>4, "n"=>nil, "v"=>"x", "w"=>nil}',
			'update t nil #{"a"=>2, "n"=>7, "v"=><<'
			  . (600 * 1024 * 1024 + 1) . ' bytes>>, "w"=>unchanged_toast}',
			'insert t #{"a"=>5, "n"=>nil, "v"=>"z", "w"=>nil}'
		],
		'in the middle of a transaction, too');
	$etf->sql("SELECT pg_logical_emit_message(true, 'p', " . big(999) . ')');
	like($etf->show($etf->recv('s', undef, messages => 'on'))->[-1],
		qr/^message "p" (\{oversized, 1047527424\}|<<1047527424 bytes>>)/,
		'and so are messages');

	# In UTF-8 the prefix takes twice as much.
	$etf->sql("CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE 'C'
		TEMPLATE template0");
	$etf->slot('latin1', 'latin1');
	$etf->sql("SELECT pg_logical_emit_message(true,
		repeat(chr(233), 600 * 1024 * 1024), 'content')", 'latin1');
	is($etf->show($etf->recv('latin1', 'latin1', messages => 'on'))->[-1],
		'message {oversized, ' . 600 * 1024 * 1024 . '} "content"',
		'so are their prefixes');
}

$etf->stop;
done_testing();
