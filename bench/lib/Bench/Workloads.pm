# What the plugins decode: one row per workload.
#
#	rows	rows of the load, and with --quick
#	ddl		run before the slots are made; the load runs after that
#	load	SQL; {rows} is their number, {per} how many a transaction has
#	options	for a plugin, beside those of the candidate; a plugin that is
#			not named decodes with the candidate's own
package Bench::Workloads;

use strict;
use warnings;

my $mixed_ddl = q{
	CREATE TABLE mixed (id int8 PRIMARY KEY, quantity int4, title text,
		price numeric(12,2), at timestamptz, active bool, ref uuid,
		score float8, detail jsonb)};

my $mixed_row = q{g, g % 1000, 'title ' || substr(md5(g::text), 1, 14),
	(g % 1000000)::numeric / 100, '2024-01-01Z'::timestamptz + g * '1.001 s'
	::interval, g % 3 = 0, md5(g::text)::uuid, g / 7.0,
	jsonb_build_object('sku', 'A-' || g, 'qty', g % 9, 'tags',
		jsonb_build_array('new', 'eu'), 'ok', true)};

# Insert rows as {per} a transaction.
sub insert
{
	my ($table, $row) = @_;
	return qq{
	DO \$\$ BEGIN
		FOR i IN 0 .. {rows} / {per} - 1 LOOP
			INSERT INTO $table SELECT $row
				FROM generate_series(i * {per} + 1, (i + 1) * {per}) g;
			COMMIT;
		END LOOP;
	END \$\$};
}

our @all = (
	{
		name => 'mixed',
		title => '9 mixed columns, transactions of 100',
		rows => [ 500_000, 50_000 ],
		per => 100,
		ddl => $mixed_ddl,
		load => insert('mixed', $mixed_row),
	},
	{
		name => 'single',
		title => '9 mixed columns, one row per transaction',
		rows => [ 100_000, 10_000 ],
		per => 1,
		ddl => $mixed_ddl,
		load => insert('mixed', $mixed_row),
		limits => { 'etf-compact' => 'pgoutput-binary',
			'etf-elixir' => 'pgoutput-binary' },
	},);

1;
