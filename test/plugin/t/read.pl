# Rows that are read are the rows of the stream, whatever range they are read
# by, and nobody reads what is not theirs.
use strict;
use warnings;

use EtfRandom;
use EtfReads;
use EtfTest;
use EtfTypes;
use Test::More;

my $seed = $ENV{PG_ETF_SEED} // int rand 2**31;
my $etf = EtfTest->new('read');
my $tag = $EtfReads::tag;

sub read_rows { return EtfReads::read_rows($etf, @_); }

sub keys_read
{
	my ($rows) = read_rows(@_);

	return join ' ', $rows =~ /\{read,\d+,\{(\d+)/g;
}

# Equal terms: a row that is read is the row of its insert.
diag "PG_ETF_SEED=$seed";
srand $seed;
EtfTypes::setup($etf);
my $families = EtfTypes::families($etf);
my @tables = map { EtfRandom->new($_, $families->{$_}) } sort keys %$families;

$etf->sql($_->create) for @tables;
for my $table (@tables)
{
	for (1 .. 50)
	{
		$etf->run_text($table->script(20));
		last if $etf->sql("SELECT count(*) FROM $table->{table}");
	}
}
for my $form ('dialect=elixir', 'dialect=erlang,rows=tuple', 'dialect=compact,keys=atom')
{
	for my $table (@tables)
	{
		my $difference = EtfReads::differs($etf, $table->{table}, $form);

		is($difference, 'the same rows', "$table->{table}: $form");
	}
}

# Columns that are gone, and such that older rows do not have: by both ways the row of an insert.
$etf->sql(q{CREATE TABLE altered (gone text, id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);
	INSERT INTO altered (gone, id) SELECT repeat('x', 50), i FROM generate_series(1, 20) i;
	ALTER TABLE altered DROP gone, ADD later numeric(5, 2) DEFAULT 1.5, ADD list text[] NOT NULL DEFAULT '{a,NULL}';
	INSERT INTO altered (id, later, list) SELECT i, i, '{b}' FROM generate_series(21, 40) i;
	ALTER TABLE altered RENAME later TO "Later";
	CREATE TABLE copy (LIKE altered)});
$etf->slot('s');
$etf->sql('INSERT INTO copy SELECT * FROM altered');
my $inserted = EtfReads::stream_rows($etf, 's', undef, relations => 'off') =~ s/\{insert,\d+,/{/gr;
for my $how ('from_block => 0', q{filter => 'true'}, 'max_bytes => 1000000')
{
	is((read_rows('altered', 'relations=off', $how))[0] =~ s/\{read,\d+,/{/gr, $inserted, "an altered table: $how");
}
$etf->drop_slot('s');
$etf->sql('DROP TABLE copy');

# A virtual column is in no row, and can be asked about.
SKIP:
{
	skip 'no virtual columns', 3 if $etf->version < 18;
	$etf->sql(q{CREATE TABLE doubled (id int PRIMARY KEY, d int GENERATED ALWAYS AS (id * 2) VIRTUAL, v text);
		INSERT INTO doubled (id, v) VALUES (1, 'a'), (2, 'b'), (3, 'c')});
	for my $how ('from_block => 0', q{filter => 'true'})
	{
		is((read_rows('doubled', 'rows=tuple,relations=off', $how))[0] =~ s/\{read,\d+,/{/gr,
			'{{1,<<"a">>}},{{2,<<"b">>}},{{3,<<"c">>}}', "no virtual column: $how");
	}
	is(keys_read('doubled', 'rows=tuple', q{filter => 'd > 3'}), '2 3', 'a condition on a virtual column');
}

# Ranges: every row once, whatever the size of a frame.
$etf->sql(q{
	CREATE TABLE t (id int PRIMARY KEY, note text);
	INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 3000) i;
	DELETE FROM t WHERE id % 3 = 0;
	CREATE TABLE twin (a text COLLATE "C", b numeric, v int, PRIMARY KEY (a, b));
	INSERT INTO twin SELECT chr(65 + i % 50), i / 10.0, i FROM generate_series(1, 500) i});
my $ids = $etf->sql('SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM t');
my $pages = $etf->sql(q{SELECT pg_relation_size('t') / 8192});

for my $bytes (1, 1000, 65536)
{
	my $options = "rows=tuple,frame_bytes=$bytes";

	is(keys_read('t', $options, 'from_block => 0'), $ids, "all blocks, frames of $bytes");
	is(keys_read('t', $options), $ids, "all keys, frames of $bytes");
}
is(join(' ', map { keys_read('t', 'rows=tuple', "from_block => $_, blocks => 7") }
		  grep { $_ % 7 == 0 } 0 .. $pages - 1), $ids, 'ranges of blocks cover the table once');
is(keys_read('t', 'rows=tuple', 'from_block => 1000000'), '', 'blocks beyond the end');
is(keys_read('t', 'rows=tuple', 'from_block => 0, blocks => 0'), '', 'no blocks');
is(keys_read('t', 'rows=tuple', "from_block => 0, filter => 'id < 5 OR id = 10'"),
	'1 2 4 10', 'blocks and a filter');
is(keys_read('t', 'rows=tuple', q{after => '{10}', upto => '{20}'}),
	'11 13 14 16 17 19 20', 'keys above one and up to another');
is(keys_read('t', 'rows=tuple', q{keys => '{{7},{9},{2000}}'}), '7 2000', 'single keys');

# From chunk to chunk by the key where the last one ended.
sub chunks
{
	my ($table, $column) = @_;
	my ($after, @values) = ('');

	for (1 .. 2000)
	{
		my ($rows, $end) = read_rows($table, 'rows=tuple',
			"max_bytes => 700" . ($after && ", after => '$after'"));

		push @values, $rows =~ /\{read,\d+,\{(?:<<.*?>>,#\{.*?\},)?(\d+)/g;
		return join ' ', @values if $end =~ /more => false/;
		my @last = $end =~ /last => \[(.*)\]/ ? $1 =~ /<<"(.*?)">>/g : die $end;
		$after = '{' . join(',', @last) . '}';
	}
	die 'chunks without end';
}

is(chunks('t'), $ids, 'chunk after chunk');
is(chunks('twin'), $etf->sql('SELECT string_agg(v::text, $$ $$ ORDER BY a, b) FROM twin'),
	'by a key of two columns in its own collation');
is($etf->sql(q{SELECT etf_key_bound('twin')}), '{r,49.9000000000000000}', 'the greatest key');
is($etf->sql(q{SELECT etf_key_bound('twin', $$a < 'B'$$)}), '{A,50.0000000000000000}',
	'the greatest key of those that a filter leaves');
is($etf->sql(q{SELECT etf_key_bound('twin', 'false') IS NULL}), 't', 'no row, no key');

# A long one, wherever it is stored, is still there when the next call tells it.
$etf->sql(q{CREATE FUNCTION noise(text, int) RETURNS text LANGUAGE sql AS
	$$SELECT left(string_agg(md5($1 || i), ''), $2) FROM generate_series(1, 80) i$$;
	CREATE TABLE long (a text, b text, c text, d text, e text, k text, l text, PRIMARY KEY (k, l))});
for my $lengths ([ 0, 700 ], [ 2000, 1300 ])
{
	my ($other, $key) = @$lengths;

	$etf->sql('INSERT INTO long SELECT ' . join(', ', map { "noise('$_', $other)" } 'a' .. 'e')
		  . ", noise('k', $key), noise('l', $key)");
	like((read_rows('long', 'dialect=elixir', 'max_bytes => 1'))[1],
		qr/last => \Q@{[$etf->sql(q{SELECT format('[<<"%s">>,<<"%s">>]', k, l) FROM long})]}\E/,
		"a key of two times $key bytes");
	$etf->sql('TRUNCATE long');
}

# The end says how much it was.
like((read_rows('t', 'rows=tuple', 'from_block => 0'))[1],
	qr/^\{read_end,5,#\{rows => 2000,bytes => \d+,more => false\}\}$/, 'the last frame');

# A set that is not read to its end leaves nothing open.
for my $arguments ('', ', from_block => 0')
{
	my $sql = "SELECT count(*) FROM (SELECT etf_read('t', '{frame_bytes=1}', $tag$arguments)
		LIMIT 3) x";
	my ($status, $out, $err) = $etf->node->psql('postgres', $sql);

	is("$out$err", '3', "three frames of many$arguments");
}

# Bad input
for my $case (
	[ "filter => 'true; DROP TABLE t'", qr/must be one condition/ ],
	[ "filter => 'true) OR (true'", qr/syntax error/ ],
	[ "filter => 'true ORDER BY id'", qr/must be one condition/ ],
	[ "filter => 'true UNION SELECT'", qr/must be one condition/ ],
	[ "filter => 'nothing = 1'", qr/column "nothing" does not exist/ ],
	[ "after => '{1,2}'", qr/the columns of the table's key/ ],
	[ "after => '{NULL}'", qr/a key must not be null/ ],
	[ "after => '{x}'", qr/invalid input syntax for type integer/ ],
	[ "from_block => 0, after => '{1}'", qr/blocks or keys, not both/ ],
	[ 'from_block => -1', qr/numbered from 0/ ],
	[ 'from_block => 0, max_bytes => 10', qr/max_bytes needs a key/ ],
	[ 'filenode => 1', qr/table "t" has been rewritten/ ])
{
	my ($arguments, $error) = @$case;

	like($etf->sql_error("SELECT etf_read('t', '{}', $tag, $arguments)"), $error,
		"refused: $arguments");
}
like($etf->sql_error(q{SELECT etf_read('t', '{}', '\x61')}), qr/tag must be a term/,
	'a tag that is no term');
like($etf->sql_error(q{SELECT etf_read('t', '{}', '\x61056105')}), qr/tag must be a term/,
	'a tag that is two terms');
like($etf->sql_error("SELECT etf_read('t', '{exclude_tables=*.t}', $tag)"),
	qr/leave this table out/, 'a table that is left out');
$etf->sql(q{CREATE VIEW v AS SELECT 1; CREATE UNLOGGED TABLE u (a int);
	CREATE TABLE parted (a int, b int) PARTITION BY LIST (a);
	CREATE TABLE leaf (b int, a int);
	ALTER TABLE parted ATTACH PARTITION leaf FOR VALUES IN (1);
	INSERT INTO parted VALUES (1, 5);
	CREATE TABLE parent (a int); CREATE TABLE child (x int) INHERITS (parent);
	INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3);
	CREATE TABLE nothing ()});
like($etf->sql_error("SELECT etf_read('$_', '{}', $tag)"), qr/not an ordinary, logged table/,
	"refused: $_") for qw(v u parted);
is(keys_read('leaf', 'rows=tuple', 'from_block => 0'), '5', 'a partition is read by itself');
is(keys_read('parent', 'rows=tuple'), '1', 'a parent without its children');
is((read_rows('nothing', 'rows=tuple', 'from_block => 0'))[0], '', 'a table without columns');

# By a publication: its columns, and a partition as its root.
$etf->sql(q{CREATE PUBLICATION root FOR TABLE parted WITH (publish_via_partition_root)});
is((read_rows('leaf', 'rows=tuple,relations=off,publication_names=root', $_))[0],
	'{read,' . $etf->sql(q{SELECT 'parted'::regclass::oid}) . ',{1,5}}',
	"a partition in the order and under the name of its root: $_")
  for 'from_block => 0', q{filter => 'a = 1'};
is(keys_read('leaf', 'rows=tuple,publication_names=root', q{told_as => 'parted'::regclass}), '1',
	'its rows, where they are expected as those of its root');
like($etf->sql_error("SELECT etf_read('leaf', '{publication_names=root}', $tag, told_as => 'leaf'::regclass)"),
	qr/"leaf" are those of another one now.*told as those of table "parted"/s, 'and none where they are not');
is($etf->sql(q{SELECT name, told_as::regclass FROM etf_tables('{publication_names=root}')}), 'leaf|parted',
	'what a publication has to read');
if ($etf->version >= 15)
{
	$etf->sql(q{CREATE PUBLICATION few FOR TABLE t (id) WHERE (id % 100 = 1 AND note IS NOT NULL)
		WITH (publish = 'insert, truncate')});
	is(keys_read('t', 'rows=tuple,publication_names=few', $_), join(' ', map { $_ * 100 + 1 }
			grep { ($_ * 100 + 1) % 3 } 0 .. 29), "rows that a publication has: $_")
	  for 'from_block => 0', q{after => '{0}'};
	unlike((read_rows('t', 'publication_names=few', 'from_block => 0'))[0], qr/note|x/, 'and columns');
}
$etf->sql('ALTER TABLE twin REPLICA IDENTITY FULL');
like((read_rows('twin', 'exclude_columns=*.*.b', 'max_bytes => 1'))[1], qr/last => \[<<"A">>,<<"/,
	'a key goes on though it is not sent');
$etf->sql('ALTER TABLE twin REPLICA IDENTITY DEFAULT');
like($etf->sql_error("SELECT etf_read('t', '{publication_names=root}', $tag)"),
	qr/leave this table out/, 'a table that the publication does not have');
like($etf->sql_error("SELECT etf_read('t', '{publication_names=gone}', $tag)"),
	qr/leave this table out/, 'a publication that does not exist');

# Rights
$etf->sql(q{CREATE ROLE reader LOGIN; CREATE TABLE secret (id int PRIMARY KEY, a int, b int);
	INSERT INTO secret SELECT i, i, i FROM generate_series(1, 10) i;
	CREATE TABLE rows_of (id int PRIMARY KEY, who text);
	INSERT INTO rows_of VALUES (1, 'reader'), (2, 'other');
	ALTER TABLE rows_of ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON rows_of USING (who = current_user);
	GRANT SELECT ON rows_of, t TO reader; GRANT SELECT (id, a) ON secret TO reader});

sub as_reader
{
	my ($sql) = @_;
	my ($status, $out, $err) = $etf->node->psql('postgres', "SET ROLE reader; $sql");

	return $out ne '' ? $out : $err;
}

for my $how ('', ', from_block => 0')
{
	like(as_reader("SELECT etf_read('secret', '{}', $tag$how)"),
		qr/permission denied for table secret/, "a column that may not be read$how");
	my $rows = as_reader("SELECT etf_to_text(etf_read('rows_of', '{rows=tuple}', $tag$how))");
	like($rows, qr/\{1,<<"reader">>\}/, "policies apply$how");
	unlike($rows, qr/other/, "to every row$how");
	like(as_reader("SET row_security = off; SELECT etf_read('rows_of', '{}', $tag$how)"),
		qr/would be affected by row-level security/, "or it is an error$how");
}
is(as_reader(q{SELECT name, readable, reason FROM etf_tables('{}', 'public.*')
	WHERE name IN ('secret', 'rows_of', 't') ORDER BY name}),
	"rows_of|f|row-level security applies to this role\n"
	  . "secret|f|no SELECT privilege on all columns\nt|t|", 'etf_tables says why not');
is($etf->sql(q{SELECT schema, name, pages > 0, key, identity, filenode = pg_relation_filenode(relid),
	readable FROM etf_tables('{exclude_tables=*.t}', 'public.twin, public.t')}),
	'public|twin|t|{a,b}|d|t|t', 'what there is to read');
is($etf->sql(q{SELECT count(*) FROM etf_tables('{}', 'pg_catalog.*, *.v, *.u, *.parted')}),
	'0', 'nothing that is not decoded');
like($etf->sql_error(q{SELECT etf_tables('{}', 'x.')}), qr/invalid pattern/, 'a bad pattern');
my $lock = $etf->node->background_psql('postgres');
$lock->query_safe('BEGIN; LOCK TABLE t');
is($etf->sql(q{SET lock_timeout = 100; SELECT name FROM etf_tables('{}', 'public.twin')}),
	'twin', 'a table that nobody asks for is not waited for');
$lock->quit;

# An older snapshot finds no rows in a table that was rewritten meanwhile.
my $node = $etf->sql(q{SELECT pg_relation_filenode('t')});
$etf->sql('DROP PUBLICATION IF EXISTS few; ALTER TABLE t ALTER id TYPE bigint');
like($etf->sql_error("SELECT etf_read('t', '{}', $tag, filenode => $node)"),
	qr/has been rewritten/, 'a rewritten table');

# The horizon: all that a snapshot sees ends at or before it, and an idle
# server's stream gets there.
$etf->slot('h');
$etf->sql('SELECT pg_switch_wal()');
my $horizon = $etf->sql('SELECT etf_horizon()');
is($etf->sql(q{SET synchronous_commit = off; CREATE TABLE unflushed ();
	SELECT pg_current_wal_flush_lsn() >= h FROM etf_horizon() AS h}), 't', 'what is before it is flushed');
is($etf->sql("SELECT '$horizon' <= pg_current_wal_flush_lsn()"), 't',
	'the horizon of an idle server can be reached');
$etf->sql('INSERT INTO t VALUES (5000)');
is($etf->sql(qq{SELECT etf_horizon() > '$horizon'}), 't', 'it moves on');
$etf->drop_slot('h');

# The script for those who had 1.0.
$etf->sql('CREATE DATABASE old');
$etf->sql(q{CREATE EXTENSION pg_etf_decoding VERSION '1.0'; ALTER EXTENSION pg_etf_decoding UPDATE}, 'old');
is($etf->sql(q{SELECT extversion FROM pg_extension WHERE extname = 'pg_etf_decoding'}, 'old'),
	'1.1', 'the extension is updated');
is($etf->sql(q{SELECT count(*) > 0 FROM etf_tables('{}')}, 'old'), 'f', 'and works');

# Who may create in a database may create the extension there.
$etf->sql('CREATE ROLE owner LOGIN; CREATE DATABASE theirs OWNER owner');
is(($etf->node->psql('theirs', 'SET ROLE owner; CREATE EXTENSION pg_etf_decoding'))[2], '',
	'it needs no superuser');

$etf->stop;
done_testing();
