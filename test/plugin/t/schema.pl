# Schema events: every change of a table's definition, in its transaction and
# before the first row that needs it, and nothing else.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('schema');

# Schema events and rows of these statements, without numbers that differ.
sub events
{
	my ($sql, %option) = @_;

	$etf->slot('s');
	my $error = $etf->run_text("$sql;\n");
	die $error if $error;
	my $lines = $etf->decode('s', ddl => 'tables', rows => 'tuple', %option);
	$etf->drop_slot('s');
	return [ grep { !/^(tx|relation) / } @$lines ];
}

sub is_told
{
	my ($sql, $expected, $name, %option) = @_;
	my $got = events($sql, %option);

	is_deeply($got, $expected, $name) or diag explain $got;
	return;
}

my $t = 'schema public.t default';

is_told('CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL)',
	["schema none -> public.t default (1 id int4 not_null key primary, 2 a text not_null)"],
	'a table is created');
is_told('ALTER TABLE t ADD b int DEFAULT 7',
	["$t (1 id int4 not_null key primary, 2 a text not_null) -> "
		  . "public.t default (1 id int4 not_null key primary, 2 a text not_null, "
		  . "3 b int4 default missing 7)"],
	'a column comes, with what older rows have');
is_told('ALTER TABLE t RENAME b TO c',
	["$t (1 id int4 not_null key primary, 2 a text not_null, 3 b int4 default missing 7) -> "
		  . "public.t default (1 id int4 not_null key primary, 2 a text not_null, "
		  . "3 c int4 default missing 7)"],
	'a renamed column keeps its number');
my $before = 'public.t default (1 id int4 not_null key primary, 2 a text not_null, 3 c int4 default missing 7)';

# Before the first row that needs it, and once.
is_told(q{BEGIN; INSERT INTO t VALUES (1, 'x', 1); ALTER TABLE t ADD d int; INSERT INTO t VALUES (2, 'y', 2, 3);
	INSERT INTO t VALUES (3, 'z', 3, 4); ALTER TABLE t DROP d; COMMIT},
	[ 'insert t {1, "x", 1}', "schema $before -> " . $before =~ s/\)$/, 4 d int4)/r,
		'insert t {2, "y", 2, 3}', 'insert t {3, "z", 3, 4}',
		'schema ' . $before =~ s/\)$/, 4 d int4)/r . " -> $before" ],
	'an event stands before the row that needs it');

# What leaves no difference
is_told($_, [], "no event: $_")
  for 'CREATE INDEX ON t (a)', 'ANALYZE t', 'COMMENT ON TABLE t IS $$x$$', 'GRANT SELECT ON t TO PUBLIC',
  'BEGIN; SAVEPOINT a; ALTER TABLE t ADD z int; ROLLBACK TO a; CREATE INDEX ON t (c); COMMIT',
  'BEGIN; ALTER TABLE t ADD z int; ROLLBACK', 'CREATE TEMP TABLE temporary (a int)',
  'BEGIN; CREATE TABLE short (a int); DROP TABLE short; COMMIT', 'CREATE VIEW v AS SELECT 1 AS a',
  'CREATE SEQUENCE q', 'CREATE MATERIALIZED VIEW m AS SELECT 1 AS a', 'CREATE UNLOGGED TABLE u (a int)', 'VACUUM FULL t', 'CLUSTER t USING t_pkey';
is(scalar(grep { /^schema/ } @{ events('TRUNCATE t') }), 0, 'no event: TRUNCATE t');

# Other columns, and so other values of old rows.
like(events('ALTER TABLE t ALTER c TYPE bigint')->[0], qr/3 c int8/, 'another type');

# Names, identities, keys
like(events('ALTER TABLE t RENAME TO t2')->[0], qr/^schema public\.t .* -> public\.t2 /, 'another name');
like(events('CREATE SCHEMA other; ALTER TABLE t2 SET SCHEMA other')->[0],
	qr/^schema public\.t2 .* -> other\.t2 /, 'another schema');
like(events('ALTER TABLE other.t2 REPLICA IDENTITY FULL')->[0], qr/ default .* -> other\.t2 full /,
	'another identity');
like(events('ALTER TABLE other.t2 ALTER a DROP NOT NULL')->[0], qr/2 a text not_null.*2 a text,/,
	'a constraint goes');
like(events('ALTER TABLE other.t2 ALTER id ADD GENERATED ALWAYS AS IDENTITY')->[0],
	qr/-> .*1 id int4 not_null identity/, 'an identity column');
like(events('DROP TABLE other.t2')->[0], qr/^schema other\.t2 .* -> none$/, 'a table is dropped');

# Partitions, inheritance
is(scalar(@{ events('CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)') }),
	2, 'a partitioned table and its partition');
is(scalar(@{ events('ALTER TABLE p ADD b int') }), 2, 'both are altered');

# Filters: wanted before or after.
is_told('CREATE TABLE hidden (a int)', [], 'a table that is left out', exclude_tables => '*.hidden');
like(events('ALTER TABLE hidden RENAME TO seen', include_tables => '*.seen')->[0], qr/^schema none -> public\.seen/,
	'a table that comes into sight');
like(events('ALTER TABLE seen RENAME TO hidden', include_tables => '*.seen')->[0], qr/^schema public\.seen .* -> none/,
	'and goes out of it');
unlike(join('', @{ events('CREATE TABLE secrets (id int, ssn text)', exclude_columns => '*.*.ssn') }), qr/ssn/,
	'a column that is left out');

# Two transactions alter one table in turn, and overlap.
$etf->sql('CREATE TABLE turn (id int)');
$etf->slot('s');
my $one = $etf->node->background_psql('postgres');
my $two = $etf->node->background_psql('postgres');
$one->query_safe('BEGIN; INSERT INTO hidden VALUES (1)');
$two->query_safe('BEGIN; ALTER TABLE turn ADD a int; COMMIT');
$one->query_safe('ALTER TABLE turn ADD b int; COMMIT');
my @turns = grep { /^schema/ } @{ $etf->decode('s', ddl => 'tables') };
$_->quit for $one, $two;
is(scalar @turns, 2, 'two transactions, two events');
like($turns[0], qr/-> public\.turn default \(1 id int4, 2 a int4\)$/, 'the first');
like($turns[1], qr/-> public\.turn default \(1 id int4, 2 a int4, 3 b int4\)$/, 'After is what counts');
$etf->drop_slot('s');

# The same again at a second delivery; prepared transactions.
$etf->slot('s');
$etf->sql('ALTER TABLE turn ADD c int');
is_deeply($etf->show($etf->peek('s', undef, ddl => 'tables')), $etf->show($etf->peek('s', undef, ddl => 'tables')),
	'the same at every delivery');
$etf->sql(q{BEGIN; ALTER TABLE turn ADD e int; PREPARE TRANSACTION 'x'; COMMIT PREPARED 'x'});
is(scalar(grep { /^schema/ } @{ $etf->decode('s', ddl => 'tables') }), 2, 'a prepared transaction');
$etf->drop_slot('s');
if ($etf->version >= 14)
{
	$etf->slot('s');
	like($etf->recv_error('s', ddl => 'tables', streaming => 'on'), qr/"ddl" does not go with "streaming"/,
		'not with streaming');
	$etf->drop_slot('s');
}

# Without the option nothing is different.
is_deeply(events('CREATE TABLE quiet (a int); INSERT INTO quiet VALUES (1)', ddl => 'off'),
	['insert quiet {1}'], 'off by default');

$etf->stop;
done_testing();
