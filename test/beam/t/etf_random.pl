# Random bytes as terms: the type etf takes exactly what a BEAM takes, and no
# function that reads terms has another answer than a value or an error of its
# own.
use strict;
use warnings;

use BeamTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PG_ETF_SEED} // int rand 1_000_000;
my $file = PostgreSQL::Test::Utils::tempdir() . '/terms';
my $beam = BeamTest->new('random', preload => 0, conf => 'log_min_messages = fatal');
my $otp = qx(erl -noinput -eval 'io:put_chars(erlang:system_info(otp_release)), halt().');

$beam->sql(q{
	CREATE UNLOGGED TABLE terms (bytes bytea, good bool, damaged bool, taken bool);
	CREATE TYPE spot AS (x int, y int[]);
	CREATE TYPE deep AS (a spot[], b numeric(5, 2), c int4range);
	CREATE FUNCTION takes(b bytea) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
		PERFORM b::etf; RETURN true;
	EXCEPTION WHEN invalid_binary_representation THEN RETURN false; END $$;
	-- The SQLSTATE of an expression over the term $1.
	CREATE FUNCTION state_of(expression text, b bytea) RETURNS text
		LANGUAGE plpgsql AS $$ BEGIN
		EXECUTE 'SELECT ' || expression USING b; RETURN '00000';
	EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$});

command_ok([ 'erl', '-noinput', '-pa', $ENV{ETF_EBIN}, '-run', 'random_term', 'main',
		$file, $ENV{PG_ETF_FULL} ? 1_000_000 : 100_000, $seed ], "random terms, seed $seed");
$beam->sql("COPY terms (bytes, good, damaged) FROM '$file'; UPDATE terms SET taken = takes(bytes)");
is($beam->sql(q{SELECT bytes FROM terms WHERE taken AND NOT good ORDER BY length(bytes) LIMIT 3}), '',
	'etf takes no term that a BEAM refuses') if $otp >= 25;    # older ones lack tags
is($beam->sql(q{SELECT bytes FROM terms WHERE NOT taken AND NOT damaged
		ORDER BY length(bytes) LIMIT 3}), '', 'and refuses none that a BEAM writes');
cmp_ok($beam->sql('SELECT count(*) FROM terms WHERE good'), '>', 10_000, 'often it does');

# What may be said of the terms that are taken: of all of them, and of those
# that a type could be.
sub states
{
	my ($expression, $where, $allowed, $what) = @_;

	is($beam->sql(qq{SELECT state, min(substr(bytes::text, 1, 200)) FROM (
			SELECT state_of(\$e\$$expression\$e\$, bytes) AS state, bytes FROM terms
				WHERE $where) AS all_states
			WHERE state NOT IN ('00000', $allowed) GROUP BY 1}), '', $what);
	return;
}

states('length(($1::etf)::text)', 'taken', q{''}, 'every term has a text');
states('(($1::etf)::jsonb)::text::jsonb', 'taken', q{'22P05', '22003'},
	'and a document, unless a text has a zero byte or a number is too large');
states('etf_tuple($1::etf, $1::etf)::bytea::etf', 'taken', q{''}, 'or is part of another one');

# Wrong in what it is, in size, in number, or as text
my $allowed = q{'42804', '22003', '22021', '22P05', '42703', '2202E', '22P02', '08P01',
	'22007', '22008', '22023', '42601', '42602', '22001', '22000', '42883', '42P01', '42704', '0A000', '22P03', '22026'};
for my $type ('numeric(4,1)', qw(bool int2 int4 int8 float4 float8 numeric money oid xid pg_lsn
	tid regclass text varchar(3) char(2) "char" name bytea bit(3) varbit(5) uuid date time
	time(2) timetz timestamp timestamptz(0) interval json jsonb tsvector tsquery int2vector
	oidvector inet cidr macaddr macaddr8 point line lseg box path polygon circle etf int[]
	text[] jsonb[] etf[] spot spot[] deep int4range numrange tstzrange))
{
	states("etf_decode(\$1, NULL::$type)::text", 'random() < 0.02', $allowed,
		"etf_decode of $type");
}
$beam->stop;
done_testing();
