-- What is new in later versions: infinite intervals (17), made of finite ones.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;

SELECT s.* FROM shown(make_interval(months => 2147483647, days => 2147483647) + '1 hour'::interval * 2562047788 + '54.775807 sec') s;
SELECT s.* FROM shown(make_interval(months => 2147483647, days => 2147483647) + '1 hour'::interval * 2562047788 + '54.775806 sec') s;
SELECT v, s.* FROM unnest('{infinity,-infinity}'::interval[]) v, shown(v) s;
DROP FUNCTION shown;
