-- Dates and times in the three dialects.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;

SET timezone = 'UTC';
SET datestyle = 'ISO';

SELECT v, s.* FROM unnest('{2000-01-01,1969-12-31,0001-01-01,0001-12-31 BC,4713-01-01 BC,5874897-12-31,infinity,-infinity}'::date[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{00:00,12:34:56.789,23:59:59.999999,24:00:00}'::time[]) v, shown(v) s;
SELECT s.* FROM shown('12:34:56.789'::time(3)) s;
SELECT v, s.* FROM unnest('{00:00+00,12:34:56.789-03:30,23:59:59.999999+15:59:59,24:00:00+01}'::timetz[]) v, shown(v) s;
SELECT s.* FROM shown('12:34:56.789-03:30'::timetz, '{timetz=offset}') s;
SELECT v, s.* FROM unnest('{2000-01-01 00:00:00,1999-12-31 23:59:59.999999,4713-01-01 00:00:00 BC,294276-12-31 23:59:59.999999,infinity,-infinity}'::timestamp[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{2024-02-29 12:34:56.5+02,infinity,-infinity}'::timestamptz[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{2024-02-29 12:34:56.5+02,0044-03-15 12:00:00+00 BC}'::timestamptz[]) v, shown(v, '{timestamps=iso}') s;
SELECT v, s.* FROM unnest('{2024-02-29 12:34:56.5+02}'::timestamptz[]) v, shown(v, '{timestamps=us}') s;
SELECT v, s.* FROM unnest('{2024-02-29 12:34:56.5+02}'::timestamptz[]) v, shown(v, '{timestamps=struct}') s;
SELECT s.* FROM shown('2024-02-29'::date, '{timestamps=iso}') s;
SELECT s.* FROM shown('2024-02-29'::date, '{timestamps=us}') s;
SELECT s.* FROM shown('12:00'::time, '{timestamps=iso}') s;
SELECT s.* FROM shown('12:00+01'::timetz, '{timestamps=iso,timetz=offset}') s;
SELECT v, s.* FROM unnest('{0,1 mon 2 days 03:04:05.678901,-1 mon +2 days -00:00:00.000001,-1 year}'::interval[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{1 mon 2 days 03:04:05.678901}'::interval[]) v, shown(v, '{interval=duration}') s;
SELECT v, s.* FROM unnest('{1 mon 2 days 03:04:05.678901}'::interval[]) v, shown(v, '{interval=postgrex}') s;
DROP FUNCTION shown;
