# Conditions on rows: which rows of which action pass, of one publication and of
# several, and what an update is that crosses one.
use strict;
use warnings;

use EtfTest;
use EtfTruth;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('row_filter');

plan skip_all => 'no row filters' if $etf->version < 15;

my $truth = EtfTruth->new($etf, 's');

sub agrees
{
	my ($count, $name, %option) = @_;
	my $lines = $truth->agree($name, %option);

	is(scalar @$lines, $count, "$name: as many") or diag join "\n", map { substr $_, 0, 100 } @$lines;
	return $lines;
}

$etf->sql(q{CREATE TABLE t (id int PRIMARY KEY, v text);
	CREATE TABLE f (id int, v text, n numeric, b bool); ALTER TABLE f REPLICA IDENTITY FULL;
	CREATE TABLE big (k text, id int, v text);
	ALTER TABLE big ALTER k SET STORAGE EXTERNAL; ALTER TABLE big REPLICA IDENTITY FULL;
	CREATE TABLE key (k text PRIMARY KEY, v text); ALTER TABLE key ALTER k SET STORAGE EXTERNAL;
	CREATE PUBLICATION over_5 FOR TABLE t WHERE (id > 5);
	CREATE PUBLICATION under_3 FOR TABLE t WHERE (id < 3);
	CREATE PUBLICATION open FOR TABLE t;
	CREATE PUBLICATION everything FOR ALL TABLES;
	CREATE PUBLICATION schemas FOR TABLES IN SCHEMA public;
	CREATE PUBLICATION with_schema FOR TABLE t WHERE (id > 5), TABLES IN SCHEMA public;
	CREATE PUBLICATION other FOR TABLE f;
	CREATE PUBLICATION whole FOR TABLE f WHERE (n > 1.5 AND b AND v LIKE 'x%' OR id IS NULL);
	CREATE PUBLICATION inserts FOR TABLE t WHERE (v = 'in') WITH (publish = 'insert');
	CREATE PUBLICATION deletes FOR TABLE t WHERE (id = 4) WITH (publish = 'delete');
	CREATE PUBLICATION updates FOR TABLE t WITH (publish = 'update');
	CREATE PUBLICATION always FOR TABLE t WHERE (true);
	CREATE PUBLICATION never FOR TABLE t WHERE (1 = 2);
	CREATE PUBLICATION unknown FOR TABLE t WHERE (NULL)});

# All four cases of an update, each action, in and out of each filter.
sub change_t
{
	$etf->sql(q{INSERT INTO t SELECT i, 'in' FROM generate_series(1, 9) i;
		UPDATE t SET v = 'same' WHERE id IN (1, 4, 8);
		UPDATE t SET id = 14 WHERE id = 4; UPDATE t SET id = 0 WHERE id = 14;
		UPDATE t SET id = 18 WHERE id = 8; UPDATE t SET id = 4 WHERE id = 3;
		UPDATE t SET v = 'in'; DELETE FROM t; TRUNCATE t});
	return;
}

my %counts = (
	'over_5' => 4 + 1 + 2 + 1 + 4 + 4 + 1,
	'under_3' => 2 + 1 + 1 + 3 + 3 + 1,
	'over_5, under_3' => 6 + 2 + 3 + 7 + 7 + 1,
	'open' => 35,
	'over_5, open' => 35,
	'over_5, everything' => 35,
	'under_3, schemas' => 35,
	'with_schema' => 35,
	'over_5, other' => 17,
	'inserts' => 9,
	'deletes' => 1,
	'updates' => 16,
	'inserts, deletes' => 10,
	'inserts, deletes, updates' => 26,
	'over_5, deletes' => 18,
	'inserts, over_5' => 22,
	'always' => 35,
	'never' => 1,
	'unknown' => 1);

for my $names (sort keys %counts)
{
	change_t();
	agrees($counts{$names}, $names, publication_names => $names);
}

# What we tell, alone.
sub ours
{
	my (%option) = @_;
	my $lines = [ grep { !/^tx / } @{ $truth->ours(%option) } ];

	$truth->move_on;
	return $lines;
}

# An old row that is not to be sent still decides, and is in deletes.
$etf->sql(q{INSERT INTO t VALUES (6); UPDATE t SET id = 7; UPDATE t SET id = 1;
	UPDATE t SET id = 8; DELETE FROM t});
is_deeply(ours(publication_names => 'over_5', old_rows => 'none'),
	[ "insert public.t id='6' v=null", "update public.t nil to id='7' v=null",
		"delete public.t key id='7'", "insert public.t id='8' v=null",
		"delete public.t key id='8'" ], 'old_rows=none');

# What happened counts for actions, not what a filter makes of it.
$etf->sql(q{INSERT INTO t VALUES (1); UPDATE t SET id = 7; UPDATE t SET id = 8;
	UPDATE t SET id = 2; DELETE FROM t});
is_deeply(ours(publication_names => 'over_5', actions => 'update'),
	[ "insert public.t id='7' v=null", "update public.t key id='7' to id='8' v=null",
		"delete public.t key id='8'" ], 'actions=update');

$etf->sql(q{INSERT INTO f VALUES (1, 'xy', 2, true), (2, 'xy', 1.5, true), (3, 'y', 2, true),
		(4, 'xy', 2, false), (5, NULL, 2, true), (NULL, NULL, NULL, NULL);
	UPDATE f SET v = 'x' || id; UPDATE f SET b = NOT b; UPDATE f SET n = NULL; DELETE FROM f});
agrees(14, 'values of all columns', publication_names => 'whole');

# Values out of line: the old row has those that did not change.
$etf->sql(q{CREATE PUBLICATION long FOR TABLE big WHERE (length(k) > 5000 AND id > 1),
		TABLE key WHERE (length(k) > 2200);
	ALTER TABLE big ALTER v SET STORAGE EXTERNAL;
	ALTER TABLE key ALTER v SET STORAGE EXTERNAL;
	INSERT INTO big VALUES (repeat('a', 9000), 1, repeat('v', 9000)), (repeat('b', 4000), 2, 'w');
	UPDATE big SET id = id + 1; UPDATE big SET k = repeat('c', 8000) WHERE id = 3;
	UPDATE big SET id = id - 1; UPDATE big SET v = 'short'; DELETE FROM big;
	INSERT INTO key VALUES (repeat('x', 2400), repeat('v', 9000)),
		(repeat('y', 2100), repeat('v', 9000));
	UPDATE key SET v = v; UPDATE key SET v = 'short' WHERE k < 'y';
	UPDATE key SET k = repeat('y', 2300) WHERE k LIKE 'y%';
	UPDATE key SET k = repeat('y', 2000) WHERE k LIKE 'y%'; DELETE FROM key});
my $lines = agrees(12, 'values out of line', publication_names => 'long');
ok(scalar grep({ /^insert public.key .* v=unchanged$/ } @$lines),
	'an insert that was an update has values that are not there');

# Also of columns that are not sent.
$etf->sql(q{INSERT INTO big VALUES (repeat('a', 9000), 2, 'v'); UPDATE big SET v = 'w'; DELETE FROM big});
is_deeply([ map { s/k='a+'/k=.../gr } @{ ours(publication_names => 'long',
				exclude_columns => 'public.big.k') } ],
	[ q{insert public.big id='2' v='v'},
		q{update public.big full id='2' v='v' to id='2' v='w'},
		q{delete public.big full id='2' v='w'} ], 'a condition on a column that is left out');

# Tables that inherit are each on its own.
$etf->sql(q{CREATE TABLE parent (a int PRIMARY KEY); CREATE TABLE child (b int) INHERITS (parent);
	ALTER TABLE child REPLICA IDENTITY FULL;
	CREATE PUBLICATION family FOR TABLE parent WHERE (a > 1);
	INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, 2);
	UPDATE parent SET a = a + 10; DELETE FROM parent});
agrees(10, 'inheritance', publication_names => 'family');

# In mid-stream.
$etf->sql(q{CREATE PUBLICATION alter FOR TABLE t WHERE (id = 1);
	INSERT INTO t VALUES (1), (2); ALTER PUBLICATION alter SET TABLE t WHERE (id = 2);
	DELETE FROM t; INSERT INTO t VALUES (1), (2); ALTER PUBLICATION alter SET TABLE t;
	DELETE FROM t; BEGIN; ALTER PUBLICATION alter SET TABLE t WHERE (id = 1);
	INSERT INTO t VALUES (1), (2); ROLLBACK; INSERT INTO t VALUES (1), (2);
	ALTER TABLE t ADD w int; ALTER TABLE t DROP w;
	DELETE FROM t});
agrees(9, 'altered', publication_names => 'alter');

# Columns that were dropped, and that got a value when they were added.
$etf->sql(q{CREATE TABLE d (x int, id int PRIMARY KEY, y int); ALTER TABLE d DROP x;
	INSERT INTO d VALUES (1, 1); ALTER TABLE d ADD z int DEFAULT 7; INSERT INTO d VALUES (2, 2, 8);
	ALTER TABLE d REPLICA IDENTITY FULL; ALTER TABLE d DROP y;
	CREATE PUBLICATION added FOR TABLE d WHERE (z = 7)});
$truth->move_on;
$etf->sql(q{UPDATE d SET id = id + 10; UPDATE d SET z = 15 - z; DELETE FROM d});
agrees(4, 'columns that came and went', publication_names => 'added');

# A condition that raises an ERROR ends the stream, as with pgoutput; without
# that publication it goes on.
$etf->sql(q{CREATE PUBLICATION raises FOR TABLE t WHERE (1 / id > 0);
	CREATE PUBLICATION folded FOR TABLE f WHERE (1 / 0 > id);
	INSERT INTO t VALUES (1); INSERT INTO t VALUES (0) ON CONFLICT DO NOTHING;
	INSERT INTO f VALUES (1); DELETE FROM t});
for (1 .. 2)
{
	like($etf->recv_error('s', publication_names => 'raises'),
		qr/The row filter of table "public.t" raises this/, 'and what to do about it');
	like($etf->recv_error('s', publication_names => 'raises'),
		qr/division by zero.*row filter of table "public.t"/s, 'an ERROR of a row');
	like($etf->recv_error('s', publication_names => 'folded'),
		qr/division by zero.*row filter of table "public.f"/s, 'an ERROR of a plan');
}
agrees(5, 'without what raises', publication_names => 'open, other');

# A condition that was cancelled has raised nothing.
my $slow = join ' + ', map { "factorial(id + $_)" } 30000 .. 30040;
$etf->sql("CREATE PUBLICATION slow FOR TABLE t WHERE ($slow > 0);
	INSERT INTO t VALUES (1); DELETE FROM t");
{
	local $ENV{PGOPTIONS} = '-c statement_timeout=3s';
	my (undef, undef, $error) = $etf->node->psql('postgres', q{SELECT count(*) FROM
		pg_logical_slot_peek_binary_changes('s', NULL, NULL, 'publication_names', 'slow')});

	like($error, qr/canceling statement.*row filter of table "public.t"/s, 'a cancel');
	unlike($error, qr/raises this/, 'is not blamed on the condition');
}
$truth->move_on;

# Who reads needs no rights on the tables, and their policies do not count.
$etf->sql(q{CREATE ROLE reader LOGIN REPLICATION; CREATE SCHEMA secret;
	CREATE TABLE secret.t (id int PRIMARY KEY); ALTER TABLE secret.t ENABLE ROW LEVEL SECURITY;
	ALTER TABLE secret.t FORCE ROW LEVEL SECURITY;
	CREATE PUBLICATION secrets FOR TABLE secret.t WHERE (id > 1);
	SET ROLE reader; RESET ROLE; INSERT INTO secret.t VALUES (1), (2)});
my $file = $etf->new_file;
my ($out, $err) = run_command([ $etf->recv_command('s', undef, $file, publication_names => 'secrets'),
	'--username', 'reader', '--endpos', $etf->end_of_wal ]);
like($etf->show($file)->[-1], qr/^insert t #\{"id"=>2\}$/, 'a role without rights') or diag $err;
$etf->wait_until_idle('s');
$truth->move_on;

SKIP:
{
	skip 'no virtual columns', 2 if $etf->version < 18;
	$etf->sql(q{CREATE TABLE virtual (id int PRIMARY KEY, d int GENERATED ALWAYS AS (id * 2) VIRTUAL);
		CREATE PUBLICATION doubled FOR TABLE virtual WHERE (d > 5) WITH (publish = 'insert');
		INSERT INTO virtual VALUES (2), (3)});
	agrees(1, 'a virtual column', publication_names => 'doubled');
}

$etf->stop;
done_testing();
