# Tables of every kind of key, and of none, under writers: in both modes a mirror that has nothing
# but what it is given has the same rows in the end.
#
# PG_ETF_SEED to have the same changes again.
use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use Encode;
use EtfBackfill;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'sleep';

my $seed = $ENV{PG_ETF_SEED} // int rand 2**31;
diag "PG_ETF_SEED=$seed";

my $etf = EtfTest->new('keys');
my $node = $etf->node;
my $rows = 120;
my $icu = $etf->sql(q{SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')}) eq 't';

my $infinite = $etf->version >= 14 ? q{WHEN 2 THEN 'infinity' WHEN 3 THEN '-infinity'} : '';

# Columns of a key, as expressions of a number i; and what makes another one of it that is equal.
my %keys = (
	uuid => [ [ 'k uuid', 'md5(i::text)::uuid' ] ],
	text_c => [ [ 'k text COLLATE "C"', q{chr(65 + i % 50) || '''"\\' || i} ] ],
	two => [ [ 'a text', q{'g' || i % 7} ], [ 'b int', 'i' ] ],
	four => [ [ 'a int', 'i % 2' ], [ 'b int', 'i % 3' ], [ 'c int', 'i % 7' ], [ 'd int', 'i' ] ],
	three => [ [ 'a int', 'i % 5' ], [ 'b date', q{'2024-01-01'::date + i % 11} ], [ 'c bigint', '-i' ] ],
	numeric => [ [ 'k numeric', "CASE i WHEN 1 THEN 'NaN' $infinite ELSE i / 10.0 END" ],
		'k = CASE WHEN scale(k) > 3 THEN trunc(k, 1) ELSE k + 0.00000 END' ],
	float8 => [ [ 'k float8', q{CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN 'infinity' WHEN 3 THEN '-infinity' ELSE i / 8.0::float8 END} ] ],
	enum => [ [ 'k mood', q{(enum_range(NULL::mood))[1 + i % 300]} ], [ 'b int', 'i / 300' ] ],
	timestamptz => [ [ 'k timestamptz', q{CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity'
		ELSE '2024-01-01'::timestamptz + i * '1 day 1.000001 s'::interval END} ] ],
	domain => [ [ 'k positive', 'i' ] ],
	char_n => [ [ 'k char(9)', 'i::text' ] ],
	bytea => [ [ 'k bytea', q{decode(md5(i::text), 'hex')} ] ]);
$keys{text_icu} = [ [ 'k text COLLATE "und-x-icu"', q{(ARRAY['Ä', 'a', 'Z', 'z', 'ß', '-'])[1 + i % 6] || i} ] ] if $icu;
$keys{blind} = [ [ 'k text COLLATE blind', q{'Key ' || i} ],
	'k = CASE WHEN k = upper(k) COLLATE "C" THEN lower(k) ELSE upper(k) END' ] if $icu;

sub columns { return grep { ref } @{ $keys{ $_[0] } }; }
sub names { return join ', ', map { $_->[0] =~ /^(\w+)/ } columns($_[0]); }
sub values { return join ', ', map { $_->[1] } columns($_[0]); }

$etf->sql(qq{CREATE SCHEMA k; CREATE SEQUENCE ids START @{[ $rows + 1 ]};
	CREATE DOMAIN positive AS numeric(20, 3) CHECK (VALUE > 0);
	CREATE TYPE mood AS ENUM (@{[ join ', ', map { "'m" . ($_ * 7 % 300) . "'" } 0 .. 299 ]});
	CREATE FUNCTION big_text(int) RETURNS text LANGUAGE sql VOLATILE AS
	\$\$SELECT string_agg(md5(\$1::text || i), '') FROM generate_series(1, 80) i\$\$});
$etf->sql(q{CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)}) if $icu;

my (@keyed, @scripts);

# Rows by their number, in a table whose condition finds one of them.
sub writers
{
	my ($name, $table, $set, $where, $insert, @more) = @_;
	my @statements = (
		"UPDATE $table SET n = n + 1 WHERE $where",
		"UPDATE $table SET big = big_text(:i) WHERE $where",
		"DELETE FROM $table WHERE $where",
		"INSERT INTO $table $insert FROM (SELECT nextval('ids')::int AS i) s ON CONFLICT DO NOTHING",
		"BEGIN; DELETE FROM $table WHERE $where; ROLLBACK",
		"BEGIN; UPDATE $table SET n = -1 WHERE $where; SAVEPOINT s; UPDATE $table SET n = -2 WHERE $where; ROLLBACK TO s; COMMIT",
		$set ? ("UPDATE $table SET $set WHERE $where") x 2 : (),
		@more);
	my $text = "\\set i random(1, @{[ 2 * $rows ]})\n\\set op random(1, @{[ scalar @statements ]})\n";

	$text .= "\\if :op = $_\n" . ($statements[ $_ - 1 ] =~ s/; /;\n/gr) . ";\n\\endif\n" for 1 .. @statements;
	push @scripts, $etf->write_text("$etf->{dir}/$name.sql", encode_utf8($text));
	return;
}

sub row_of { return "SELECT @{[ &values($_[0]) ]} FROM (SELECT :i AS i) s"; }

sub utf8_sql { return $etf->sql(encode_utf8($_[0])); }

# A table with such a key, and with a value that its updates leave out.
sub keyed
{
	my ($name, $key, $table, $create, $more) = @_;
	my $columns = names($key);
	my ($twin) = grep { !ref } @{ $keys{$key} };

	utf8_sql("CREATE TABLE $table (@{[ join ', ', map { $_->[0] } columns($key) ]}, n int, big text, PRIMARY KEY ($columns)) $create;
		$more;
		INSERT INTO $table ($columns, n, big) SELECT @{[ &values($key) ]}, i, big_text(i) FROM generate_series(1, $rows) i");
	my $set = columns($key) > 1 ? "($columns)" : $columns;
	writers($name, $table,
		"$set = (SELECT @{[ &values($key) ]} FROM (SELECT nextval('ids')::int AS i) s)",
		"($columns) = (@{[ row_of($key) ]})",
		"($columns, n, big) SELECT @{[ &values($key) ]}, i, big_text(i)",
		$twin ? ("UPDATE $table SET $twin WHERE ($columns) = (@{[ row_of($key) ]})") x 3 : ());
	return;
}

sub external { return join '; ', map { "ALTER TABLE $_ ALTER big SET STORAGE EXTERNAL" } @_; }

for my $key (sort keys %keys)
{
	keyed($key, $key, "k.$key", '', external("k.$key"));
	push @keyed, "k.$key";
}

# Names that have to be quoted, in a schema of which this is true, too.
my $odd = q{"Odd ""Schema"" é"."Täble ""x"". ,*\\ y"};
utf8_sql(q{CREATE SCHEMA "Odd ""Schema"" é"});
keyed('odd', 'two', $odd, '', external($odd));
push @keyed, $odd;

# Other identities.
keyed('by_full', 'two', 'k.by_full', '', 'ALTER TABLE k.by_full REPLICA IDENTITY FULL');
keyed('by_index', 'uuid', 'k.by_index', '', external('k.by_index') . ';
	ALTER TABLE k.by_index ADD other int NOT NULL DEFAULT nextval(\'ids\'), ADD hidden serial NOT NULL;
	CREATE UNIQUE INDEX by_other ON k.by_index (other, hidden); ALTER TABLE k.by_index REPLICA IDENTITY USING INDEX by_other');
push @keyed, qw(k.by_full k.by_index);

# Of several levels, with columns in another order; and with children that have more columns.
keyed('parted', 'three', 'k.parted', 'PARTITION BY LIST (a)', '
	CREATE TABLE k.leaf_0 PARTITION OF k.parted FOR VALUES IN (0, 1);
	CREATE TABLE k.branch PARTITION OF k.parted FOR VALUES IN (2, 3) PARTITION BY RANGE (c);
	CREATE TABLE k.leaf_2 (big text, gone int, c bigint NOT NULL, n int, b date NOT NULL, a int NOT NULL);
	ALTER TABLE k.leaf_2 DROP gone;
	ALTER TABLE k.branch ATTACH PARTITION k.leaf_2 FOR VALUES FROM (-100) TO (MAXVALUE);
	CREATE TABLE k.leaf_3 PARTITION OF k.branch FOR VALUES FROM (MINVALUE) TO (-100);
	CREATE TABLE k.leaf_4 PARTITION OF k.parted DEFAULT;'
	  . external(map { "k.leaf_$_" } 0, 2, 3, 4));
push @keyed, map { "k.leaf_$_" } 0, 2, 3, 4;
keyed('parent', 'domain', 'k.parent', '', 'CREATE TABLE k.child (extra int, PRIMARY KEY (k)) INHERITS (k.parent);'
	  . external('k.parent', 'k.child')
	  . "; INSERT INTO k.child SELECT i + 0.5, i, big_text(i), i FROM generate_series(1, $rows) i");
push @keyed, qw(k.parent k.child);

# Rows that nothing tells apart.
$etf->sql("CREATE TABLE k.full_only (k int, n int, big text); ALTER TABLE k.full_only REPLICA IDENTITY FULL;
	INSERT INTO k.full_only SELECT i / 3, 1, big_text(i / 3) FROM generate_series(1, $rows) i");
writers('full_only', 'k.full_only', 'k = k + 1', "ctid = (SELECT ctid FROM k.full_only WHERE k = :i LIMIT 1)",
	'SELECT i / 3, 1, big_text(i / 3)');
$etf->sql('CREATE TABLE k.no_columns (); INSERT INTO k.no_columns DEFAULT VALUES;
	INSERT INTO k.no_columns DEFAULT VALUES');
push @scripts, $etf->write_text("$etf->{dir}/no_columns.sql", "INSERT INTO k.no_columns DEFAULT VALUES;\n");
$etf->sql("CREATE TABLE k.by_nothing (id int, t text); INSERT INTO k.by_nothing SELECT i, 'x' FROM generate_series(1, $rows) i");
push @scripts, $etf->write_text("$etf->{dir}/by_nothing.sql", "INSERT INTO k.by_nothing SELECT nextval('ids'), 'y';\n");
$etf->sql("CREATE TABLE k.rootless (k int, n int) PARTITION BY RANGE (k);
	CREATE TABLE k.low PARTITION OF k.rootless FOR VALUES FROM (MINVALUE) TO (60);
	CREATE TABLE k.high PARTITION OF k.rootless FOR VALUES FROM (60) TO (MAXVALUE);
	ALTER TABLE k.low REPLICA IDENTITY FULL; ALTER TABLE k.high REPLICA IDENTITY FULL; ALTER TABLE k.rootless REPLICA IDENTITY FULL;
	INSERT INTO k.rootless SELECT i, 0 FROM generate_series(1, $rows) i");
push @scripts, $etf->write_text("$etf->{dir}/rootless.sql", "\\set i random(1, $rows)\n" . join ";\n",
	'INSERT INTO k.rootless VALUES (:i, 1)', 'DELETE FROM k.rootless WHERE k = :i / 2 AND n < 2',
	"UPDATE k.rootless SET n = n + 1 WHERE k = :i;\n");
my @keyless = qw(k.full_only k.no_columns k.by_nothing);

$etf->sql('CREATE TABLE last (id int PRIMARY KEY)');

# A name that is quoted in SQL, as it is, and as a pattern.
sub parts { return map { s/""/"/gr } $_[0] =~ /^"(.*)"\."(.*)"$/ ? ($1, $2) : split /\./, $_[0]; }
sub name { return join '.', parts($_[0]); }
sub pattern { return join '.', map { s/([\\*,.])/\\$1/gr } parts($_[0]); }

sub erlang_binary { return '<<"' . ($_[0] =~ s/(["\\])/\\$1/gr) . '"/utf8>>'; }

# Without an end, until told so.
sub write_rows
{
	my @command = ('pgbench', '-n', '-c', 2, '-R', 500, '-T', 100, "--random-seed=$seed",
		(map { ('-f', $_) } @scripts), $node->connstr('postgres'));

	return IPC::Run::start(\@command, '>', \my $out, '2>', \my $err);
}

# The position from which on the mirror has all that was written.
sub wait_for_last
{
	my ($client) = @_;
	my $count = $etf->sql("INSERT INTO last VALUES (nextval('ids')); SELECT count(*) FROM last");

	for (1 .. 300)
	{
		return if scalar(my @lines = $client->mirror_lines('public.last')) == $count;
		sleep 0.1;
	}
	fail('the last row comes');
	return;
}

# What one of the two has and the other one does not, as the server tells rows apart.
sub difference
{
	my ($table, $mine, $rows) = @_;
	my $sides = join ' UNION ALL ', map {
		my ($what, $one, $other) = @$_;

		"SELECT '$what', count(*), left(min(r), 60) FROM (SELECT x1::text AS r FROM $one x1 EXCEPT ALL SELECT x2::text FROM $other x2) d"
	} [ 'only in the mirror', $mine, $rows ], [ 'only in the table', $rows, $mine ];

	return "SELECT '" . ($table =~ s/'/''/gr) . "', * FROM ($sides) d WHERE count > 0;\n";
}

# Tables, and what the mirror is to have of each: as it is, or a query.
sub all_equal
{
	my ($client, %rows) = @_;
	my $file = $etf->new_file;
	my @tables = sort keys %rows;
	my %mine = map { $tables[$_] => "m$_" } 0 .. $#tables;
	my $pairs = join ', ', map { '{' . erlang_binary(name($_)) . ", \"$mine{$_}\"}" } @tables;

	wait_for_last($client);
	$client->say(encode_utf8("{sql, [$pairs], \"$file\"}"));
	$client->expect(qr/^\{sql,/, 'the rows of the mirror');
	my $sql = join '', 'SET timezone = UTC;', (map { "CREATE TEMP TABLE $mine{$_} (LIKE $_);\n" } @tables),
	  "\\i $file\n", map { difference($_, $mine{$_}, $rows{$_}) } @tables;
	my ($out, $err) = run_command([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1',
		'-d', $node->connstr('postgres'), '-f', $etf->write_text($etf->new_file, encode_utf8($sql)) ]);

	is(substr("$out$err", 0, 3000), '', 'every table is the same');
	$client->is_clean('and as docs/port.md says');
	is($client->stop, 0, 'a clean stop');
	return;
}

sub as_they_are { return map { $_ => "ONLY $_" } @_; }

sub options
{
	my (@more) = @_;

	return (credit_events => 1000, options => encode_utf8('#{' . join(', ', 'rows => map', 'dialect => elixir', @more) . '}'));
}

sub include_tables { return 'include_tables => ' . erlang_binary(join ',', 'public.last', map { pattern($_) } @_); }

# What they are called where Debezium and PeerDB test them.
my $keys = 'inserts4Pks, insertsEnumPk, insertsNumericPkWithSpecialValues, Composite_PKey_Toast_1, Composite_PKey_Toast_2, WeirdTable';
my %scenarios = (
	e1 => "$keys, shouldStreamAfterSnapshotForTableWithoutAnyColumn",
	i1 => "$keys, shouldStreamInsertedRowDuringSnapshotWhileTableIsWaitingForSnapshot");

sub title { return join ': ', grep { defined } @_, $scenarios{ $_[1] }; }

# A new slot, and a second time beside it.
sub exact
{
	my ($slot, $options, %rows) = @_;

	subtest title('exact', $slot) => sub {
		my $writers = write_rows();
		my $client = EtfBackfill->start($etf, $slot, options(@$options),
			snapshot => 'on', first => { mode => 'exact', jobs => 1 });

		$client->expect(qr/^\{backfill,finished,<<"b">>,/, 'the snapshot ends');
		$client->backfill('again', mode => 'exact', jobs => 3);
		$client->expect(qr/^\{backfill,finished,<<"again">>,/, 'and another one');
		$writers->signal('INT');
		$writers->finish;
		all_equal($client, %rows);
	};
	return;
}

sub incremental
{
	my ($slot, $options, %rows) = @_;

	subtest title('incremental', $slot) => sub {
		my $client = EtfBackfill->start($etf, $slot, options(@$options));

		$client->expect(qr/^\{caught_up,/, 'the stream has caught up');
		my $writers = write_rows();
		$client->backfill('b', chunk_bytes => 16384);
		$client->expect(qr/^\{backfill,finished,<<"b">>,/, 'it ends');
		$writers->signal('INT');
		$writers->finish;
		all_equal($client, %rows);
	};
	return;
}

exact('e1', [ include_tables(@keyed, @keyless) ], as_they_are(@keyed, @keyless));
incremental('i1', [ include_tables(@keyed) ], as_they_are(@keyed));

# Partitions under the name of their root; and of tables some rows, some columns.
my %published = ('k.parted' => 'k.parted');
my $more = '';

if ($etf->version >= 15)
{
	$more = ', k.by_full WHERE (n % 2 = 0), k.uuid (k, n)';
	$published{'k.by_full'} = '(SELECT * FROM k.by_full WHERE n % 2 = 0)';
	$published{'k.uuid'} = '(SELECT k, n, NULL::text FROM k.uuid)';
}
$etf->sql("CREATE PUBLICATION keyed FOR TABLE last, k.parted$more WITH (publish_via_partition_root);
	CREATE PUBLICATION all_rows FOR TABLE last, k.parted, k.rootless$more WITH (publish_via_partition_root)");
exact('e2', [ 'publication_names => all_rows' ], %published, 'k.rootless' => 'k.rootless');
incremental('i2', [ 'publication_names => keyed' ], %published);

done_testing;
