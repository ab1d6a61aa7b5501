-- etf_to_text: any term as Erlang reads it, and a clear error for the rest.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SELECT etf_to_text(NULL) IS NULL;
SELECT name, etf_to_text(term) FROM (VALUES
	('small integer', '\x8361ff'::bytea),
	('integer', '\x8362ffffffff'),
	('small bignum', '\x836e0801ffffffffffffffff'),
	('large bignum', '\x836f000000020001ff'),
	('new float', '\x83463ff8000000000000'),
	('old float', '\x8363312e353030303030303030303030303030303030303030652b303000000000'),
	('atom, latin-1', '\x8364000161'),
	('small atom, utf-8', '\x837702c3a4'),
	('atom, utf-8', '\x8376000161'),
	('quoted atoms', '\x8368037706456c69786972770077036f7220'),
	('reserved word', '\x8377026f72'),
	('binary', '\x836d00000003616263'),
	('binary, not text', '\x836d0000000300ff01'),
	('bit string', '\x834d0000000203aae0'),
	('empty tuple', '\x836800'),
	('large tuple', '\x83690000000261016102'),
	('nil', '\x836a'),
	('list', '\x836c00000002610161026a'),
	('improper list', '\x836c0000000161016102'),
	('string', '\x836b00036162ff'),
	('map', '\x8374000000016101770161'),
	('export', '\x837177016d7701666103')) t(name, term);

-- Malformed: every way to lie about lengths.
SELECT etf_to_text('');
SELECT etf_to_text('\x83');
SELECT etf_to_text('\x82');
SELECT etf_to_text('\x8361');
SELECT etf_to_text('\x8362ffff');
SELECT etf_to_text('\x83ff00');
SELECT etf_to_text('\x836dffffffff00');
SELECT etf_to_text('\x836cffffffff6101');
SELECT etf_to_text('\x8369ffffffff');
SELECT etf_to_text('\x8374ffffffff');
SELECT etf_to_text('\x836f7fffffff00');
SELECT etf_to_text('\x837605');
SELECT etf_to_text('\x837702ff61');
SELECT etf_to_text('\x834d0000000109ff');
SELECT etf_to_text('\x834d0000000000');
SELECT etf_to_text('\x83467ff0000000000000');
SELECT etf_to_text('\x8361016102');
SELECT etf_to_text('\x8350000000ff00');
SELECT length(etf_to_text(('\x83' || repeat('6801', 100000) || '6a')::bytea));
SELECT etf_to_text(('\x83' || repeat('6c00000001', 10) || '6a')::bytea);

-- Every prefix of a frame is too short, and no single byte makes a crash.
CREATE FUNCTION try_text(frame bytea) RETURNS text LANGUAGE plpgsql AS
$$BEGIN
	RETURN left(etf_to_text(frame), 0) || 'a term';
EXCEPTION WHEN invalid_binary_representation OR program_limit_exceeded
	OR data_exception OR statement_too_complex THEN
	RETURN 'an error';
END$$;
CREATE TABLE sample AS SELECT etf_encode(ROW(1, 'x'::text, 1.5, 2.5::float8,
	'2024-01-01'::date, ARRAY[1, NULL], B'101', '{"a": [1]}'::jsonb, 1::bigint << 40,
	now() - now())) AS frame;
SELECT DISTINCT try_text(substring(frame FROM 1 FOR n))
FROM sample, generate_series(1, length(frame) - 1) n;
SELECT count(*) > 1000 FROM sample, generate_series(1, length(frame) - 1) n,
	unnest('{0,1,97,104,106,108,109,116,127,128,255}'::int[]) byte
WHERE try_text(set_byte(frame, n, byte)) IS NOT NULL;
DROP TABLE sample;
DROP FUNCTION try_text;
