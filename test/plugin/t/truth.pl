# The mirror of truth itself: without publications we tell of every table what
# pgoutput tells for a publication of all tables, over protocols 1 to 4.
use strict;
use warnings;

use EtfTest;
use EtfTruth;
use Test::More;

my $etf = EtfTest->new('truth', conf => 'logical_decoding_work_mem = 64kB');

$etf->sql(q{CREATE TABLE plain (a int PRIMARY KEY, b text, c numeric, d bool);
	CREATE TABLE nothing (a int, b text); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
	CREATE TABLE whole (a int, b text); ALTER TABLE whole REPLICA IDENTITY FULL;
	CREATE TABLE long_key (a text PRIMARY KEY, b int);
	ALTER TABLE long_key ALTER a SET STORAGE EXTERNAL;
	CREATE TABLE parts (a int PRIMARY KEY, b text) PARTITION BY RANGE (a);
	CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
	CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (10) TO (20)});

my $truth = EtfTruth->new($etf, 's');

sub scenario
{
	my ($etf) = @_;

	$etf->sql(q{
	INSERT INTO plain VALUES (1, 'one', 1.50, true), (2, NULL, NULL, NULL);
	UPDATE plain SET b = 'eins' WHERE a = 1;
	UPDATE plain SET a = 3 WHERE a = 2;
	DELETE FROM plain WHERE a = 3;
	INSERT INTO nothing VALUES (1, 'x');
	INSERT INTO whole VALUES (1, repeat('x', 10)), (1, NULL);
	UPDATE whole SET a = 2;
	DELETE FROM whole;
	INSERT INTO long_key VALUES (repeat('k', 2500), 1);
	UPDATE long_key SET b = 2;
	INSERT INTO parts VALUES (1, 'a'), (11, 'b');
	UPDATE parts SET a = 12 WHERE a = 1;
	TRUNCATE plain RESTART IDENTITY CASCADE;
	TRUNCATE part_1, part_2, long_key});
	$etf->sql(q{BEGIN; INSERT INTO plain VALUES (5, 'kept', 0, false);
	SAVEPOINT a; INSERT INTO plain SELECT i, repeat('gone', 10) FROM generate_series(100, 2000) i;
	SAVEPOINT b; INSERT INTO plain SELECT i, repeat('gone', 10) FROM generate_series(3000, 5000) i;
	ROLLBACK TO a;
	SAVEPOINT c; INSERT INTO plain SELECT i, repeat('kept', 10) FROM generate_series(6000, 8000) i;
	RELEASE c; ALTER TABLE plain ADD e int DEFAULT 7;
	INSERT INTO plain SELECT i, repeat('kept', 10) FROM generate_series(9000, 9100) i; COMMIT;
	BEGIN; INSERT INTO plain SELECT i, 'gone' FROM generate_series(10000, 12000) i; ROLLBACK;
	DELETE FROM plain; ALTER TABLE plain DROP e});
	$etf->sql(q{SELECT pg_logical_emit_message(false, 'out of', 'one');
		SELECT pg_logical_emit_message(true, 'in', 'a transaction')})
	  if $etf->version >= 14;
	return;
}

$etf->sql('CREATE PUBLICATION everything FOR ALL TABLES');

# What this server's protocol versions can do, and one that all have.
my @protocols = (
	{ proto_version => 1 },
	{ proto_version => 1, messages => 'true' },
	{ proto_version => 2, streaming => 'on', messages => 'true' },
	{ proto_version => 3, streaming => 'on' },
	{ proto_version => 4, streaming => 'parallel' });
my %newest = (13 => 0, 14 => 2, 15 => 3);
my $newest = $newest{ $etf->version } // 4;

for my $theirs (@protocols[ 0 .. $newest ])
{
	my $name = join ' ', map { "$_=$theirs->{$_}" } sort keys %$theirs;

	scenario($etf);
	my $lines = $truth->agree(
		$name,
		pgoutput => { publication_names => 'everything', %$theirs },
		ours => { messages => $theirs->{messages} // 'off' });
	cmp_ok(scalar @$lines, '>', 4000, "$name: not nothing");
}

$etf->stop;
done_testing();
