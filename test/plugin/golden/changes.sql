-- Transactions over table "golden" and a few others, from a slot made before.
CREATE TABLE whole (a int, b text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE keyless (a int);
BEGIN;
INSERT INTO whole VALUES (1, 'one');
UPDATE whole SET b = 'uno';
DELETE FROM whole;
UPDATE golden SET id = 10, t = 'new' WHERE id = 3;
DELETE FROM golden WHERE id = 2;
INSERT INTO keyless VALUES (1), (2);
DELETE FROM keyless WHERE a = 1;
SELECT pg_logical_emit_message(true, 'prefix', 'in the transaction');
COMMIT;
SELECT pg_logical_emit_message(false, 'prefix', 'outside of any');
TRUNCATE whole, keyless RESTART IDENTITY CASCADE;
INSERT INTO keyless SELECT generate_series(1, 50);
