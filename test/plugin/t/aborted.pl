# Transactions too large for the server's memory that are rolled back: nothing
# of them is sent, and the slot goes on.
#
# The server may know of the rollback before it decodes them.  PostgreSQL 18
# then tells the plugin of aborted subtransactions as if they were streamed,
# though nothing is.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('aborted', conf => 'logical_decoding_work_mem = 64kB');

sub rows
{
	my ($count) = @_;

	return "INSERT INTO t SELECT nextval('n'), repeat('x', 100)
		FROM generate_series(1, $count);";
}

my %shapes = (
	'no savepoint' => rows(700),
	'a savepoint released' =>
	  rows(200) . "SAVEPOINT a; @{[rows(10)]} RELEASE a;" . rows(500),
	'a savepoint left open' => rows(200) . 'SAVEPOINT a;' . rows(500),
	'a large savepoint rolled back' =>
	  "SAVEPOINT a; @{[rows(600)]} ROLLBACK TO a;" . rows(500),
	'savepoints in a savepoint' =>
	  "SAVEPOINT a; @{[rows(300)]} SAVEPOINT b; @{[rows(300)]} RELEASE b;"
	  . rows(300) . 'RELEASE a;' . rows(300),
	'a table made in it' => 'SAVEPOINT a; CREATE TABLE gone (a int);
		INSERT INTO gone SELECT generate_series(1, 2000); RELEASE a;'
	  . rows(500));

$etf->sql('CREATE TABLE t (a int PRIMARY KEY, v text); CREATE SEQUENCE n START 10');
$etf->slot('s');
for my $shape (sort keys %shapes)
{
	$etf->sql("BEGIN; $shapes{$shape} ROLLBACK");
	$etf->sql("INSERT INTO t VALUES (1, 'after it'); DELETE FROM t");
	is_deeply($etf->changes('s'),
		[ 'insert t #{"a"=>1, "v"=>"after it"}', 'delete t {key, #{"a"=>1}}' ],
		"rolled back with $shape: nothing is sent");

	# What commits is whole, and what was rolled back in it is not there.
	$etf->sql("BEGIN; $shapes{$shape} COMMIT; DROP TABLE IF EXISTS gone");
	my $left = $etf->sql('SELECT count(*) FROM t');
	is(scalar(grep { /^insert t / } @{ $etf->changes('s') }),
		$left, "committed with $shape: every row is sent");
	$etf->sql('TRUNCATE t');
	$etf->changes('s');
}

# Prepared transactions wait for COMMIT PREPARED, and are whole then: between two
# sessions of the slot, and after a restart of the server, nothing of them is
# lost.
$etf->sql('CREATE TABLE prepared (LIKE t)');

# After a restart the server may send again what was confirmed.
sub prepared_rows
{
	return scalar grep { /^insert prepared / } @{ $etf->changes('s') };
}

for my $name ('committed', 'rolled back')
{
	$etf->sql(
		"BEGIN; @{[rows(300)]} SAVEPOINT a; @{[rows(300)]} PREPARE TRANSACTION 'x'"
		  =~ s/INTO t/INTO prepared/gr);
	is(prepared_rows(), 0, 'nothing of one that is prepared');
	$etf->node->restart;
	is(prepared_rows(), 0, 'nor after a restart');
	$etf->sql($name eq 'committed' ? "COMMIT PREPARED 'x'" : "ROLLBACK PREPARED 'x'");
	is(prepared_rows(), $name eq 'committed' ? 600 : 0, "what is $name");
	$etf->sql('CHECKPOINT');
}

$etf->stop;
done_testing();
