# What the plugins decode: one row per workload.
#
#	rows	rows of the load, and with --quick
#	per		rows of a transaction, or all
#	ddl		run before the slots are made; the load runs after that
#	row		the values of a row, made from g
#	load	SQL; {rows} is their number, {per} how many a transaction has
#	options	of a plugin, in place of the candidate's of the same names
#	since	the first server version that has what the ddl uses
#	only	the plugins that can do it; all, if absent
#	whole	ratios are of whole costs, as there are hardly any above the floor
#	targets	what the CPU ratio of a candidate should not exceed: a number or
#			the ratio of another candidate
package Bench::Workloads;

use strict;
use warnings;

my $mixed_row = q{g, g % 1000, 'title ' || substr(md5(g::text), 1, 14),
	(g % 1000000)::numeric / 100, '2024-01-01Z'::timestamptz + g * '1.001 s'
	::interval, g % 3 = 0, md5(g::text)::uuid, g / 7.0,
	jsonb_build_object('sku', 'A-' || g, 'qty', g % 9, 'tags',
		jsonb_build_array('new', 'eu'), 'ok', true)};

my $mixed_ddl = q{CREATE TABLE mixed (id int8 PRIMARY KEY, quantity int4,
	title text, price numeric(12,2), at timestamptz, active bool, ref uuid,
	score float8, detail jsonb)};

# A row of one type: 8 columns whose values are made from g and the column c.
my $numeric_value = q{((g * 7919 + {c} * 104729) % 100000000000)::numeric
	/ 10 ^ ({c} % 7)};
my $timestamp_value = q{'2024-01-01Z'::timestamptz + (g + {c} * 86399)
	* '1.000001 s'::interval};
my $array_row = q{g, ARRAY(SELECT g + n FROM generate_series(1, 10) n),
	ARRAY[md5(g::text), 'some words', NULL, ''],
	ARRAY[g / 100.0, g, g / 3.0]::numeric(12,2)[],
	ARRAY['2024-01-01Z'::timestamptz + g * '1 s'::interval,
		'2025-01-01Z'::timestamptz],
	ARRAY[[g, 1.5], [2.5, 3.5]]::float8[]};

my $json_value = q{(SELECT jsonb_agg(jsonb_build_object('id', g + n, 'name',
	md5((g + n)::text), 'price', n / 4.0, 'on', n % 2 = 0, 'none', NULL))
	FROM generate_series(1, 110) n)};

# Run a statement per transaction; {i} counts them from 0.
sub transactions
{
	my ($statement) = @_;
	$statement =~ s/\{i\}/i/g;
	return "DO \$\$ BEGIN FOR i IN 0 .. {rows} / {per} - 1 LOOP"
	  . " $statement; COMMIT; END LOOP; END \$\$";
}

sub insert
{
	my ($table, $row) = @_;
	return transactions("INSERT INTO $table SELECT $row"
		  . " FROM generate_series({i} * {per} + 1, ({i} + 1) * {per}) g");
}

# A table of an id and many columns of one type, and its row.
sub repeated_ddl
{
	my ($table, $type, $columns) = @_;
	return "CREATE TABLE $table (id int8 PRIMARY KEY, "
	  . join(', ', map { "column_$_ $type" } 1 .. $columns) . ')';
}

sub repeated_row
{
	my ($value, $columns) = @_;
	return join ', ', 'g', map { $value =~ s/\{c\}/$_/gr } 1 .. $columns;
}

my %not_above_binary =
  map { $_ => 'pgoutput-binary' } ('etf-elixir', 'etf-erlang', 'etf-compact');

our @all = (
	{
		name => 'mixed',
		title => '9 mixed columns, transactions of 100',
		rows => [ 200_000, 20_000 ],
		ddl => $mixed_ddl,
		row => $mixed_row,
		load => insert('mixed', $mixed_row),
		targets => { 'etf-elixir' => 0.35, 'etf-compact' => 0.20 }
	},
	{
		name => 'single',
		title => '9 mixed columns, one row per transaction',
		rows => [ 100_000, 5_000 ],
		per => 1,
		ddl => $mixed_ddl,
		load => insert('mixed', $mixed_row)
	},
	{
		name => 'bulk',
		title => '9 mixed columns, all rows in one transaction',
		rows => [ 1_000_000, 50_000 ],
		per => 'all',
		ddl => $mixed_ddl,
		load => insert('mixed', $mixed_row)
	},
	{
		name => 'update-full',
		title => 'updates with REPLICA IDENTITY FULL',
		rows => [ 200_000, 20_000 ],
		ddl => "$mixed_ddl; ALTER TABLE mixed REPLICA IDENTITY FULL;"
		  . " INSERT INTO mixed SELECT $mixed_row"
		  . ' FROM generate_series(1, {rows}) g',
		load => transactions('UPDATE mixed SET quantity = quantity + 1 WHERE'
			  . ' id BETWEEN {i} * {per} + 1 AND ({i} + 1) * {per}')
	},
	{
		name => 'wide',
		title => 'rows of 100 text columns',
		rows => [ 20_000, 2_000 ],
		ddl => repeated_ddl('wide', 'text', 100),
		load => insert('wide', repeated_row(q{'text ' || g % 100 + {c}}, 100))
	},
	{
		name => 'json',
		title => 'a jsonb of 10 KB',
		rows => [ 10_000, 1_000 ],
		ddl => 'CREATE TABLE json (id int8 PRIMARY KEY, value jsonb)',
		load => insert('json', "g, $json_value")
	},
	{
		name => 'bytea',
		title => 'a bytea of 1 MB',
		rows => [ 200, 20 ],
		per => 1,
		ddl => 'CREATE TABLE bytes (id int8 PRIMARY KEY, value bytea);'
		  . ' CREATE TABLE pattern AS SELECT decode(string_agg(md5(i::text),'
		  . " ''), 'hex') AS value FROM generate_series(1, 65536) i",
		load => transactions('INSERT INTO bytes SELECT {i},'
			  . ' set_byte(value, {i}, 0) FROM pattern')
	},
	{
		name => 'numeric',
		title => '8 numeric columns',
		rows => [ 200_000, 20_000 ],
		ddl => repeated_ddl('numbers', 'numeric(20,6)', 8),
		load => insert('numbers', repeated_row($numeric_value, 8))
	},
	{
		name => 'timestamp',
		title => '8 timestamptz columns',
		rows => [ 200_000, 20_000 ],
		ddl => repeated_ddl('times', 'timestamptz', 8),
		load => insert('times', repeated_row($timestamp_value, 8))
	},
	{
		name => 'array',
		title => '5 array columns',
		rows => [ 100_000, 10_000 ],
		ddl => 'CREATE TABLE arrays (id int8 PRIMARY KEY, ints int4[],'
		  . ' texts text[], numbers numeric(12,2)[], times timestamptz[],'
		  . ' matrix float8[])',
		load => insert('arrays', $array_row)
	},
	{
		name => 'tables',
		title => '1,000 tables in turn',
		rows => [ 200_000, 20_000 ],
		ddl => 'DO $$ BEGIN FOR t IN 0 .. 999 LOOP EXECUTE format(\'CREATE'
		  . " TABLE t%s (id int8, title text)', t); END LOOP; END \$\$",
		load => transactions('FOR r IN {i} * {per} .. ({i} + 1) * {per} - 1'
			  . " LOOP EXECUTE format('INSERT INTO t%s VALUES (%s, ''title'')',"
			  . ' r % 1000, r); END LOOP')
	},
	{
		name => 'filtered',
		title => '9 mixed columns, of which nothing is wanted',
		rows => [ 200_000, 50_000 ],
		ddl => "$mixed_ddl; DROP PUBLICATION IF EXISTS bench_none;"
		  . ' CREATE PUBLICATION bench_none',
		load => insert('mixed', $mixed_row),
		only => [qw(bench_floor pgoutput wal2json pg_etf_decoding)],
		whole => 1,
		options => {
			pgoutput => ['publication_names=bench_none'],
			wal2json => ['filter-tables=public.*'],
			pg_etf_decoding => ['exclude_tables=public.*']
		}
	},
	{
		name => 'row-filter',
		title => '9 mixed columns, of which a row filter lets none pass',
		since => 15,
		rows => [ 200_000, 50_000 ],
		ddl => "$mixed_ddl; DROP PUBLICATION IF EXISTS bench_row_filter;"
		  . ' CREATE PUBLICATION bench_row_filter FOR TABLE mixed'
		  . ' WHERE (quantity < 0)',
		load => insert('mixed', $mixed_row),
		only => [qw(bench_floor pgoutput pg_etf_decoding)],
		whole => 1,
		options => {
			map { $_ => ['publication_names=bench_row_filter'] }
			  qw(pgoutput pg_etf_decoding)
		},
		targets => { map { $_ => 1.1 } 'etf-elixir', 'etf-erlang', 'etf-compact' }
	});

for my $workload (@all)
{
	$workload->{per} //= 100;
	$workload->{targets} //= \%not_above_binary;
}

# So many rows, in whole transactions.
sub whole
{
	my ($workload, $rows) = @_;
	my $per = $workload->{per} eq 'all' ? 1 : $workload->{per};
	return $per * int(($rows + $per - 1) / $per);
}

# Make the slots, then the WAL that they will decode; its end.
sub load
{
	my ($cluster, $workload, $rows, @plugins) = @_;
	my $per = $workload->{per} eq 'all' ? $rows : $workload->{per};
	my ($ddl, $load) = map { s/\{rows\}/$rows/gr =~ s/\{per\}/$per/gr }
	  @{$workload}{ 'ddl', 'load' };

	$cluster->query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
	$cluster->query($ddl);
	$cluster->query("SELECT pg_create_logical_replication_slot('s_$_', '$_')")
	  for @plugins;
	$cluster->query($load);
	my $end = $cluster->query('SELECT pg_current_wal_insert_lsn()');
	$cluster->query('CHECKPOINT');
	return $end;
}

1;
