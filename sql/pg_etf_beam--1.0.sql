/* sql/pg_etf_beam--1.0.sql */
\echo Use "CREATE EXTENSION pg_etf_beam" to load this file. \quit

-- What runs code of the BEAM is for those to whom it is granted.

-- The sidecar

CREATE FUNCTION elixir_call(function text, args jsonb DEFAULT 'null')
RETURNS jsonb
AS 'MODULE_PATHNAME', 'elixir_call'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

REVOKE EXECUTE ON FUNCTION elixir_call(text, jsonb) FROM PUBLIC;

COMMENT ON FUNCTION elixir_call(text, jsonb) IS
'call a registered function of the sidecar with one argument';

CREATE FUNCTION elixir_call_async(
	function text, args jsonb DEFAULT 'null', on_commit boolean DEFAULT false)
RETURNS uuid
AS 'MODULE_PATHNAME', 'elixir_call_async'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

REVOKE EXECUTE ON FUNCTION elixir_call_async(text, jsonb, boolean) FROM PUBLIC;

COMMENT ON FUNCTION elixir_call_async(text, jsonb, boolean) IS
'let the sidecar call a function by itself, now or when the transaction commits';

CREATE FUNCTION elixir_get_result(id uuid, wait_ms integer DEFAULT 0)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'elixir_get_result'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

REVOKE EXECUTE ON FUNCTION elixir_get_result(uuid, integer) FROM PUBLIC;

COMMENT ON FUNCTION elixir_get_result(uuid, integer) IS
'what became of a call of elixir_call_async: pending, done, failed or lost';

CREATE FUNCTION elixir_functions(
	OUT name text, OUT arity integer, OUT module text, OUT doc text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'elixir_functions'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

REVOKE EXECUTE ON FUNCTION elixir_functions() FROM PUBLIC;

COMMENT ON FUNCTION elixir_functions() IS
'the functions that the sidecar lets SQL call';

CREATE FUNCTION elixir_load_code(module text, source text)
RETURNS text[]
AS 'MODULE_PATHNAME', 'elixir_load_code'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

REVOKE EXECUTE ON FUNCTION elixir_load_code(text, text) FROM PUBLIC;

COMMENT ON FUNCTION elixir_load_code(text, text) IS
'compile a module in the sidecar (superusers, where elixir.allow_load_code is on)';

CREATE FUNCTION elixir_health(
	OUT status text, OUT uptime_seconds bigint, OUT memory_mb bigint,
	OUT request_count bigint, OUT pid int, OUT restarts bigint,
	OUT last_exit text, OUT circuit text, OUT connections bigint,
	OUT run_queue bigint, OUT otp text, OUT last_output text)
RETURNS record
AS 'MODULE_PATHNAME', 'elixir_health'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

REVOKE EXECUTE ON FUNCTION elixir_health() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION elixir_health() TO pg_monitor;

COMMENT ON FUNCTION elixir_health() IS
'what the server knows of the sidecar; it answers when the sidecar does not';

CREATE FUNCTION elixir_restart()
RETURNS boolean
AS 'MODULE_PATHNAME', 'elixir_restart'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

REVOKE EXECUTE ON FUNCTION elixir_restart() FROM PUBLIC;

COMMENT ON FUNCTION elixir_restart() IS
'start the sidecar anew; true once it is ready, false if that takes over 10 s';

-- LANGUAGE elixir

CREATE FUNCTION etf_decode(term bytea, type anyelement)
RETURNS anyelement
AS 'MODULE_PATHNAME', 'etf_decode'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION etf_decode(bytea, anyelement) IS
'a term in Erlang external term format as a value of the type of the second argument, whose value does not matter';

-- Terms

CREATE TYPE etf;

CREATE FUNCTION etf_in(cstring) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_in'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION etf_out(etf) RETURNS cstring
AS 'MODULE_PATHNAME', 'etf_out'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION etf_recv(internal) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_recv'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION etf_send(etf) RETURNS bytea
AS 'byteasend'
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE etf (
	INPUT = etf_in, OUTPUT = etf_out, RECEIVE = etf_recv, SEND = etf_send,
	STORAGE = extended);

COMMENT ON TYPE etf IS 'a term in Erlang external term format';

CREATE FUNCTION etf(value anyelement) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_from_any'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION etf(anyelement) IS 'a value as a term';

-- The same: without these, etf(text) and its like would be casts, which read
-- the text, or the bytes, of a term.
CREATE FUNCTION etf(value text) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_from_any'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

CREATE FUNCTION etf(value varchar) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_from_any'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

CREATE FUNCTION etf(value bpchar) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_from_any'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

CREATE FUNCTION etf(value name) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_from_any'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

CREATE FUNCTION etf(value bytea) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_from_any'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

CREATE FUNCTION etf_atom(name text) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_atom'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

REVOKE EXECUTE ON FUNCTION etf_atom(text) FROM PUBLIC;

COMMENT ON FUNCTION etf_atom(text) IS
'an atom; a node never forgets one, so do not make them of data';

CREATE FUNCTION etf_tuple(VARIADIC elements "any") RETURNS etf
AS 'MODULE_PATHNAME', 'etf_tuple'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

CREATE FUNCTION etf_tuple() RETURNS etf
AS 'MODULE_PATHNAME', 'etf_tuple'
LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION etf_tuple("any") IS 'a tuple of these values';

CREATE FUNCTION etf_list(VARIADIC elements "any") RETURNS etf
AS 'MODULE_PATHNAME', 'etf_list'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

CREATE FUNCTION etf_list() RETURNS etf
AS 'MODULE_PATHNAME', 'etf_list'
LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION etf_list("any") IS 'a list of these values';

CREATE FUNCTION etf_map(VARIADIC keys_and_values "any") RETURNS etf
AS 'MODULE_PATHNAME', 'etf_map'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

CREATE FUNCTION etf_map() RETURNS etf
AS 'MODULE_PATHNAME', 'etf_map'
LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION etf_map("any") IS
'a map of these keys and values, in turns';

CREATE FUNCTION etf_charlist(value text) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_charlist'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION etf_charlist(text) IS
'a list of characters, which is what Erlang calls a string';

CREATE FUNCTION etf_show(term etf) RETURNS text
AS 'MODULE_PATHNAME', 'etf_show'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION etf_from_bytea(term bytea) RETURNS etf
AS 'MODULE_PATHNAME', 'etf_from_bytea'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

REVOKE EXECUTE ON FUNCTION etf_from_bytea(bytea) FROM PUBLIC;

CREATE FUNCTION etf_to_jsonb(term etf) RETURNS jsonb
AS 'MODULE_PATHNAME', 'etf_to_jsonb'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE CAST (bytea AS etf) WITH FUNCTION etf_from_bytea(bytea);
CREATE CAST (etf AS bytea) WITHOUT FUNCTION;
CREATE CAST (etf AS jsonb) WITH FUNCTION etf_to_jsonb(etf);
CREATE CAST (etf AS text) WITH FUNCTION etf_show(etf);

-- Erlang nodes

CREATE FUNCTION erlang_fdw_validator(options text[], catalog oid)
RETURNS void
AS 'MODULE_PATHNAME', 'erlang_fdw_validator'
LANGUAGE C STRICT PARALLEL SAFE;

CREATE FOREIGN DATA WRAPPER erlang VALIDATOR erlang_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER erlang IS
'Erlang nodes that erlang_call and its kin may name';

CREATE FUNCTION erlang_connect(node text, cookie text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'erlang_connect'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_connect(text, text) IS
'connect to a node; a cookie given here stays in logs, a server keeps it better';

CREATE FUNCTION erlang_call(
	node text, module text, function text, args jsonb DEFAULT '[]',
	timeout_ms int DEFAULT NULL)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'erlang_call'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_call(text, text, text, jsonb, int) IS
'call a function of a node with these arguments';

CREATE FUNCTION erlang_call_etf(
	node text, module text, function text, args etf DEFAULT '\x836a',
	timeout_ms int DEFAULT NULL)
RETURNS etf
AS 'MODULE_PATHNAME', 'erlang_call_etf'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_call_etf(text, text, text, etf, int) IS
'call a function of a node, terms in and out';

CREATE FUNCTION erlang_call_as(
	result anyelement, node text, module text, function text,
	VARIADIC args "any")
RETURNS anyelement
AS 'MODULE_PATHNAME', 'erlang_call_as'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_call_as(anyelement, text, text, text, "any") IS
'call a function of a node with these values; the result has the type of the first one';

CREATE FUNCTION erlang_call_as(
	result anyelement, node text, module text, function text)
RETURNS anyelement
AS 'MODULE_PATHNAME', 'erlang_call_as'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_call_as(anyelement, text, text, text) IS
'call a function of a node that has no arguments';

CREATE FUNCTION erlang_send(node text, process text, VARIADIC message "any")
RETURNS void
AS 'MODULE_PATHNAME', 'erlang_send'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_send(text, text, "any") IS
'send to a registered process of a node; several values are sent as a tuple';

CREATE FUNCTION erlang_send(node text, process etf, VARIADIC message "any")
RETURNS void
AS 'MODULE_PATHNAME', 'erlang_send_pid'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_send(text, etf, "any") IS
'send to a process of a node by its pid';

CREATE FUNCTION erlang_send_on_commit(
	node text, process text, VARIADIC message "any")
RETURNS void
AS 'MODULE_PATHNAME', 'erlang_send_on_commit'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_send_on_commit(text, text, "any") IS
'send when the transaction commits, at most once';

CREATE FUNCTION erlang_disconnect(node text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'erlang_disconnect'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_disconnect(text) IS
'close this session''s connection to a node; false if there was none';

CREATE FUNCTION erlang_ping(node text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'erlang_ping'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_ping(text) IS
'whether a node answers';

CREATE FUNCTION erlang_nodes(
	OUT name text, OUT node text, OUT connected boolean,
	OUT since timestamptz, OUT calls bigint, OUT last_error text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'erlang_nodes'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION erlang_nodes() IS
'the nodes that this session has called';

CREATE FUNCTION etf_emit(
	prefix text, value anyelement, transactional boolean DEFAULT true)
RETURNS pg_lsn
AS 'MODULE_PATHNAME', 'etf_emit'
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;

COMMENT ON FUNCTION etf_emit(text, anyelement, boolean) IS
'a value as a logical message, which pg_etf_decoding delivers exactly once';

REVOKE EXECUTE ON FUNCTION
	erlang_connect(text, text),
	erlang_call(text, text, text, jsonb, int),
	erlang_call_etf(text, text, text, etf, int),
	erlang_call_as(anyelement, text, text, text, "any"),
	erlang_call_as(anyelement, text, text, text),
	erlang_send(text, text, "any"),
	erlang_send(text, etf, "any"),
	erlang_send_on_commit(text, text, "any"),
	erlang_disconnect(text),
	erlang_ping(text),
	erlang_nodes(),
	etf_emit(text, anyelement, boolean)
FROM PUBLIC;

CREATE FUNCTION elixir_call_handler()
RETURNS language_handler
AS 'MODULE_PATHNAME', 'elixir_call_handler'
LANGUAGE C;

CREATE FUNCTION elixir_inline_handler(internal)
RETURNS void
AS 'MODULE_PATHNAME', 'elixir_inline_handler'
LANGUAGE C STRICT;

CREATE FUNCTION elixir_validator(oid)
RETURNS void
AS 'MODULE_PATHNAME', 'elixir_validator'
LANGUAGE C STRICT;

-- Not trusted: superusers create functions, others are granted EXECUTE.
CREATE LANGUAGE elixir
HANDLER elixir_call_handler
INLINE elixir_inline_handler
VALIDATOR elixir_validator;

COMMENT ON LANGUAGE elixir IS
'functions that run in a BEAM beside the server';

CREATE FUNCTION elixir_import(module text, dry_run boolean DEFAULT false)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'elixir_import'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

REVOKE EXECUTE ON FUNCTION elixir_import(text, boolean) FROM PUBLIC;

COMMENT ON FUNCTION elixir_import(text, boolean) IS
'create the functions that a module of the sidecar declares with @sql; returns the statements';
