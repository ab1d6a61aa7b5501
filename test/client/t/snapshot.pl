# What was in the tables, and then the changes: on a new slot, one round.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfTest;
use EtfMirror;
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


# A large table in several ranges, wide values, small tables; and writers.
$etf->sql("
	CREATE TABLE big (id int PRIMARY KEY, v text, w int) WITH (fillfactor = 10);
	INSERT INTO big SELECT i, repeat('b', 400), 0 FROM generate_series(1, 20000) i;
	CREATE TABLE wide (id int PRIMARY KEY, v text, w int);
	ALTER TABLE wide ALTER v SET STORAGE EXTERNAL;
	INSERT INTO wide SELECT i, repeat(i::text, 4000), 0 FROM generate_series(1, 200) i;
	CREATE TABLE small (id int PRIMARY KEY, v text, w int);
	INSERT INTO small SELECT i, i::text, 0 FROM generate_series(1, 200) i;
	ALTER TABLE small REPLICA IDENTITY FULL;
	CREATE SEQUENCE ids START 100000;
	VACUUM ANALYZE");
is($etf->sql("SELECT pg_relation_size('big') > 64 * 1024 * 1024"), 't',
	'big is of more than one range');
my $script = "$etf->{dir}/writer.sql";
$etf->write_text($script, <<'SQL');
\set i random(1, 20000)
\set j random(1, 200)
\set op random(1, 10)
BEGIN;
UPDATE big SET w = w + 1 WHERE id = :i;
UPDATE wide SET w = w + 1 WHERE id = :j;
\if :op < 4
INSERT INTO small VALUES (nextval('ids'), 'new', 1);
INSERT INTO big VALUES (nextval('ids'), 'new', 1);
\elif :op = 4
DELETE FROM small WHERE id = :j;
UPDATE big SET id = nextval('ids') WHERE id = :i;
\elif :op = 5
SAVEPOINT a;
DELETE FROM wide WHERE id = :j;
ROLLBACK TO a;
\elif :op = 6
UPDATE wide SET v = repeat('n', 30000) WHERE id = :j;
\endif
COMMIT;
SQL

sub write_rows
{
	my ($count) = @_;

	return IPC::Run::start(
		[ 'pgbench', '-n', '-c', 3, '-t', $count, '-f', $script,
		  $node->connstr('postgres') ], '>', \my $out, '2>', \my $err);
}

# Until it has confirmed all that there is.
sub wait_for_end
{
	my ($slot) = @_;
	my $end = $etf->end_of_wal;

	return $node->poll_query_until('postgres',
		"SELECT confirmed_flush_lsn >= '$end' FROM pg_replication_slots WHERE slot_name = '$slot'");
}

my $writers = write_rows(1500);
my $file = $etf->new_file;
my $reader = IPC::Run::start(
	[ @client, '--create-slot', '--snapshot', '--jobs=4', '--json',
	  '--status-interval=1', '--tables=public.big,public.wide,public.small' ],
	'>', $file, '2>', \my $said);
IPC::Run::finish($writers);
ok(wait_for_end('s'), 'the changes follow');
$reader->signal('TERM');
IPC::Run::finish($reader);
is($reader->result(0), 0, 'a clean end') or diag $said;
my $mirror = EtfMirror->new(strict => 1);
$mirror->apply($_) for split /\n/, slurp_file($file);
is(join("\n", @{ $mirror->{wrong} }), '', 'each row once, then its changes');
is($mirror->differs($etf, $_), '', "$_ is the same") for qw(big wide small);
cmp_ok($mirror->{ops}{read}, '>', 20000, 'rows were read');
cmp_ok($mirror->{ops}{update} // 0, '>', 100, 'and changes came');

done_testing();
