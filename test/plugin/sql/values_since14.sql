-- What is new in later versions: infinite numerics and multiranges (14).
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;


SELECT v, s.* FROM unnest('{Infinity,-Infinity}'::numeric[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{Infinity,-Infinity}'::numeric[]) v, shown(v, '{numeric=float}') s;
SELECT v, s.* FROM unnest(ARRAY['{}', '{[1,5),[7,9)}']::int4multirange[]) v, shown(v) s;
SELECT s.* FROM shown(ARRAY['{[1.5,2]}']::nummultirange[]) s;
DROP FUNCTION shown;
