-- What is new in later versions: oid8 and regdatabase (19).
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;

SELECT v, s.* FROM unnest('{0,18446744073709551615}'::oid8[]) v, shown(v) s;
SELECT s.* FROM shown(ARRAY['template1', '0']::regdatabase[]) s;
DROP FUNCTION shown;
