-- Which tables, actions and messages go out; etf_to_text lets a person look.
CREATE FUNCTION events(VARIADIC options text[] DEFAULT '{}')
RETURNS SETOF text LANGUAGE sql AS
$$
	SELECT m[1] || ' ' || nspname || '.' || relname
	FROM pg_logical_slot_peek_binary_changes('f', NULL, NULL,
		VARIADIC options || '{relations,off}'::text[]),
		regexp_matches(etf_to_text(data),
			'\{(insert|update|delete|truncate),\[?(\d+)', 'g') m
	JOIN pg_class c ON c.oid = m[2]::oid
	JOIN pg_namespace n ON n.oid = relnamespace
$$;
CREATE SCHEMA f1;
CREATE SCHEMA "f,2";
CREATE TABLE f1.a (i int PRIMARY KEY);
CREATE TABLE f1.ab (i int PRIMARY KEY);
CREATE TABLE f1."a*b" (i int PRIMARY KEY);
CREATE TABLE "f,2".a (i int PRIMARY KEY);
CREATE TABLE "f,2"."x.y\z" (i int PRIMARY KEY);
SELECT 'created' FROM pg_create_logical_replication_slot('f', 'pg_etf_decoding');
INSERT INTO f1.a VALUES (1);
INSERT INTO f1.ab VALUES (2);
INSERT INTO f1."a*b" VALUES (3);
INSERT INTO "f,2".a VALUES (4);
INSERT INTO "f,2"."x.y\z" VALUES (5);
UPDATE f1.a SET i = 10;
DELETE FROM f1.ab;
TRUNCATE f1."a*b";

SELECT * FROM events();
SELECT * FROM events('include_tables', 'f1.a');
SELECT * FROM events('include_tables', 'f1.a*');
SELECT * FROM events('include_tables', 'f1.a\*b');
SELECT * FROM events('include_tables', 'f1.*b');
SELECT * FROM events('include_tables', '*.a');
SELECT * FROM events('include_tables', 'f\,2.*');
SELECT * FROM events('include_tables', 'f\,2.x\.y\\z');
SELECT * FROM events('include_tables', '*.*', 'exclude_tables', 'f1.*');
SELECT * FROM events('include_tables', 'F1.a');
SELECT * FROM events('include_tables', 'f1.a,f\,2.a');
SELECT * FROM events('include_tables', 'f1.*', 'exclude_tables', 'f1.a,f1.ab');
SELECT * FROM events('exclude_tables', 'f1.*,f\,2.*');
SELECT * FROM events('actions', 'insert', 'include_tables', 'f1.*');
SELECT * FROM events('actions', 'update,delete');
SELECT * FROM events('actions', 'truncate');
SELECT * FROM events('include_tables', 'public.none');

SELECT 'dropped' FROM pg_drop_replication_slot('f');
SET client_min_messages = warning;
DROP SCHEMA f1, "f,2" CASCADE;
DROP FUNCTION events;
