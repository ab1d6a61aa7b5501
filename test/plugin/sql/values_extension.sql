-- Types of extensions, found by name.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;

SET client_min_messages = warning;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;

SELECT s.* FROM shown(''::hstore) s;
SELECT s.* FROM shown('b=>1, a=>NULL, "k \"q"=>"x, y"'::hstore) s;
SELECT s.* FROM shown('Text'::citext) s;
SELECT s.* FROM shown('{Text,NULL}'::citext[]) s;
SELECT s.* FROM shown('Top.Science'::ltree) s;
SELECT s.* FROM shown('1:2:'::pg_snapshot) s;
DROP EXTENSION hstore, citext, ltree;
-- A type that has the name, but not the extension.
CREATE TYPE hstore AS ENUM ('not a map');
SELECT s.* FROM shown('not a map'::hstore) s;
DROP TYPE hstore;
DROP FUNCTION shown;
