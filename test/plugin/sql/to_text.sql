-- etf_to_text shows any term; bytes that are none are an error, never a crash.
SELECT etf_to_text('\x836101');
SELECT etf_to_text(etf_encode('a "text"'::text));
SELECT etf_to_text(etf_encode(NULL::text)), etf_to_text(NULL) IS NULL AS strict;
SELECT etf_to_text(etf_encode(ARRAY[1.50, 'NaN', NULL], '{dialect=compact}'));
SELECT etf_to_text(etf_encode('{"a": [1, 2.5, null, {}]}'::jsonb));
SELECT etf_to_text(etf_encode('\xff00'::bytea)), etf_to_text(etf_encode(B'101'));

-- A numeric of all the digits there can be.
SELECT etf_to_text(etf_encode(repeat('9', 131072)::numeric,
	'{dialect=compact}')) = '{' || repeat('9', 131072) || ',0}' AS same;

-- One whole term and nothing else.
SELECT etf_to_text('');
SELECT etf_to_text('\x6101');
SELECT etf_to_text('\x83');
SELECT etf_to_text('\x8361010a');
SELECT etf_to_text('\x8350000000');
SELECT etf_to_text('\x8368026101ff');
SELECT etf_to_text('\x8369ffffffff6a');
SELECT etf_to_text('\x836dffffffff6a');
SELECT etf_to_text('\x83467ff8000000000000');

-- Every cut of a term is an error that PL/pgSQL can catch.
DO $$
DECLARE
	term bytea := etf_encode('{"a": [1, "b", 1e30, {"c": null}]}'::jsonb);
BEGIN
	FOR len IN 0 .. length(term) - 1 LOOP
		BEGIN
			PERFORM etf_to_text(substring(term FROM 1 FOR len));
			RAISE 'length % was shown', len;
		EXCEPTION WHEN invalid_binary_representation THEN
			NULL;
		END;
	END LOOP;
END $$;

-- Depth costs no stack, and ends somewhere.
SELECT length(etf_to_text('\x83' || decode(repeat('6801', 500000), 'hex') ||
	'\x6a'));
SELECT etf_to_text('\x83' || decode(repeat('6801', 1000001), 'hex') || '\x6a');

-- Long work can be interrupted: this would take some ten seconds, or forty
-- times what one of its integers does.
DO $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	PERFORM etf_to_text('\x836f0000ffff00' || decode(repeat('ff', 65535), 'hex'));
	PERFORM set_config('test.one', (clock_timestamp() - started)::text, false);
END $$;
SET statement_timeout = '200ms';
DO $$
DECLARE
	big text := '6f0000ffff00' || repeat('ff', 65535);
	started timestamptz := clock_timestamp();
BEGIN
	PERFORM etf_to_text('\x836828' || decode(repeat(big, 40), 'hex'));
	RAISE 'nothing was interrupted';
EXCEPTION WHEN query_canceled THEN
	IF clock_timestamp() - started
		> '3 s' + 5 * current_setting('test.one')::interval THEN
		RAISE 'it took too long';
	END IF;
END $$;
RESET statement_timeout;
