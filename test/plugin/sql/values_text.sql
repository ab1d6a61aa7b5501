-- Text, bytes, bits, documents in the three dialects.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;


SELECT v, s.* FROM unnest('{"",plain,"grüße","a\"b\\\\c"}'::text[]) v, shown(v) s;
SELECT s.* FROM shown('ab'::char(4)) s;
SELECT s.* FROM shown('ab'::varchar(4)) s;
SELECT s.* FROM shown('c'::"char") s;
SELECT s.* FROM shown('pg_name'::name) s;
SELECT s.* FROM shown('<a>text</a>'::xml) s;
SELECT v, s.* FROM unnest('{"","\\x00ff7e"}'::bytea[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{"",1,101,10101010,101010101}'::varbit[]) v, shown(v) s;
SELECT s.* FROM shown('12345678-9abc-def0-1234-56789abcdef0'::uuid) s;
SELECT s.* FROM shown('12345678-9abc-def0-1234-56789abcdef0'::uuid, '{uuid=text}') s;
SELECT s.* FROM shown('12345678-9abc-def0-1234-56789abcdef0'::uuid, '{uuid=binary}') s;
SELECT v, s.* FROM unnest(ARRAY['null', 'true', '1', '"a\u00e4\n"', '[]', '{}', '{"a": [1, 2.50, {"b": null}]}', '1e3', '-0', '-0.0', '1.0', '123456789012345678901234567890', '1e400', '1e-400']::jsonb[]) v, shown(v) s;
SELECT v, s.* FROM unnest(ARRAY['null', ' [1 , "x" ] ', '{"a":1,"a":2}', '"\ud83d\ude00"', '1E3', '-0', '1e400', '1e-400', '1.5e1']::json[]) v, shown(v) s;
SELECT v, s.* FROM unnest(ARRAY['"\ud83d"', '"\u0000"']::json[]) v, shown(v) s;
SELECT v, s.* FROM unnest(ARRAY['{"a": 1.50}', '[1e-3]']::jsonb[]) v, shown(v, '{json_numbers=decimal}') s;
SELECT v, s.* FROM unnest(ARRAY['{"a": 1.50}']::json[]) v, shown(v, '{json_numbers=decimal}') s;
SELECT v, s.* FROM unnest(ARRAY['{"b": 1, "a": 2}']::jsonb[]) v, shown(v, '{json=text}') s;
SELECT v, s.* FROM unnest(ARRAY['{"b": 1 , "a":2}']::json[]) v, shown(v, '{json=text}') s;
SELECT v, s.* FROM unnest(ARRAY['', 'a b:1A,2', '''it''''s'':3']::tsvector[]) v, shown(v) s;
SELECT s.* FROM shown('a & !b'::tsquery) s;
SELECT s.* FROM shown('$.a[*]'::jsonpath) s;
DROP FUNCTION shown;
