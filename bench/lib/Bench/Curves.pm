# What may grow: one row per curve.
#
#	title	of what the costs are a function
#	x		what it is counted in
#	values	of x, and with --quick
#	total	the whole cost is looked at, not that of a row
#	memory	memory is looked at, too
#	bound	how far it may be off, in place of the usual
#	break	by whose costs they are: a value of x behind which they are others
#	load	from a value of x, and whether it is --quick: a workload as in
#			Bench::Workloads, with "x" where that is not the value, and "rounds"
#			where fewer will do, or more are needed
package Bench::Curves;

use strict;
use warnings;

use Bench::Workloads;

my $ddl = 'CREATE TABLE narrow (id int8 PRIMARY KEY, quantity int4, title text)';
my $row = q{g, g % 1000, 'title ' || g};

our @all = (
	{
		name => 'rows',
		title => 'number of rows, transactions of 100',
		x => 'rows',
		values => [
			[ 10_000, 100_000, 1_000_000, 10_000_000 ],
			[ 10_000, 20_000, 50_000 ]
		],
		total => 1,
		memory => 1,
		load => sub {
			my ($rows) = @_;
			return { narrow(100, $rows),
				$rows > 1_000_000 ? (rounds => 1) : () };
		}
	},
	{
		name => 'columns',
		title => 'number of columns',
		x => 'columns',
		values => [
			[ 1, 3, 10, 30, 100, 300, 600, 1000 ],
			[ 10, 100, 300, 1000 ]
		],
		# A map of more keys is a hash trie; transactions of longer rows do not fit
		# into a frame, and come in faster than the client takes them.
		break => { BEAM => 32, client => 131 },
		load => sub {
			my ($columns, $quick) = @_;
			my $rows = ($quick ? 1_000_000 : 5_000_000) / ($columns + 10);
			return {
				ddl => Bench::Workloads::repeated_ddl('wide', 'int4', $columns),
				load => Bench::Workloads::insert('wide',
					Bench::Workloads::repeated_row('g + {c}', $columns)),
				per => 100,
				rows => int($rows / 100) * 100,
				$columns < 30 || $quick ? () : (rounds => 9)
			};
		}
	},
	{
		name => 'tables',
		title => 'number of tables, in turn',
		x => 'tables',
		values => [ [ 1, 10, 100, 1000, 10_000 ], [ 1, 100, 1000 ] ],
		load => sub {
			my ($tables, $quick) = @_;
			return {
				ddl => tables_ddl($tables),
				load => tables_load($tables),
				per => 100,
				rows => $quick ? 20_000 : 200_000
			};
		}
	},
	{
		name => 'transactions',
		title => 'number of transactions for the same rows',
		x => 'txns/row',
		# The server holds the changes of a transaction until its commit: a
		# large one no longer fits the caches.
		bound => 0.5,
		values =>
		  [ [ 1, 10, 100, 1000, 10_000, 100_000 ], [ 1, 10, 100, 10_000 ] ],
		load => sub {
			my ($per, $quick) = @_;
			my $rows = $quick ? 20_000 : 100_000;
			return { narrow($per, $rows), x => 1 / $per };
		}
	});

sub narrow
{
	my ($per, $rows) = @_;
	return (ddl => $ddl, load => Bench::Workloads::insert('narrow', $row),
		per => $per, rows => $rows);
}

# Committed in between: each table is a lock until then.
sub tables_ddl
{
	my ($tables) = @_;
	return "DO \$\$ BEGIN FOR t IN 1 .. $tables LOOP EXECUTE"
	  . " format('CREATE TABLE t%s (id int8, quantity int4)', t - 1);"
	  . ' IF t % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$';
}

sub tables_load
{
	my ($tables) = @_;
	return Bench::Workloads::transactions(
		'FOR r IN {i} * {per} .. ({i} + 1) * {per} - 1 LOOP EXECUTE'
		  . " format('INSERT INTO t%s VALUES (%s, 1)', r % $tables, r);"
		  . ' END LOOP');
}

# So little that it costs what every run costs.
sub nothing
{
	return { narrow(100, 100) };
}

sub points
{
	my ($curve, $quick) = @_;
	return map { { x => $_, %{ $curve->{load}->($_, $quick) } } }
	  @{ $curve->{values}[ $quick ? 1 : 0 ] };
}

1;
