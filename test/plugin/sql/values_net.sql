-- Addresses and geometric values in the three dialects.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION shown(value anyelement, options text[] DEFAULT '{}')
RETURNS TABLE (elixir text, erlang text, compact text) LANGUAGE sql AS
$$SELECT etf_to_text(etf_encode(value, options || '{dialect=elixir}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=erlang}'::text[])),
	etf_to_text(etf_encode(value, options || '{dialect=compact}'::text[]))$$;


SELECT v, s.* FROM unnest('{192.168.1.5,192.168.1.5/24,::1,2001:db8::/48}'::inet[]) v, shown(v) s;
SELECT v, s.* FROM unnest('{10.0.0.0/8,10.0.0.1/32,::/0}'::cidr[]) v, shown(v) s;
SELECT s.* FROM shown('08:00:2b:01:02:ff'::macaddr) s;
SELECT s.* FROM shown('08:00:2b:ff:fe:01:02:03'::macaddr8) s;
SELECT s.* FROM shown('(1.5,-2)'::point) s;
SELECT s.* FROM shown('(NaN,Infinity)'::point) s;
SELECT s.* FROM shown('{1,-1,0.5}'::line) s;
SELECT s.* FROM shown('[(0,0),(1,1)]'::lseg) s;
SELECT s.* FROM shown('(2,2),(0,0)'::box) s;
SELECT s.* FROM shown('((0,0),(1,1))'::path) s;
SELECT s.* FROM shown('[(0,0),(1,1)]'::path) s;
SELECT s.* FROM shown('((0,0),(1,1),(2,0))'::polygon) s;
SELECT s.* FROM shown('<(1,2),3>'::circle) s;
DROP FUNCTION shown;
