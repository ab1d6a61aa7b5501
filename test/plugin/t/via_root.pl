# Partitions, published as themselves or as an ancestor.
use strict;
use warnings;

use EtfTest;
use EtfTruth;
use Test::More;

my $etf = EtfTest->new('via_root', conf => 'max_locks_per_transaction = 1000');
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

# The tables that events name, and how often.
sub tables
{
	my ($lines) = @_;
	my %count;

	$count{$_}++ for map { /^\w+ ([\w.,]+)/ ? $1 : () } @$lines;
	return \%count;
}

# A leaf with columns in another order and dropped ones, one below a partition
# that is partitioned itself, one in another schema, and a default one.
$etf->sql(q{CREATE SCHEMA other;
	CREATE TABLE root (a int, b text, c int, PRIMARY KEY (a)) PARTITION BY RANGE (a);
	CREATE TABLE leaf_1 (gone int, c int, b text, gone_too text, a int NOT NULL);
	ALTER TABLE leaf_1 DROP gone, DROP gone_too; ALTER TABLE leaf_1 ADD PRIMARY KEY (a);
	ALTER TABLE root ATTACH PARTITION leaf_1 FOR VALUES FROM (0) TO (10);
	CREATE TABLE middle PARTITION OF root FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (a);
	CREATE TABLE leaf_2 PARTITION OF middle FOR VALUES FROM (10) TO (20);
	CREATE TABLE other.leaf_3 PARTITION OF middle FOR VALUES FROM (20) TO (30);
	CREATE TABLE leaf_4 PARTITION OF root DEFAULT;
	CREATE TABLE plain (a int PRIMARY KEY);
	CREATE PUBLICATION p_root FOR TABLE root;
	CREATE PUBLICATION p_leaf FOR TABLE leaf_1, leaf_2;
	CREATE PUBLICATION p_middle FOR TABLE middle;
	CREATE PUBLICATION everything FOR ALL TABLES;
	CREATE PUBLICATION r_root FOR TABLE root WITH (publish_via_partition_root);
	CREATE PUBLICATION r_middle FOR TABLE middle WITH (publish_via_partition_root);
	CREATE PUBLICATION r_leaf FOR TABLE leaf_1, other.leaf_3 WITH (publish_via_partition_root);
	CREATE PUBLICATION r_both FOR TABLE root, leaf_1, leaf_2 WITH (publish_via_partition_root);
	CREATE PUBLICATION r_levels FOR TABLE middle, root WITH (publish_via_partition_root);
	CREATE PUBLICATION r_everything FOR ALL TABLES WITH (publish_via_partition_root);
	CREATE PUBLICATION r_inserts FOR TABLE root
		WITH (publish_via_partition_root, publish = 'insert')});
$truth->move_on;

sub change_all
{
	$etf->sql(q{INSERT INTO root VALUES (1, 'one', 1), (11, 'eleven', 11), (21, 'twenty-one', 21),
			(100, 'much', 100);
		UPDATE root SET b = 'x'; UPDATE root SET a = a + 1; UPDATE root SET a = a + 13 WHERE a IN (2, 12);
		DELETE FROM root WHERE c IN (1, 21);
		INSERT INTO plain VALUES (1); DELETE FROM plain;
		TRUNCATE leaf_2; TRUNCATE middle; TRUNCATE root, plain});
	return;
}

my %counts = (
	'p_root' => 21, 'p_leaf' => 13, 'p_middle' => 14, 'everything' => 23,
	'r_root' => 19, 'r_middle' => 13, 'r_leaf' => 11, 'r_both' => 19, 'r_levels' => 19,
	'r_everything' => 21, 'r_inserts' => 6,
	'p_leaf, r_root' => 19, 'r_root, p_leaf' => 19, 'r_root, r_middle' => 19,
	'r_middle, r_root' => 19, 'r_leaf, r_middle' => 17, 'p_root, r_middle' => 20,
	'r_inserts, p_root' => 18, 'r_inserts, everything' => 21);

for my $names (sort keys %counts)
{
	change_all();
	agrees($counts{$names}, $names, publication_names => $names);
}

# A root is described once, though its leaves come in turn.
$etf->sql(q{INSERT INTO root SELECT i, 'x', i FROM generate_series(1, 29) i;
	INSERT INTO root SELECT i, 'y', i FROM generate_series(30, 40) i; DELETE FROM root WHERE a % 2 = 0});
is_deeply([ grep { /^relation/ } @{ $etf->decode('s', publication_names => 'r_root') } ],
	[ 'relation public.root default, a int4 key primary, b text, c int4' ], 'a root is told once');
$etf->sql('DELETE FROM root');
$truth->move_on;

# Names, columns and schemas of the root, partitions that come and go.
$etf->sql(q{INSERT INTO root VALUES (1, 'a', 1);
	ALTER TABLE root ADD d int DEFAULT 4; INSERT INTO root VALUES (2, 'b', 2, 3), (12, 'c', 1, 2);
	ALTER TABLE root RENAME b TO bb; UPDATE root SET bb = 'x';
	ALTER TABLE root DROP c; UPDATE root SET bb = 'y';
	CREATE TABLE leaf_5 (d int, bb text, a int PRIMARY KEY); INSERT INTO leaf_5 VALUES (1, 'before', 200);
	DELETE FROM root WHERE a > 100;
	ALTER TABLE root ATTACH PARTITION leaf_5 FOR VALUES FROM (200) TO (300);
	INSERT INTO root VALUES (201, 'z', 1); UPDATE root SET bb = 'zz' WHERE a > 100;
	ALTER TABLE root DETACH PARTITION leaf_1; INSERT INTO leaf_1 (a) VALUES (3);
	ALTER TABLE root ATTACH PARTITION leaf_1 FOR VALUES FROM (0) TO (10);
	BEGIN; ALTER TABLE root DETACH PARTITION leaf_5; INSERT INTO leaf_5 VALUES (1, 'x', 202); ROLLBACK;
	INSERT INTO root VALUES (203, 'back', 1);
	CREATE TABLE leaf_6 PARTITION OF root FOR VALUES FROM (300) TO (400);
	INSERT INTO root VALUES (300, 'new', 6); DROP TABLE leaf_6; DELETE FROM root});
# 13's pgoutput takes a leaf for what it was before.
is(scalar @{ $etf->version < 14 ? ours(publication_names => 'r_root')
		  : $truth->agree('altered', publication_names => 'r_root') }, 21, 'altered: as many');

# The new name of a root is told, which pgoutput forgets on some versions.
$etf->sql(q{INSERT INTO root VALUES (1); ALTER TABLE root RENAME TO stem; INSERT INTO stem VALUES (11);
	ALTER TABLE stem SET SCHEMA other; INSERT INTO other.stem VALUES (2);
	ALTER TABLE other.stem SET SCHEMA public; ALTER TABLE stem RENAME TO root; DELETE FROM root});
is_deeply(tables(ours(publication_names => 'r_root')),
	{ 'public.root' => 4, 'public.stem' => 1, 'other.stem' => 1 }, 'names of a root');

# The identity is that of the leaf, which is what the WAL has.
$etf->sql(q{CREATE TABLE mixed (a int NOT NULL, b int, c int) PARTITION BY LIST (a);
	CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES IN (1);
	CREATE TABLE mixed_2 (c int, a int NOT NULL, b int PRIMARY KEY);
	ALTER TABLE mixed ATTACH PARTITION mixed_2 FOR VALUES IN (2);
	ALTER TABLE mixed_1 REPLICA IDENTITY FULL;
	CREATE PUBLICATION r_mixed FOR TABLE mixed WITH (publish_via_partition_root);
	INSERT INTO mixed VALUES (1, 1, 1), (2, 2, 2); UPDATE mixed SET c = 3; UPDATE mixed SET b = b + 1;
	DELETE FROM mixed});
my @mixed = grep { !/^tx/ } @{ $etf->decode('s', publication_names => 'r_mixed') };
is_deeply(\@mixed, [
		'relation public.mixed full, a int4, b int4, c int4',
		'insert mixed #{"a"=>1, "b"=>1, "c"=>1}',
		'relation public.mixed default, a int4, b int4 key, c int4',
		'insert mixed #{"a"=>2, "b"=>2, "c"=>2}',
		'relation public.mixed full, a int4, b int4, c int4',
		'update mixed {full, #{"a"=>1, "b"=>1, "c"=>1}} #{"a"=>1, "b"=>1, "c"=>3}',
		'relation public.mixed default, a int4, b int4 key, c int4',
		'update mixed nil #{"a"=>2, "b"=>2, "c"=>3}',
		'relation public.mixed full, a int4, b int4, c int4',
		'update mixed {full, #{"a"=>1, "b"=>1, "c"=>3}} #{"a"=>1, "b"=>2, "c"=>3}',
		'relation public.mixed default, a int4, b int4 key, c int4',
		'update mixed {key, #{"b"=>2}} #{"a"=>2, "b"=>3, "c"=>3}',
		'relation public.mixed full, a int4, b int4, c int4',
		'delete mixed {full, #{"a"=>1, "b"=>2, "c"=>3}}',
		'relation public.mixed default, a int4, b int4 key, c int4',
		'delete mixed {key, #{"b"=>3}}' ], 'leaves with identities of their own')
  or diag join "\n", @mixed;

# Patterns are of the name under which rows are published.
$etf->sql('INSERT INTO root VALUES (1), (11); DELETE FROM root');
is(scalar @{ ours(publication_names => 'r_root', include_tables => 'public.root') }, 4,
	'a pattern of the root');
$etf->sql('INSERT INTO root VALUES (1), (11); DELETE FROM root');
is(scalar @{ ours(publication_names => 'r_root', include_tables => '*.leaf*') }, 0,
	'a pattern of its leaves');

SKIP:
{
	skip 'neither row filters nor column lists', 15 if $etf->version < 15;
	$etf->sql(q{CREATE TABLE f (a int, b text, c int, d text, PRIMARY KEY (a)) PARTITION BY RANGE (a);
		CREATE TABLE f_1 (x int, d text, c int, b text, a int PRIMARY KEY); ALTER TABLE f_1 DROP x;
		ALTER TABLE f_1 ALTER d SET STORAGE EXTERNAL;
		ALTER TABLE f ATTACH PARTITION f_1 FOR VALUES FROM (0) TO (10);
		CREATE TABLE f_2 PARTITION OF f FOR VALUES FROM (10) TO (20);
		CREATE PUBLICATION f_root FOR TABLE f (a, c) WHERE (a > 5) WITH (publish_via_partition_root);
		CREATE PUBLICATION f_both FOR TABLE f WHERE (a > 5), f_1 (a) WHERE (a < 5)
			WITH (publish_via_partition_root);
		CREATE PUBLICATION f_leaf FOR TABLE f_1 (a, b) WHERE (a = 4);
		CREATE PUBLICATION f_schema FOR TABLES IN SCHEMA public WITH (publish_via_partition_root);
		CREATE PUBLICATION f_inserts FOR TABLE f WHERE (c > 1 AND length(d) > 3000)
			WITH (publish_via_partition_root, publish = 'insert')});
	$truth->move_on;
	for my $set ([ 'f_root', 19 ], [ 'f_both', 19 ], [ 'f_leaf', 4 ], [ 'f_schema', 23 ],
		[ 'f_inserts', 2 ], [ 'f_root, f_leaf', 19 ], [ 'f_leaf, f_root', 19 ])
	{
		$etf->sql(q{INSERT INTO f VALUES (4, 'x', 1, repeat('d', 5000)), (7, 'x', 2, repeat('e', 5000)),
				(12, 'y', 3, 'f'), (13, 'z', 4, 'g');
			UPDATE f SET c = c + 1; UPDATE f SET a = a + 2; UPDATE f SET a = 16 WHERE a = 6;
			UPDATE f SET a = 3 WHERE a = 9; UPDATE f SET b = 'w'; DELETE FROM f; TRUNCATE f_1});
		agrees($set->[1], $set->[0], publication_names => $set->[0]);
	}
	$etf->sql(q{CREATE SCHEMA apart; ALTER PUBLICATION f_schema SET TABLES IN SCHEMA apart;
		INSERT INTO f VALUES (1); ALTER TABLE f SET SCHEMA apart; INSERT INTO apart.f VALUES (2), (12);
		ALTER TABLE apart.f SET SCHEMA public; INSERT INTO f VALUES (3); DELETE FROM f});
	is_deeply(ours(publication_names => 'f_schema'),
		[ map { "insert apart.f a='$_' b=null c=null d=null" } 2, 12 ],
		'a root that changes its schema, which pgoutput forgets on some versions');
}

SKIP:
{
	# A partition whose DETACH CONCURRENTLY has not ended has no ancestors.
	skip 'no DETACH CONCURRENTLY', 2 if $etf->version < 14;
	my $holder = IPC::Run::start(
		[ 'psql', '-XqAt', '-d', $etf->node->connstr('postgres'), '-c', 'BEGIN; SELECT count(*) FROM root;
			SELECT pg_sleep(1000)' ], '>', \my $out, '2>', \my $err);
	$etf->node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_locks WHERE relation = 'root'::regclass");
	my $detach = IPC::Run::start(
		[ 'psql', '-XqAt', '-d', $etf->node->connstr('postgres'),
			'-c', 'ALTER TABLE middle DETACH PARTITION leaf_2 CONCURRENTLY' ],
		'>', \my $out_2, '2>', \my $err_2);
	$etf->node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_inherits WHERE inhdetachpending");
	$etf->sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE middle DETACH%'");
	$detach->finish;
	$etf->sql(q{INSERT INTO leaf_2 (a) VALUES (15); DELETE FROM leaf_2});
	is(scalar @{ ours(publication_names => 'r_root') }, 0, 'a partition that is being detached');
	$etf->sql('INSERT INTO leaf_2 (a) VALUES (15); DELETE FROM leaf_2');
	is_deeply(tables(ours(publication_names => 'p_leaf, r_everything')), { 'public.leaf_2' => 2 },
		'is published as itself');
	$etf->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1000)' AND pid <> pg_backend_pid()");
	$holder->finish;
}

SKIP:
{
	skip 'no EXCEPT', 8 if $etf->version < 19;
	$etf->sql(q{CREATE PUBLICATION but_root FOR ALL TABLES EXCEPT (TABLE root);
		CREATE PUBLICATION but_plain FOR ALL TABLES EXCEPT (TABLE plain)
			WITH (publish_via_partition_root);
		CREATE PUBLICATION sequences FOR ALL TABLES, ALL SEQUENCES; CREATE SEQUENCE numbers});
	$truth->move_on;
	for my $set ([ 'but_root', 2 ], [ 'but_plain', 2 ], [ 'but_root, but_plain', 4 ], [ 'sequences', 4 ])
	{
		$etf->sql(q{INSERT INTO root VALUES (1); INSERT INTO plain VALUES (1);
			SELECT nextval('numbers'); DELETE FROM root; DELETE FROM plain});
		agrees($set->[1], $set->[0], publication_names => $set->[0]);
	}
}

$etf->stop;
done_testing();
