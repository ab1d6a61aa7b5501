# DDL of every kind, for tables that are written to meanwhile.
package ChaosDdl;

use strict;
use warnings;

# What is said of one table, T.  Nothing here loses a row; a statement that
# fails, because a column is there already or a lock is not, is no harm.
my @table = (
	'ALTER TABLE T ADD COLUMN x1 int',
	"ALTER TABLE T ADD COLUMN x2 text DEFAULT 'as before'",
	'ALTER TABLE T ADD COLUMN x3 uuid DEFAULT gen_random_uuid()',
	'ALTER TABLE T ADD COLUMN x4 int GENERATED ALWAYS AS (i + 1) STORED',
	'ALTER TABLE T DROP COLUMN x1', 'ALTER TABLE T DROP COLUMN x2',
	'ALTER TABLE T DROP COLUMN x3', 'ALTER TABLE T DROP COLUMN x4',
	'ALTER TABLE T RENAME COLUMN x1 TO x5', 'ALTER TABLE T RENAME COLUMN x5 TO x1',
	'ALTER TABLE T ALTER num TYPE numeric(40, 3)', 'ALTER TABLE T ALTER num TYPE numeric',
	'ALTER TABLE T ALTER v TYPE bigint', 'ALTER TABLE T ALTER v TYPE int',
	'ALTER TABLE T ALTER sum TYPE varchar(40)', 'ALTER TABLE T ALTER sum TYPE text',
	'ALTER TABLE T ALTER sum SET NOT NULL', 'ALTER TABLE T ALTER sum DROP NOT NULL',
	"ALTER TABLE T ALTER x2 SET DEFAULT 'anew'",
	'ALTER TABLE T ALTER body SET STORAGE EXTENDED',
	'ALTER TABLE T ALTER body SET STORAGE EXTERNAL',
	'ALTER TABLE T REPLICA IDENTITY FULL', 'ALTER TABLE T REPLICA IDENTITY DEFAULT',
	'ALTER TABLE T ADD CONSTRAINT positive CHECK (i >= 0)',
	'ALTER TABLE T DROP CONSTRAINT positive',
	'ALTER TABLE T SET (fillfactor = 70)', 'ALTER TABLE T RESET (fillfactor)',
	'BEGIN; ALTER TABLE T RENAME TO moved; ALTER TABLE chaos.moved RENAME TO N; COMMIT',
	'BEGIN; ALTER TABLE T SET SCHEMA other; ALTER TABLE other.N SET SCHEMA chaos; COMMIT',
	'BEGIN; ALTER TABLE T ADD COLUMN gone int; ROLLBACK',
	'BEGIN; SAVEPOINT a; ALTER TABLE T ADD COLUMN gone int; ROLLBACK TO a; '
	  . 'ALTER TABLE T ADD COLUMN x6 int; ALTER TABLE T DROP COLUMN x6; COMMIT',
	'CREATE INDEX N_sum ON T (sum)', 'DROP INDEX chaos.N_sum', 'REINDEX TABLE T',
	'VACUUM FULL T', 'VACUUM FREEZE T', 'ANALYZE T', 'CLUSTER T USING N_pkey',
	"COMMENT ON TABLE T IS 'written to'", 'GRANT SELECT ON T TO PUBLIC',
	'CREATE STATISTICS other.N_stat ON t, i FROM T', 'DROP STATISTICS other.N_stat',
	'CREATE RULE nothing AS ON DELETE TO T WHERE OLD.i < -1 DO INSTEAD NOTHING',
	'DROP RULE nothing ON T', 'ALTER TABLE T ENABLE ROW LEVEL SECURITY',
	'ALTER TABLE T DISABLE ROW LEVEL SECURITY');

# What goes on beside, which the readers leave out.
my @other = (
	'CREATE TABLE other.a AS SELECT generate_series(1, 100) n',
	'INSERT INTO other.a SELECT generate_series(1, 100)', 'TRUNCATE other.a',
	'DROP TABLE other.a',
	"CREATE TYPE other.e AS ENUM ('a')", "ALTER TYPE other.e ADD VALUE IF NOT EXISTS 'b'",
	'CREATE TABLE other.b (e other.e)', "INSERT INTO other.b VALUES ('a')",
	'DROP TYPE other.e CASCADE', 'DROP TABLE other.b',
	'CREATE TABLE other.p (n int PRIMARY KEY) PARTITION BY RANGE (n)',
	'CREATE TABLE other.p1 PARTITION OF other.p FOR VALUES FROM (0) TO (100)',
	'INSERT INTO other.p VALUES (trunc(random() * 99))',
	'ALTER TABLE other.p DETACH PARTITION other.p1', 'DROP TABLE other.p, other.p1',
	'CREATE MATERIALIZED VIEW other.m AS SELECT * FROM chaos.stock',
	'REFRESH MATERIALIZED VIEW other.m', 'DROP MATERIALIZED VIEW other.m',
	'CREATE SEQUENCE other.s', "SELECT nextval('other.s')", 'DROP SEQUENCE other.s',
	'CREATE TEMPORARY TABLE t (n int); INSERT INTO t VALUES (1)',
	'CREATE UNLOGGED TABLE other.u (n int)', 'ALTER TABLE other.u SET LOGGED',
	'INSERT INTO other.u VALUES (1)', 'DROP TABLE other.u',
	"SELECT pg_logical_emit_message(false, 'other', repeat('x', 1000))");

# A script of so many statements; random gives numbers from 0 to 1.
sub script
{
	my ($count, $random, @writers) = @_;
	my @lines = 'SET lock_timeout = 300';

	for (1 .. $count)
	{
		my $list = $random->() < 0.7 ? \@table : \@other;
		my $name = 'data_' . $writers[ $random->() * @writers ];

		push @lines, $list->[ $random->() * @$list ] =~ s/\bT\b/chaos.$name/gr
		  =~ s/\bN(?=\b|_)/$name/gr;
	}
	return join ";\n", @lines, '';
}

1;
