# The server as judge: pairs of texts of one type, read and printed again.
package RandomJudge;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

# Kinds: see scalars.erl.  A pair whose text is refused is looked at alone.
my $functions = <<'SQL';
CREATE TABLE pair (kind text, ours text, theirs text, place text);

CREATE FUNCTION reading(kind text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE kind
		WHEN '114' THEN 'ours::jsonb::text = theirs::jsonb::text'
		WHEN '114f' THEN 'ours::jsonb = theirs::jsonb'
		WHEN '3802f' THEN 'ours::jsonb = theirs::jsonb'
		WHEN '1266u' THEN 'ours::time = (theirs::timetz AT TIME ZONE ''UTC'')::time'
		-- The server would also read these with a sign.
		WHEN '26' THEN 'false'
		WHEN '28' THEN 'false'
		WHEN '29' THEN 'false'
		WHEN '5069' THEN 'false'
		WHEN '2206' THEN 'ours !~ ''^-'' AND ours::regtype::text = theirs'
		-- From text there is a cast of its own, which knows names only.
		WHEN '2205' THEN
			'ours !~ ''^-'' AND ours::oid::regclass::text = theirs'
		WHEN '1700f' THEN 'same_double(ours, theirs)'
		ELSE format('ours::%s::text = theirs',
			coalesce((SELECT format_type(oid, NULL) FROM pg_type
					  WHERE oid = kind::oid), 'text')) END
$$;

-- The nearest double; below the normal ones a rounding more is no fault.
CREATE FUNCTION same_double(ours text, theirs text) RETURNS bool
LANGUAGE sql AS $$
	SELECT CASE
		WHEN ours::numeric = 'NaN' OR theirs::numeric = 'NaN'
			THEN ours::numeric = theirs::numeric
		WHEN abs(theirs::numeric) < 1e-307
			THEN abs(ours::numeric - theirs::numeric) < 1e-323
		ELSE ours::numeric::float8 = theirs::numeric::float8 END
$$;

CREATE FUNCTION differs(test text, ours text, theirs text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	same bool;
BEGIN
	EXECUTE format('SELECT %s FROM (SELECT %L::text AS ours,
		%L::text AS theirs) p', test, ours, theirs) INTO same;
	RETURN CASE WHEN same THEN NULL ELSE 'another value' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;

CREATE FUNCTION verdicts()
RETURNS TABLE (place text, kind text, ours text, theirs text, why text)
LANGUAGE plpgsql AS $$
DECLARE
	k text;
	test text;
BEGIN
	FOR k IN SELECT DISTINCT p.kind FROM pair p LOOP
		test := reading(k);
		BEGIN
			RETURN QUERY EXECUTE format('SELECT place, kind, ours, theirs,
				''another value'' FROM pair
				WHERE kind = %L AND (%s) IS NOT TRUE', k, test);
		EXCEPTION WHEN OTHERS THEN
			RETURN QUERY SELECT p.place, p.kind, p.ours, p.theirs,
				differs(test, p.ours, p.theirs) FROM pair p
				WHERE p.kind = k
					AND differs(test, p.ours, p.theirs) IS NOT NULL;
		END;
	END LOOP;
END $$;
SQL

sub new
{
	my ($class, $etf, $template) = @_;

	$etf->sql("CREATE DATABASE judge TEMPLATE $template");
	$etf->sql("ALTER DATABASE judge SET $_")
	  for "timezone = 'UTC'", "search_path = 'judge'",
	  "client_min_messages = error";
	$etf->sql("CREATE SCHEMA judge; $functions", 'judge');
	return bless { etf => $etf }, $class;
}

# Lines of pairs; returns those that differ, as text.
sub differences
{
	my ($self, @pairs) = @_;
	my $etf = $self->{etf};
	my ($file, $error);

	return () if !@pairs;
	$file = $etf->write_text($etf->new_file, join '', map { "$_\n" } @pairs);
	$error =
	  $etf->run_text("TRUNCATE pair;\n\\copy pair FROM '$file'\n", 'judge');
	die "pairs of texts: $error" if $error ne '';
	unlink $file;
	return split /\n/, $etf->sql(<<'SQL', 'judge');
SELECT format('%s, type %s: %s; ours %s, theirs %s', place,
	coalesce((SELECT format_type(oid, NULL) FROM pg_type
			  WHERE oid = rtrim(kind, 'uf')::oid), kind), why,
	left(quote_literal(ours), 300), left(quote_literal(theirs), 300))
FROM verdicts() LIMIT 20
SQL
}

1;
