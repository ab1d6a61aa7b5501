-- Arrays, composites, domains, enums and ranges in the three dialects.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;

CREATE TYPE mood AS ENUM ('sad', 'it''s ok');
CREATE TYPE pair AS (number int, gone text, label text);
ALTER TYPE pair DROP ATTRIBUTE gone;
CREATE TYPE tree AS (root pair, leaves pair[], feeling mood);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN times AS timestamp(3)[];
CREATE TYPE empty_type AS ();

SELECT s.* FROM shown('{}'::int[]) s;
SELECT s.* FROM shown('{1,NULL,3}'::int[]) s;
SELECT s.* FROM shown('{{1,2},{3,NULL}}'::int[]) s;
SELECT s.* FROM shown('[5:6]={1,2}'::int[]) s;
SELECT s.* FROM shown(ARRAY[[[[[[1,2]],[[NULL,4]]]]]]) s;
SELECT s.* FROM shown('{a,NULL,"NULL",""}'::text[]) s;
SELECT s.* FROM shown('{1.5,NaN}'::numeric[]) s;
SELECT s.* FROM shown('{2024-01-01}'::date[]) s;
SELECT s.* FROM shown('1 2 3'::int2vector) s;
SELECT s.* FROM shown('1 2'::oidvector) s;
SELECT v, s.* FROM unnest(enum_range(NULL::mood)) v, shown(v) s;
SELECT s.* FROM shown(enum_range(NULL::mood)) s;
SELECT s.* FROM shown('(1,x)'::pair) s;
SELECT s.* FROM shown('(1,x)'::pair, '{rows=tuple}') s;
SELECT s.* FROM shown('(1,x)'::pair, '{keys=atom}') s;
SELECT s.* FROM shown('(,)'::pair) s;
SELECT s.* FROM shown(ROW((1, 'x')::pair, ARRAY[(2, 'y')::pair, NULL], 'sad')::tree) s;
SELECT s.* FROM shown(ROW(1, 'x', NULL)) s;
SELECT s.* FROM shown(ROW()::empty_type) s;
SELECT s.* FROM shown(7::positive) s;
SELECT s.* FROM shown(ARRAY[7, NULL]::positive[]) s;
SELECT s.* FROM shown('{2024-01-01 12:00:00.1239}'::times) s;
SELECT v, s.* FROM unnest('{empty,"[1,5)","(,5)","[1,)","(,)"}'::int4range[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{"[1.5,2.50]"}'::numrange[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{"[2024-01-01,infinity)"}'::daterange[]) v, shown(v) s;
SELECT s.* FROM shown('{"[1,2)",empty}'::int4range[]) s;
DROP TYPE tree, pair, mood, empty_type;
DROP DOMAIN positive, times;
DROP FUNCTION shown;
