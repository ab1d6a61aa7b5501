/* sql/pg_etf_decoding--1.0.sql */
\echo Use "CREATE EXTENSION pg_etf_decoding" to load this file. \quit

CREATE FUNCTION etf_encode(value anyelement, options text[] DEFAULT '{}')
RETURNS bytea
AS 'MODULE_PATHNAME', 'etf_encode'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION etf_encode(anyelement, text[]) IS
'a value in Erlang external term format, as the output plugin would send it';

CREATE FUNCTION etf_options(
	OUT name text, OUT default_value text, OUT valid text, OUT help text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'etf_options_list'
LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION etf_options() IS
'the options of the output plugin';

CREATE FUNCTION etf_to_text(term bytea)
RETURNS text
AS 'MODULE_PATHNAME', 'etf_to_text'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION etf_to_text(bytea) IS
'a frame, or any other Erlang external term, in Erlang syntax';
