-- What the writers of test/chaos run.  All that a writer does follows from
-- the seed, its number and the number of its transaction; a transaction ends
-- with its ledger row, which says what it holds.  test/chaos/beam/chaos_row.erl
-- knows the same rows.
CREATE SCHEMA chaos;

-- The values that rows are made of: row i of transaction t has those of
-- k = (7 t + i) mod 1000.
CREATE TABLE chaos.stock AS
	SELECT k, 1 AS rep, md5(k::text) AS sum, 0::numeric AS num, '{}'::jsonb AS doc,
		ARRAY[k, -k, NULL]::bigint[] AS list,
		ARRAY['k' || k, '', 'ä,"' || k] AS tags
	FROM generate_series(0, 999) k;
UPDATE chaos.stock SET
	rep = CASE WHEN k % 20 = 0 THEN 100 ELSE 1 END,
	num = (k - 500) * 12345678.901,
	doc = jsonb_build_object('k', k, 's', sum, 'l',
		jsonb_build_array(k, NULL, true, jsonb_build_object('x', 'y' || k)));
ALTER TABLE chaos.stock ADD PRIMARY KEY (k);
ANALYZE chaos.stock;

CREATE TABLE chaos.ledger (
	w int PRIMARY KEY, t bigint, ins int, upd int, del int, trunc int, msg int)
	WITH (fillfactor = 20);

CREATE FUNCTION chaos.add_writer(w int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE chaos.data_%s (w int, t bigint, i int, v int,
		rep int, sum text, num numeric, at timestamptz, doc jsonb,
		list bigint[], tags text[], body text, PRIMARY KEY (t, i))', w);
	EXECUTE format('ALTER TABLE chaos.data_%s ALTER body SET STORAGE EXTERNAL', w);
	INSERT INTO chaos.ledger VALUES (w, 0, 0, 0, 0, 0, 0);
END $$;

-- Rows i0 to i1 of a transaction, each body so many times its checksum.
CREATE FUNCTION chaos.fill(w int, t bigint, i0 int, i1 int, reps int = NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($q$
		INSERT INTO chaos.data_%s
			(w, t, i, v, rep, sum, num, at, doc, list, tags, body)
		SELECT $1, $2, i, 0, r, sum, num, timestamptz '2000-01-01 00:00:00+00'
			+ $2 * interval '1 s' + i * interval '1 us', doc, list, tags,
			repeat(sum, r)
		FROM generate_series($3, $4) i
			JOIN chaos.stock s ON s.k = (7 * $2 + i) %% 1000,
			LATERAL (SELECT coalesce($5, s.rep) AS r) x
		ORDER BY i$q$, w) USING w, t, i0, i1, reps;
END $$;

-- Updates and deletes of the first rows of a transaction, one by one: their
-- order is checked, too.
CREATE FUNCTION chaos.change(w int, t bigint, upd int, del int)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR j IN 0 .. upd - 1 LOOP
		EXECUTE format('UPDATE chaos.data_%s SET v = v + 1, num = num + 1
			WHERE t = $1 AND i = $2', w) USING t, j;
	END LOOP;
	FOR j IN 0 .. del - 1 LOOP
		EXECUTE format('DELETE FROM chaos.data_%s WHERE t = $1 AND i = $2', w)
			USING t, j;
	END LOOP;
END $$;

-- A row for each of so many subtransactions; every second one is followed by
-- one that is rolled back.
CREATE FUNCTION chaos.nest(w int, t bigint, n int)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR j IN 0 .. n - 1 LOOP
		BEGIN
			PERFORM chaos.fill(w, t, j, j);
		EXCEPTION WHEN division_by_zero THEN NULL;
		END;
		CONTINUE WHEN j % 2 = 0;
		BEGIN
			PERFORM chaos.fill(w, t, 1000000 + j, 1000000 + j);
			PERFORM 1 / 0;
		EXCEPTION WHEN division_by_zero THEN NULL;
		END;
	END LOOP;
END $$;

-- The table's shape changes between two rows of one transaction.
CREATE FUNCTION chaos.reshape(w int, t bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM chaos.fill(w, t, 0, 0);
	EXECUTE format('ALTER TABLE chaos.data_%s ADD COLUMN y int DEFAULT 7', w);
	PERFORM chaos.fill(w, t, 1, 1);
	EXECUTE format('ALTER TABLE chaos.data_%s DROP COLUMN y', w);
	PERFORM chaos.fill(w, t, 2, 2);
END $$;

CREATE FUNCTION chaos.close(w int, t bigint, ins int, upd int = 0, del int = 0,
	trunc int = 0, msg int = 0) RETURNS void LANGUAGE sql AS $$
	UPDATE chaos.ledger l SET t = $2, ins = $3, upd = $4, del = $5, trunc = $6,
		msg = $7 WHERE l.w = $1
$$;

-- Transaction t of a writer, of the given kind.
CREATE FUNCTION chaos.act(w int, t bigint, kind text, n int)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CASE kind
	WHEN 'rows', 'abort' THEN
		PERFORM chaos.fill(w, t, 0, n - 1), chaos.close(w, t, n);
	WHEN 'mixed' THEN
		PERFORM chaos.fill(w, t, 0, n - 1), chaos.change(w, t, n / 2, n),
			chaos.close(w, t, n, n / 2, n);
	WHEN 'nest' THEN
		PERFORM chaos.nest(w, t, n), chaos.close(w, t, n);
	WHEN 'truncate' THEN
		EXECUTE format('TRUNCATE chaos.data_%s', w);
		PERFORM chaos.fill(w, t, 0, n - 1), chaos.close(w, t, n, trunc => 1);
	WHEN 'message' THEN
		PERFORM chaos.fill(w, t, 0, n - 1),
			pg_logical_emit_message(true, 'chaos.' || w, t::text),
			chaos.close(w, t, n, msg => 1),
			-- Its record lies right before that of the commit.
			pg_logical_emit_message(false, 'outside.' || w, t::text);
	WHEN 'ddl' THEN
		PERFORM chaos.reshape(w, t), chaos.close(w, t, 3);
	WHEN 'giant' THEN
		PERFORM chaos.fill(w, t, 0, 0, n), chaos.close(w, t, 1);
	END CASE;
END $$;

-- What a writer does next: the kind, and how many rows.
CREATE FUNCTION chaos.choice(seed int, w int, t bigint, OUT kind text, OUT n int)
LANGUAGE plpgsql AS $$
DECLARE
	h int := ('x' || left(md5(format('%s:%s:%s', seed, w, t)), 7))::bit(28)::int;
	r int := h % 1000;
BEGIN
	SELECT c.kind, c.least + h / 1000 % c.more INTO kind, n
	FROM (VALUES (600, 'rows', 1, 10), (720, 'mixed', 2, 20), (770, 'abort', 1, 50),
		(820, 'nest', 2, 30), (850, 'truncate', 1, 5), (900, 'message', 1, 5),
		(920, 'ddl', 3, 1), (925, 'giant', 3000, 30000), (990, 'rows', 100, 400),
		(1000, 'rows', 1000, 4000)) c(below, kind, least, more)
	WHERE r < c.below ORDER BY c.below LIMIT 1;
END $$;

-- Waits, for a bounded time, while a slot in use is too far behind.
CREATE PROCEDURE chaos.throttle(bytes bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. 500 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM pg_replication_slots
			WHERE slot_name LIKE 'c%' AND wal_status <> 'lost'
			AND pg_current_wal_lsn() - confirmed_flush_lsn > bytes);
		COMMIT;
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;

CREATE FUNCTION chaos.next(writer int) RETURNS bigint LANGUAGE sql AS
	'SELECT t + 1 FROM chaos.ledger WHERE w = writer';

-- One transaction of a given kind; what is rolled back first leaves no trace.
-- With chaos.rollback that is all of it (but a message outside of transactions
-- would remain).
CREATE PROCEDURE chaos.one(w int, kind text, n int) LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('chaos.rollback', true) = 'on' AND kind <> 'message' THEN
		PERFORM chaos.act(w, chaos.next(w), kind, n);
		ROLLBACK;
	END IF;
	IF kind = 'abort' THEN
		PERFORM chaos.fill(w, chaos.next(w), 1000000, 1000000 + n);
		ROLLBACK;
	END IF;
	PERFORM chaos.act(w, chaos.next(w), kind, CASE kind WHEN 'abort' THEN 1 ELSE n END);
	COMMIT;
END $$;

-- A writer of all kinds; goes on where the last one was cut off.
CREATE PROCEDURE chaos.write(seed int, w int, pause float, behind bigint)
LANGUAGE plpgsql AS $$
DECLARE
	c record;
BEGIN
	LOOP
		SELECT * INTO c FROM chaos.choice(seed, w, chaos.next(w));
		CALL chaos.one(w, c.kind, c.n);
		CALL chaos.throttle(behind);
		PERFORM pg_sleep(pause);
		COMMIT;
	END LOOP;
END $$;

-- A writer for speed: a hundred rows to a transaction.
CREATE PROCEDURE chaos.hurry(w int, behind bigint) LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		FOR j IN 1 .. 200 LOOP
			CALL chaos.one(w, CASE j WHEN 1 THEN 'truncate' ELSE 'rows' END, 100);
			IF j % 10 = 0 THEN
				CALL chaos.throttle(behind);
			END IF;
		END LOOP;
	END LOOP;
END $$;

-- So many transactions of one row, as fast as it goes.
CREATE PROCEDURE chaos.flood(w int, n int) LANGUAGE plpgsql AS $$
BEGIN
	SET synchronous_commit = off;
	FOR j IN 1 .. n LOOP
		CALL chaos.one(w, 'rows', 1);
	END LOOP;
END $$;

-- A slot goes although its reader would like to keep it.
CREATE FUNCTION chaos.drop_slot(slot name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. 500 LOOP
		PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots
			WHERE slot_name = slot AND active;
		BEGIN
			PERFORM pg_drop_replication_slot(slot);
			RETURN;
		EXCEPTION WHEN object_in_use THEN
			PERFORM pg_sleep(0.02);
		END;
	END LOOP;
	RAISE 'slot % cannot be dropped', slot;
END $$;

CREATE PUBLICATION ledger FOR TABLE chaos.ledger;

-- For what goes on beside, which readers leave out.
CREATE SCHEMA other;
