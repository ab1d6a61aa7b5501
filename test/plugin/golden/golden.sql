-- What the golden frames are made of.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (number int, label text);
CREATE TABLE golden (
	id int PRIMARY KEY, small int2, big int8, flag bool, f4 float4, f8 float8,
	n numeric, t text, b bytea, bits varbit, u uuid, d date, ti time(3),
	tz timetz, ts timestamp, tstz timestamptz, i interval, j json, jb jsonb,
	ia int[], ta text[], p pair, pa pair[], m mood, r int4range, nr numrange,
	ip inet, mac macaddr, pt point, poly polygon, tsv tsvector, lsn pg_lsn);
INSERT INTO golden VALUES (
	1, -32768, 9223372036854775807, true, 1.5, 0.1, -12345678901234567890.1230,
	'grün', '\x00ff', B'10101', '12345678-9abc-def0-1234-56789abcdef0',
	'2024-02-29', '12:34:56.789', '12:34:56.789-03:30',
	'1999-12-31 23:59:59.999999', '2024-02-29 12:34:56+00',
	'1 mon 2 days 03:04:05.678901', '{"a": [1, 2.5, null, true]}',
	'{"b": {"c": "d"}, "e": [1e3]}', '{{1,NULL},{3,4}}', '{}', (1, 'x'),
	ARRAY[(2, NULL)::pair, NULL], 'ok', '[1,5)', '(,2.50]', '192.168.1.5/24',
	'08:00:2b:01:02:ff', '(1.5,-2)', '((0,0),(1,1),(2,0))', 'a:1A b', '16/B374D848');
INSERT INTO golden (id, f4, f8, n, d, ts, tstz, r) VALUES (
	2, 'NaN', '-Infinity', 'NaN', 'infinity', '-infinity', 'infinity', 'empty');
INSERT INTO golden (id, d, ti, ts) VALUES (
	3, '0044-03-15 BC', '24:00', '294276-12-31 23:59:59.999999');
