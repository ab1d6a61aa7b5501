/* sql/pg_etf_decoding--1.0--1.1.sql */
\echo Use "ALTER EXTENSION pg_etf_decoding UPDATE TO '1.1'" to load this file. \quit

-- Reading what was there before the stream

CREATE FUNCTION etf_read(
	relation regclass, options text[], tag bytea,
	from_block bigint DEFAULT NULL, blocks bigint DEFAULT NULL,
	after text[] DEFAULT NULL, upto text[] DEFAULT NULL,
	max_bytes bigint DEFAULT NULL, keys text[] DEFAULT NULL,
	filter text DEFAULT NULL, filenode oid DEFAULT NULL,
	told_as oid DEFAULT NULL)
RETURNS SETOF bytea
AS 'MODULE_PATHNAME', 'etf_read'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION etf_read(
	regclass, text[], bytea, bigint, bigint, text[], text[], bigint, text[],
	text, oid, oid) IS
'a range of a table''s rows as frames, encoded as the output plugin would';

CREATE FUNCTION etf_tables(
	options text[], patterns text DEFAULT NULL,
	OUT relid oid, OUT schema text, OUT name text, OUT pages bigint,
	OUT toast_pages bigint, OUT rows float8, OUT key text[],
	OUT identity "char", OUT filenode oid,
	OUT readable boolean, OUT reason text, OUT told_as oid)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'etf_tables'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION etf_tables(text[], text) IS
'the tables that a reader with these options gets, and what keeps this role from reading them';

CREATE FUNCTION etf_key_bound(relation regclass, filter text DEFAULT NULL)
RETURNS text[]
AS 'MODULE_PATHNAME', 'etf_key_bound'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED;

COMMENT ON FUNCTION etf_key_bound(regclass, text) IS
'the greatest key of a table now';

CREATE FUNCTION etf_horizon()
RETURNS pg_lsn
AS 'MODULE_PATHNAME', 'etf_horizon'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION etf_horizon() IS
'no transaction that a snapshot taken by now sees ends behind this position';

-- What is done of it, for whoever reads tables beside a slot

CREATE TABLE etf_backfill (
	owner name NOT NULL DEFAULT CURRENT_USER,
	slot name NOT NULL,
	id text NOT NULL,
	state bytea NOT NULL,
	request bytea,
	PRIMARY KEY (owner, slot, id));

COMMENT ON TABLE etf_backfill IS
'what clients of slots have read of tables, so that they can go on; it belongs to this cluster, so pg_dump leaves it out';

-- Each role its own rows, and only roles that can have a slot.
ALTER TABLE etf_backfill ENABLE ROW LEVEL SECURITY;

CREATE POLICY etf_backfill_own ON etf_backfill
USING (
	owner = CURRENT_USER AND EXISTS (
		SELECT FROM pg_catalog.pg_roles
		WHERE rolname = CURRENT_USER AND (rolreplication OR rolsuper)));

GRANT SELECT, INSERT, UPDATE, DELETE ON etf_backfill TO PUBLIC;

-- Commands, for readers with ddl=commands

CREATE FUNCTION etf_ddl_event()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'etf_ddl_event'
LANGUAGE C;

COMMENT ON FUNCTION etf_ddl_event() IS
'writes what a command has done as a logical message';

CREATE FUNCTION etf_enable_ddl()
RETURNS boolean
AS 'MODULE_PATHNAME', 'etf_enable_ddl'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION etf_enable_ddl() IS
'creates the event triggers for readers with ddl=commands; false: they were there';

CREATE FUNCTION etf_disable_ddl()
RETURNS boolean
AS 'MODULE_PATHNAME', 'etf_disable_ddl'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION etf_disable_ddl() IS
'drops the event triggers of etf_enable_ddl(); false: there were none';
