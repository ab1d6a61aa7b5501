-- Each option, right and wrong; the errors list what is valid.
\set SHOW_CONTEXT never
SELECT name, default_value, valid FROM etf_options() ORDER BY name COLLATE "C";

CREATE FUNCTION given(VARIADIC options text[]) RETURNS bigint LANGUAGE sql AS
$$SELECT count(*) FROM pg_logical_slot_peek_binary_changes('opt', NULL, NULL,
	VARIADIC options)$$;
SELECT 'created' FROM pg_create_logical_replication_slot('opt', 'pg_etf_decoding');

SELECT given('nonsense', '1');
SELECT given('ROWS', 'map');
SELECT given('rows', 'map', 'keys', 'atom', 'rows', 'map');
SELECT given('protocol_version', '0');
SELECT given('protocol_version', '2');
SELECT given('protocol_version', 'one');
SELECT given('protocol_version', '99999999999');
SELECT given('protocol_version', ' 1');
SELECT given('protocol_version', '1');
SELECT given('frame_bytes', '0');
SELECT given('frame_bytes', '-1');
SELECT given('frame_bytes', '1kB');
SELECT given('frame_bytes', '');
SELECT given('frame_bytes', '268435457');
SELECT given('frame_bytes', '16777216');
SELECT given('rows', 'list');
SELECT given('keys', '');
SELECT given('dialect', 'Elixir');
SELECT given('messages', 'perhaps');
SELECT given('messages', 'on');
SELECT given('messages', 'true');
SELECT given('message_prefixes', 'app');
SELECT given('message_prefixes', 'app', 'messages', 'on');
SELECT given('actions', 'insert,upsert');
SELECT given('actions', '');
SELECT given('actions', 'insert,insert');
SELECT given('actions', ' insert , delete ');
SELECT given('actions', 'all');
SELECT given('include_tables', 't');
SELECT given('include_tables', 'a.b.c');
SELECT given('include_tables', '');
SELECT given('include_tables', 'a.b,');
SELECT given('include_tables', 'a.b, "c".d, e.f');
SELECT given('include_tables', '.b');
SELECT given('include_tables', 'a.b, *.c*');
SELECT given('include_tables', '"a".b');
SELECT given('publication_names', ' a ,"B ""q"", c"');
SELECT given('publication_names', '');
SELECT given('publication_names', 'a,');
SELECT given('publication_names', 'a b');
SELECT given('publication_names', '"a');
SELECT given('exclude_tables', 'nodot');
SELECT given('null', '');
SELECT given('null', repeat('x', 255));
SELECT given('null', U&'\00E4');
SELECT given('origin', 'here');
SELECT given('skip_empty', '2');
SELECT given('streaming', '2');

-- The same table serves etf_encode.
SELECT etf_encode(1, '{nonsense=1}');
SELECT etf_encode(1, '{rows}');
SELECT etf_encode(1, '{rows=list}');
SELECT etf_encode(1, '{rows=map,rows=map}');
SELECT etf_encode(1, ARRAY[NULL]);
SELECT etf_encode(1, '{{rows=map}}');
SELECT etf_encode(1, NULL) IS NULL AS null_options;
SELECT etf_to_text(etf_encode(NULL::int, '{null=undefined}'));

SELECT 'dropped' FROM pg_drop_replication_slot('opt');
DROP FUNCTION given;
