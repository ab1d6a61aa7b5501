# Catalogs that lack what a table is made of, as a race of DDL can leave them:
# an ERROR would come back at every attempt, so there is a marker instead.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('gone');

# What a table is made of, what is taken away, and what is left of its row.
my @cases = (
	[ 'an enum', q{CREATE TYPE gone AS ENUM ('a')}, 'gone', q{'a'},
		q{pg_type WHERE typname = 'gone'}, '{oversized, 4}' ],
	[ 'a domain', q{CREATE DOMAIN gone AS text}, 'gone', q{'abc'},
		q{pg_type WHERE typname = 'gone'}, '{oversized, 3}' ],
	[ 'what a domain is over',
		q{CREATE TYPE gone AS ENUM ('a'); CREATE DOMAIN over AS gone}, 'over',
		q{'a'}, q{pg_type WHERE typname = 'gone'}, '{oversized, 4}' ],
	[ 'an array', q{CREATE TYPE gone AS ENUM ('a')}, 'gone[]', q{'{a,a}'},
		q{pg_type WHERE typname IN ('gone', '_gone')}, qr/\{oversized, \d+\}/ ],
	[ 'the elements of an array', q{CREATE TYPE gone AS ENUM ('a')}, 'gone[]',
		q{'{a,a}'}, q{pg_type WHERE typname = 'gone'}, qr/\{oversized, \d+\}/ ],
	[ 'what a composite has',
		q{CREATE TYPE gone AS ENUM ('a'); CREATE TYPE pair AS (p int, q gone)},
		'pair', q{'(1,a)'}, q{pg_type WHERE typname = 'gone'},
		qr/\{oversized, \d+\}/ ],
	[ 'what a composite has, unused',
		q{CREATE TYPE gone AS ENUM ('a'); CREATE TYPE pair AS (p int, q gone)},
		'pair', q{'(1,)'}, q{pg_type WHERE typname = 'gone'},
		'#{"p"=>1, "q"=>nil}' ],
	[ 'the relation of a composite', q{CREATE TYPE gone AS (p int)}, 'gone',
		q{'(1)'}, q{pg_class WHERE relname = 'gone'},
		qr/\{oversized, \d+\}/ ],
	[ 'what a range is of',
		q{CREATE DOMAIN gone AS int; CREATE TYPE span AS RANGE (SUBTYPE = gone)},
		'span', q{'[1,2]'}, q{pg_type WHERE typname = 'gone'},
		qr/\{oversized, \d+\}/ ]);

push @cases,
  [ 'what a multirange is of', $cases[-1][1], 'span_multirange', q{'{[1,2]}'},
	$cases[-1][4], $cases[-1][5] ]
  if $etf->version >= 14;

for my $i (0 .. $#cases)
{
	my ($name, $types, $type, $value, $lost, $left) = @{ $cases[$i] };
	my $db = "db$i";

	$etf->sql("CREATE DATABASE $db");
	$etf->sql("$types; CREATE TABLE t (id int PRIMARY KEY, a int, x $type);
		ALTER TABLE t REPLICA IDENTITY FULL;
		INSERT INTO t VALUES (1, 1, $value), (2, 2, NULL)", $db);
	$etf->slot($db, $db);
	$etf->sql("DELETE FROM $lost", $db);
	# PostgreSQL 13 cannot update such a table.
	my $updates = $etf->version >= 14;
	$etf->sql('UPDATE t SET a = 5 WHERE id = 2', $db) if $updates;
	$etf->sql('DELETE FROM t', $db);
	$etf->sql("CREATE TABLE fine (a int); INSERT INTO fine VALUES (1)", $db);
	my $changes = $etf->changes($db, db => $db);
	$left = quotemeta $left if ref $left eq '';
	my $old = qr/\{full, #\{"a"=>2, "id"=>2, "x"=>nil\}\}/;
	my @expected = (
		qr/^delete t \{full, #\{"a"=>1, "id"=>1, "x"=>$left\}\}$/,
		qr/^delete t \{full, #\{"a"=>@{[$updates ? 5 : 2]}, "id"=>2, "x"=>nil\}\}$/,
		qr/^insert fine #\{"a"=>1\}$/);
	unshift @expected, qr/^update t $old #\{"a"=>5, "id"=>2, "x"=>nil\}$/
	  if $updates;
	is(scalar @$changes, scalar @expected, "$name is gone: every change comes");
	like($changes->[$_], $expected[$_], "$name is gone: change $_")
	  for 0 .. $#expected;
	$etf->drop_slot($db);
}

# A row goes to its partition by the OID of that, whatever its schema is.
$etf->slot('s');
$etf->sql(
	q{CREATE TABLE parted (a int) PARTITION BY LIST (a);
	CREATE SCHEMA gone;
	CREATE TABLE gone.part PARTITION OF parted DEFAULT;
	DELETE FROM pg_namespace WHERE nspname = 'gone'});
$etf->sql('INSERT INTO parted VALUES (1)');
for my $filter ({}, { include_tables => '*.part' }, { exclude_tables => 'a.*' })
{
	$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'copy')");
	is_deeply([ grep { !/^tx/ } @{ $etf->decode('copy', %$filter) } ],
		[ 'relation .part default, a int4', 'insert part #{"a"=>1}' ],
		"a schema that is gone has an empty name: @{[%$filter]}");
	$etf->drop_slot('copy');
}

$etf->stop;
done_testing();
