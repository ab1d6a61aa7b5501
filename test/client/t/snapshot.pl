# What was in the tables, and then the changes: on a new slot, one round.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfTest;
use EtfMirror;
use EtfWriters;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('snapshot', conf => 'max_wal_senders = 20');
my $node = $etf->node;
my @client =
  ($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'), '--slot', 's');
sub client { return EtfCommand::run(@client, @_); }

$etf->sql("CREATE TABLE t (id int PRIMARY KEY, v text, n numeric);
	INSERT INTO t SELECT i, repeat('x', 10) || i, i / 2.0 FROM generate_series(1, 1000) i");
$etf->sql("CREATE TABLE empty (id int PRIMARY KEY)");

# Nothing is left behind.
my $began = time;
my ($status, $out, $err) =
  client('--temporary', '--snapshot=only', '--json', '--tables=public.*');
cmp_ok(time - $began, '<', 9, 'no timer is waited for, of 10 s');
is($status, 0, 'only the snapshot') or diag $err;
my @lines = split /\n/, $out;
is(scalar @lines, 1000, 'has each row once');
like($lines[0],
	qr/^\{"op":"read","schema":"public","table":"t","record":\{"id":1,"v":"xxxxxxxxxx1","n":"0\.5\d*"\},"commit_lsn":"0\/\w+"\}$/,
	'as JSON, with its place');
is($err, '', 'without a word');
is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 0, 'no slot stays');
is($etf->sql('SELECT count(*) FROM etf_backfill'), 0, 'nor what was read for it');

# A large table in several ranges, wide values, small tables; and writers.
my $writers = EtfWriters->new($etf, big => 20000, wide => 200, small => 200);
is($etf->sql("SELECT pg_relation_size('big') > 64 * 1024 * 1024"), 't',
	'big is of more than one range');

# Until it has confirmed all that there is.
sub wait_for_end
{
	my ($slot) = @_;
	my $end = $etf->end_of_wal;

	return $node->poll_query_until('postgres',
		"SELECT confirmed_flush_lsn >= '$end' FROM pg_replication_slots WHERE slot_name = '$slot'");
}

$writers->start(clients => 3, count => 1500);
my $file = $etf->new_file;
my $reader = IPC::Run::start(
	[ @client, '--create-slot', '--snapshot', '--jobs=4', '--json',
	  '--status-interval=1', '--tables=public.big,public.wide,public.small' ],
	'>', $file, '2>', \my $said);
$writers->finish;
ok(wait_for_end('s'), 'the changes follow');
$reader->signal('TERM');
IPC::Run::finish($reader);
is($reader->result(0), 0, 'a clean end') or diag $said;
my $mirror = EtfMirror->new(strict => 1);
$mirror->apply($_) for split /\n/, slurp_file($file);
is(join("\n", @{ $mirror->{wrong} }), '', 'CTID partitioned: each row once, then its changes');
is($mirror->differs($etf, $_), '', "$_ is the same") for EtfWriters::tables();
cmp_ok($mirror->{ops}{read}, '>', 20000, 'rows were read');
cmp_ok($mirror->{ops}{update} // 0, '>', 100, 'and changes came');

subtest 'a column is to be hashed, and there is no key' => sub {
	my @masked = ('--slot', 'masked', '--create-slot', '--json', '-o', 'mask_columns=*.*.v:hash');
	my $problem = qr/to be hashed, but there is no key\n.*hint: Set "pg_etf_decoding\.mask_key"/;
	my ($status, $out, $err) = client(@masked, '--snapshot');

	is_deeply([ $status, $out ], [ 3, '' ], 'nothing is read');
	like($err, $problem, 'it is told what to do');
	is($etf->sql("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'masked'"), 0, 'and no slot is made');
	($status, $out, $err) = client(@masked);
	is($status, 3, 'to the stream the slot is not lost');
	like($err, $problem, 'either');
};

subtest 'again, when all was read' => sub {
	my @only = ('--slot', 'again', '--create-slot', '--snapshot=only', '--json');
	my ($status, $out, $err) = client(@only, '--tables=public.t*');

	is_deeply([ $status, $err ], [ 0, '' ], 'once, without a word');
	$etf->sql('CREATE TABLE t_later (id int)');
	($status, $out, $err) = client(@only, '--tables=public.t*');
	is_deeply([ $status, $out ], [ 0, '' ], 'and not again');
	like($err,
		qr/^pg_etf_client: info: nothing was left to be read: 1 tables, 1000 rows were read before; .* a new slot, or a backfill$/,
		'which is told, with what to do');
	($status, $out, $err) = client(@only, '--tables=public.t', '-v');
	like($err, qr/^pg_etf_client: info: the WAL that the slot needs is \w+, \d[\d.]* k?M?B$/m,
		'what becomes of the slot, for who wants to know more');
	($status, $out, $err) = client(@only, '--slot', 'none', '-o', 'exclude_tables=*.*');
	is($status, 0, 'nor where there is nothing');
	like($err, qr/info: there is no table to be read$/m, 'which is told, too');
	($status, $out, $err) = client(@only, '--slot', 'published', '--plugin=pgoutput',
		'--create-publication', '-o', 'publication_names=made', '--tables=public.t');
	is_deeply([ $status, $err ], [ 0, '' ], 'what was published meanwhile is read') or diag $err;
};

# A stream may still get it.
subtest 'what no table matches' => sub {
	my @some = ('--slot', 'unmatched', '--create-slot', '--json', '--tables=public.t, public.nosuch,nosuch.*');
	my ($status, $out, $err) = client(@some, '--snapshot=only');

	is_deeply([ $status, $out ], [ 3, '' ], 'is a failure where nothing follows');
	like($err, qr/there is no such table in the stream: public\.nosuch, nosuch\.\*$/m, 'which names it') or diag $err;
	is($etf->sql("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'unmatched'"), 0, 'and no slot is made');
	$etf->sql('CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE leaf PARTITION OF parted FOR VALUES FROM (0) TO (10); INSERT INTO parted VALUES (1);
		CREATE PUBLICATION root FOR TABLE parted WITH (publish_via_partition_root)');
	($status, $out, $err) = client('--slot', 'parted', '--temporary', '--json', '--snapshot=only',
		'-o', 'publication_names=root', '--tables=public.parted');
	is($status, 0, 'a root is matched by its partitions') or diag $err;
	like($out, qr/"op":"read","schema":"public","table":"parted"/, 'which are read');
	($status, $out, $err) = client(@some, '--snapshot', '--endpos', $etf->end_of_wal);
	is($status, 0, 'with a stream it is none');
	like($err, qr/warning: include_tables: no table matches "$_"/, 'but told') for 'public.nosuch', 'nosuch.\*';
};

done_testing();
