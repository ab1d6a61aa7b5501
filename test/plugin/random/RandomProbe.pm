# What a database of the test has before anything random: extensions, and
# functions that make large values, or say in text how the catalogs describe a
# table.
package RandomProbe;

use strict;
use warnings;

my @extensions = qw(hstore citext ltree);

my $functions = <<'SQL';
CREATE SCHEMA probe;

-- Hexadecimal digits that compression makes little of.
CREATE FUNCTION probe.large(start int, pieces int) RETURNS text LANGUAGE sql
IMMUTABLE AS $$
	SELECT string_agg(md5(i::text), '') FROM generate_series(start,
		start + pieces - 1) AS i
$$;

CREATE FUNCTION probe.element(t pg_type) RETURNS oid LANGUAGE plpgsql AS $$
DECLARE
	found oid;
BEGIN
	IF t.typtype = 'r' THEN
		SELECT rngsubtype INTO found FROM pg_range WHERE rngtypid = t.oid;
	ELSIF t.typtype = 'm' THEN
		SELECT rngtypid INTO found FROM pg_range WHERE rngmultitypid = t.oid;
	ELSIF t.typlen = -1 THEN
		found := t.typelem;
	END IF;
	RETURN coalesce(found, 0);
END $$;

CREATE FUNCTION probe.modifier(typ oid, mod int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
	t pg_type;
	element oid;
BEGIN
	SELECT * INTO t FROM pg_type WHERE oid = typ;
	IF t.typtype = 'd' THEN
		RETURN probe.modifier(t.typbasetype, t.typtypmod);
	END IF;
	element := probe.element(t);
	IF element = 0 THEN
		RETURN mod;
	END IF;
	RETURN probe.modifier(element,
		CASE WHEN t.typtype IN ('r', 'm') THEN -1 ELSE mod END);
END $$;

CREATE FUNCTION probe.shape(typ oid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t pg_type;
	element oid;
BEGIN
	SELECT * INTO t FROM pg_type WHERE oid = typ;
	element := probe.element(t);
	RETURN CASE
		WHEN t.typtype = 'd' THEN probe.shape(t.typbasetype)
		WHEN t.typtype = 'm' THEN 'multi' || probe.shape(element)
		WHEN t.typtype = 'r' THEN 'range(' || probe.shape(element) || ')'
		WHEN element <> 0 THEN 'array(' || probe.shape(element) || ')'
		WHEN t.typtype = 'c' THEN (
			SELECT '{' || coalesce(string_agg(attname || ':'
				|| probe.shape(atttypid) || '/'
				|| probe.modifier(atttypid, atttypmod), ','
				ORDER BY attnum), '') || '}'
			FROM pg_attribute
			WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped)
		ELSE typ::text END;
END $$;

CREATE FUNCTION probe.in_index(c pg_class, attnum int, want text)
RETURNS bool LANGUAGE sql AS $$
	SELECT EXISTS (
		SELECT FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (att, n)
		WHERE i.indrelid = c.oid AND i.indimmediate AND i.indisvalid
			AND n <= i.indnkeyatts AND att = attnum
			AND CASE WHEN want = 'primary' THEN i.indisprimary
				WHEN c.relreplident = 'd' THEN i.indisprimary
				WHEN c.relreplident = 'i' THEN i.indisreplident
				ELSE false END)
$$;

CREATE FUNCTION probe.state(relation oid) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(E'\n', c.oid, nspname, relname,
		CASE relreplident WHEN 'd' THEN 'default' WHEN 'i' THEN 'index'
			WHEN 'f' THEN 'full' ELSE 'nothing' END,
		string_agg(concat_ws(' ', attname, atttypid, typname,
			probe.modifier(atttypid, atttypmod),
			CASE WHEN probe.in_index(c, attnum, 'key') THEN 'key' END,
			CASE WHEN probe.in_index(c, attnum, 'primary') THEN 'primary' END,
			CASE WHEN attgenerated <> '' THEN 'generated' END,
			nullif(probe.shape(atttypid), atttypid::text)), E'\n'
			ORDER BY attnum))
	FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
	LEFT JOIN (pg_attribute JOIN pg_type t ON t.oid = atttypid)
		ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
		AND attgenerated <> 'v'
	WHERE c.oid = relation
	GROUP BY c.oid, c.*, nspname, relname, relreplident
$$;
SQL

# The database that those of the rounds, and the judge's, are copies of.
sub setup
{
	my ($etf, $db) = @_;

	$etf->sql("CREATE DATABASE $db");
	$etf->sql("CREATE SCHEMA ext; $functions", $db);
	for my $name (@extensions)
	{
		next
		  if $etf->sql("SELECT 1 FROM pg_available_extensions
						WHERE name = '$name'") ne '1';
		$etf->sql("CREATE EXTENSION $name SCHEMA ext", $db);
	}
	return;
}

1;
