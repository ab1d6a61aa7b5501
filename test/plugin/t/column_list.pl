# Lists of columns: which columns of rows, old rows and descriptions come, and
# what several publications of a table make of it; generated columns.
use strict;
use warnings;

use EtfTest;
use EtfTruth;
use Test::More;

my $etf = EtfTest->new('column_list');

plan skip_all => 'no column lists' if $etf->version < 15;

my $truth = EtfTruth->new($etf, 's');

sub agrees
{
	my ($count, $name, %option) = @_;
	my $lines = $truth->agree($name, %option);

	is(scalar @$lines, $count, "$name: as many") or diag join "\n", @$lines;
	return $lines;
}

# What we tell, alone.
sub ours
{
	my (%option) = @_;
	my $lines = [ grep { !/^tx / } @{ $truth->ours(%option) } ];

	$truth->move_on;
	return $lines;
}

$etf->sql(q{CREATE TYPE mood AS ENUM ('sad', 'happy');
	CREATE TABLE t (a int, b int PRIMARY KEY, c text, d mood);
	CREATE TABLE "o'dd" ("a'" int PRIMARY KEY, "B" int, "c'3" int);
	CREATE PUBLICATION bd FOR TABLE t (d, b);
	CREATE PUBLICATION bd_too FOR TABLE t (b, d), "o'dd" ("a'", "c'3");
	CREATE PUBLICATION bc FOR TABLE t (b, c);
	CREATE PUBLICATION every FOR TABLE t (a, b, c, d);
	CREATE PUBLICATION no_list FOR TABLE t;
	CREATE PUBLICATION everything FOR ALL TABLES});

sub change_t
{
	$etf->sql(q{INSERT INTO t VALUES (1, 2, 'x', 'sad'); UPDATE t SET a = 3; UPDATE t SET c = 'y';
		UPDATE t SET b = 4; DELETE FROM t; INSERT INTO "o'dd" VALUES (1, 2, 3);
		UPDATE "o'dd" SET "B" = 4; DELETE FROM "o'dd"; TRUNCATE t});
	return;
}

for my $set ([ 6, 'bd' ], [ 9, 'bd, bd_too' ], [ 6, 'bc' ], [ 6, 'every' ],
	[ 6, 'every, no_list' ], [ 9, 'everything, every' ])
{
	change_t();
	agrees($set->[0], $set->[1], publication_names => $set->[1]);
}

# The description has the columns that come, and no others.
change_t();
is($truth->ours(publication_names => 'bd')->[1], q{insert public.t b='2' d='sad'}, 'columns that come');
is_deeply([ grep { /^relation/ } @{ $etf->decode('s', publication_names => 'bd') } ],
	[ 'relation public.t default, b int4 key primary, d mood' ], 'and are described');

# Publications that differ: an ERROR that says what to do, until they are not
# named together.
change_t();
for my $names ('bd, bc', 'bc, no_list', 'everything, bd')
{
	like($etf->recv_error('s', publication_names => $names),
		qr/ERROR:  cannot use different column lists for table "public.t" in different publications\n.*HINT:  Name only one of them/s,
		"$names: an ERROR with a hint");
	is_deeply($truth->ours(publication_names => $names),
		$truth->pgoutput(publication_names => $names), "$names: as pgoutput's");
}
agrees(6, 'with one of them', publication_names => 'bc');

# Old rows have the columns of the identity only, which are in the list.
change_t();
is_deeply([ grep { /(update|delete).*key/ } @{ agrees(6, 'old rows', publication_names => 'bc') } ],
	[ q{update public.t key b='2' to b='4' c='y'}, q{delete public.t key b='4'} ],
	'old rows');

# In mid-stream: lists, columns, keys.
$etf->sql(q{DROP PUBLICATION every, bd_too, bc, no_list, everything;
	INSERT INTO t VALUES (1, 2, 'x', 'sad');
	ALTER PUBLICATION bd SET TABLE t (b, c); UPDATE t SET c = 'z';
	ALTER TABLE t RENAME c TO cc; UPDATE t SET cc = 'y';
	ALTER TABLE t ADD e int DEFAULT 5; UPDATE t SET cc = 'x';
	ALTER PUBLICATION bd SET TABLE t (b, e); UPDATE t SET cc = 'w';
	ALTER TABLE t DROP COLUMN a; UPDATE t SET cc = 'v';
	ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (e); UPDATE t SET cc = 'u';
	ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey; UPDATE t SET e = 6;
	ALTER TYPE mood RENAME VALUE 'sad' TO 'glad';
	ALTER PUBLICATION bd SET TABLE t; DELETE FROM t;
	ALTER PUBLICATION bd SET TABLE t (d, e); INSERT INTO t VALUES (7, 'n', 'glad', 8)});
agrees(10, 'altered', publication_names => 'bd');

# With a row filter, which may use a column that is not in the list.
$etf->sql(q{CREATE TABLE wide (a int PRIMARY KEY, b int, c int);
	CREATE PUBLICATION inserts FOR TABLE wide (a) WHERE (c > 1) WITH (publish = 'insert');
	INSERT INTO wide VALUES (1, 1, 1), (2, 2, 2)});
is_deeply(agrees(1, 'a filter beyond the list', publication_names => 'inserts'),
	[ q{insert public.wide a='2'} ], 'the columns that are listed');

# A list that has all columns but one that was dropped, which pgoutput takes for
# another than none.
$etf->sql(q{CREATE TABLE dropped (a int PRIMARY KEY, b int, c int);
	CREATE PUBLICATION ab FOR TABLE dropped (a, b);
	CREATE PUBLICATION abc FOR TABLE dropped; ALTER TABLE dropped DROP c;
	INSERT INTO dropped VALUES (1, 2);});
is_deeply(ours(publication_names => 'ab, abc'), [ q{insert public.dropped a='1' b='2'} ],
	'a list of what is left');

# Generated columns: 18 can publish those that are stored.
$etf->sql(q{CREATE TABLE g (a int PRIMARY KEY, s int GENERATED ALWAYS AS (a * 2) STORED);
	CREATE PUBLICATION plain FOR TABLE g; CREATE PUBLICATION listed FOR TABLE g (a);
	INSERT INTO g VALUES (1); UPDATE g SET a = 2; DELETE FROM g});
is(agrees(3, 'generated columns', publication_names => 'plain')->[0],
	q{insert public.g a='1'}, 'generated columns are not published');
$etf->sql('INSERT INTO g VALUES (1); UPDATE g SET a = 2; DELETE FROM g');
is(ours()->[0], q{insert public.g a='1' s='2'}, 'but sent without publications');
$etf->sql('INSERT INTO g VALUES (1); UPDATE g SET a = 2; DELETE FROM g');
is_deeply(ours(publication_names => 'plain, listed'),
	[ q{insert public.g a='1'}, q{update public.g key a='1' to a='2'},
		q{delete public.g key a='2'} ], 'a list of all the others');

SKIP:
{
	skip 'generated columns are not published', 8 if $etf->version < 18;
	$etf->sql(q{CREATE PUBLICATION stored FOR TABLE g WITH (publish_generated_columns = stored);
		CREATE PUBLICATION lists FOR TABLE g (s, a);
		CREATE PUBLICATION wins FOR TABLE g (a) WITH (publish_generated_columns = stored);
		CREATE TABLE v (a int PRIMARY KEY, x int GENERATED ALWAYS AS (a + 1) VIRTUAL,
			s int GENERATED ALWAYS AS (a * 2) STORED);
		ALTER PUBLICATION stored ADD TABLE v});
	$truth->move_on;
	for my $names ('stored', 'lists', 'stored, lists', 'wins', 'wins, plain', 'stored, plain', 'plain, stored', 'stored, wins')
	{
		$etf->sql('INSERT INTO g VALUES (1); UPDATE g SET a = 2; DELETE FROM g;
			INSERT INTO v VALUES (1); DELETE FROM v');
		$truth->agree("generated: $names", publication_names => $names);
	}
}

$etf->stop;
done_testing();
