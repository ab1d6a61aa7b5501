-- Numbers and booleans in the three dialects.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;

SELECT v, s.* FROM unnest('{t,f,NULL}'::bool[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{0,255,256,32767,-1,-32768}'::int2[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{0,2147483647,-2147483648,134217728}'::int4[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{2147483648,-2147483649,9223372036854775807,-9223372036854775808}'::int8[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{0,4294967295}'::oid[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{18446744073709551615}'::xid8[]) v, shown(v) s;
SELECT s.* FROM shown('pg_class'::regclass) s;
SELECT s.* FROM shown('int4'::regtype) s;
SELECT s.* FROM shown('7'::xid) s;
SELECT s.* FROM shown('8'::cid) s;
SELECT v - '0/0', s.* FROM unnest('{0/0,FFFFFFFF/FFFFFFFF}'::pg_lsn[]) v, shown(v) s;
SELECT s.* FROM shown('(4294967295,65535)'::tid) s;
SELECT v, s.* FROM unnest('{0,-0,1.5,0.1,NaN,Infinity,-Infinity,1e-45}'::float4[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{0.1,3.4028235e38}'::float4[]) v, shown(v, '{float4=shortest}') s;
SELECT v, s.* FROM unnest('{0,-0,0.1,1e22,1.7976931348623157e308,5e-324,NaN,Infinity,-Infinity}'::float8[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{0,0.00,1.50,-12.345,10000,1e20,-1e20,1e-20,18446744073709551615,NaN}'::numeric[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{1.50,NaN}'::numeric[]) v, shown(v, '{numeric=text}') s;
SELECT v, s.* FROM unnest('{1.50,NaN}'::numeric[]) v, shown(v, '{numeric=decimal}') s;
SELECT v, s.* FROM unnest(ARRAY[1.50, 'NaN', 1e30, 0.1::numeric, repeat('9', 400)::numeric]) v, shown(v, '{numeric=float}') s;
SELECT md5(s.elixir), md5(s.erlang), md5(s.compact) FROM shown(repeat('1234567890', 100)::numeric) s;
SELECT v::numeric, s.* FROM unnest('{0,12.34,-0.05,92233720368547758.07,-92233720368547758.08}'::money[]) v, shown(v) s;
SELECT s.* FROM shown(NULL::int, '{null=undefined}') s;
DROP FUNCTION shown;
