/*
 * status.c
 *		Show slots: as a table, as JSON, as metrics.
 *
 * Called by main.c.  What is asked for is a table of columns, whichever form
 * they are shown in.
 */
#include "client/cli/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/printable.h"
#include "client/base/strbuf.h"
#include "client/link/ask.h"
#include "client/show/fields_json.h"
#include "client/show/metrics.h"

typedef enum ColumnKind
{
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_BOOL
} ColumnKind;

/* Who sees a column. */
enum
{
	PEOPLE = 1,
	PROGRAMS = 2,
	ALL = PEOPLE | PROGRAMS
};

typedef struct Column
{
	const char *name;
	int shown;
	ColumnKind kind;
	const char *null; /* what people see */
	const char *sql;
} Column;

#define NEWER(column) "pg_catalog.to_jsonb(s) ->> '" column "'"

static const Column columns[] = {
	{"slot", ALL, COLUMN_TEXT, "", "s.slot_name"},
	{"database", ALL, COLUMN_TEXT, "", "s.database"},
	{"plugin", ALL, COLUMN_TEXT, "", "s.plugin"},
	{"lag", PEOPLE, COLUMN_TEXT, "",
	 "pg_catalog.pg_size_pretty(lsn - s.confirmed_flush_lsn)"},
	{"lag_bytes", ALL, COLUMN_NUMBER, "",
	 "(lsn - s.confirmed_flush_lsn)::bigint"},
	{"wal_status", ALL, COLUMN_TEXT, "", NEWER("wal_status")},
	{"retained", PEOPLE, COLUMN_TEXT, "",
	 "pg_catalog.pg_size_pretty(lsn - s.restart_lsn)"},
	{"retained_bytes", PROGRAMS, COLUMN_NUMBER, "",
	 "(lsn - s.restart_lsn)::bigint"},
	{"safe_wal_bytes", PROGRAMS, COLUMN_NUMBER, "", NEWER("safe_wal_size")},
	{"confirmed", ALL, COLUMN_TEXT, "", "s.confirmed_flush_lsn"},
	{"active", PROGRAMS, COLUMN_BOOL, "", "s.active"},
	{"active_pid", ALL, COLUMN_NUMBER, "-", "s.active_pid"},
	{"catalog_xmin_age", PROGRAMS, COLUMN_NUMBER, "",
	 "pg_catalog.age(s.catalog_xmin)"},
	{"invalidated", ALL, COLUMN_TEXT, "-", NEWER("invalidation_reason")},
	{"wal_level", ALL, COLUMN_TEXT, "",
	 "coalesce(pg_catalog.current_setting('effective_wal_level', true), "
	 "pg_catalog.current_setting('wal_level'))"},
	{"sync_skipped", ALL, COLUMN_TEXT, "-", NEWER("slotsync_skip_reason")},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void
build(const Settings *settings, StrBuf *sql)
{
	for (size_t i = 0; i < COLUMNS; i++)
		strbuf_putf(sql, "%s %s AS %s", i == 0 ? "SELECT" : ",", columns[i].sql,
					columns[i].name);
	strbuf_puts(sql,
				" FROM pg_catalog.pg_replication_slots AS s, "
				"(SELECT CASE WHEN pg_catalog.pg_is_in_recovery() "
				"THEN pg_catalog.pg_last_wal_replay_lsn() "
				"ELSE pg_catalog.pg_current_wal_flush_lsn() END AS lsn) "
				"AS now WHERE s.plugin IN ('" PLUGIN_NAME "', 'pgoutput')");
	if (settings->slot != NULL)
	{
		strbuf_puts(sql, " AND s.slot_name = ");
		strbuf_put_literal(sql, settings->slot);
	}
	strbuf_puts(sql, " ORDER BY 1");
}

/* The names of databases may hold anything. */
static void
clean_result(PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++)
		for (int column = 0; column < PQnfields(result); column++)
			make_printable(PQgetvalue(result, row, column));
}

/* Row -1 is the heading. */
static const char *
cell(const PGresult *result, int row, int column)
{
	if (row < 0)
		return columns[column].name;
	if (PQgetisnull(result, row, column))
		return columns[column].null;
	return PQgetvalue(result, row, column);
}

static int
column_width(const PGresult *result, int column)
{
	int width = 0;

	for (int row = -1; row < PQntuples(result); row++)
	{
		int len = (int) strlen(cell(result, row, column));

		if (len > width)
			width = len;
	}
	return width;
}

static void
print_table(const PGresult *result)
{
	for (int row = -1; row < PQntuples(result); row++)
	{
		for (int column = 0; column < (int) COLUMNS; column++)
		{
			if (columns[column].shown & PEOPLE)
				printf("%s%-*s", column > 0 ? "  " : "",
					   column_width(result, column), cell(result, row, column));
		}
		putchar('\n');
	}
}

/* Below zero there is nothing of what is counted. */
static uint64_t
number(const char *text)
{
	long long value = strtoll(text, NULL, 10);

	return value > 0 ? (uint64_t) value : 0;
}

static Field
field(const PGresult *result, int row, int column)
{
	const char *name = columns[column].name;
	const char *value = PQgetvalue(result, row, column);

	if (PQgetisnull(result, row, column))
		return field_atom(name, "null");
	if (columns[column].kind == COLUMN_NUMBER)
		return field_number(name, number(value));
	if (columns[column].kind == COLUMN_BOOL)
		return field_atom(name, strcmp(value, "t") == 0 ? "true" : "false");
	return field_text(name, value);
}

/* What is null is left out, unless somebody wants to see that. */
static size_t
fill_fields(const PGresult *result, int row, bool nulls, Field *fields)
{
	size_t count = 0;

	for (int column = 0; column < (int) COLUMNS; column++)
	{
		if (columns[column].shown & PROGRAMS &&
			(nulls || !PQgetisnull(result, row, column)))
			fields[count++] = field(result, row, column);
	}
	return count;
}

static void
put_json(const PGresult *result, StrBuf *out)
{
	Field fields[COLUMNS];

	for (int row = 0; row < PQntuples(result); row++)
	{
		fields_json(out, fields, fill_fields(result, row, true, fields));
		strbuf_puts(out, "\n");
	}
}

static void
put_metrics(const PGresult *result, StrBuf *out)
{
	size_t count = (size_t) PQntuples(result);
	SlotFields *slots = calloc(count + 1, sizeof(SlotFields));
	Field *fields = calloc(count + 1, COLUMNS * sizeof(Field));

	out->failed |= slots == NULL || fields == NULL;
	for (size_t i = 0; !out->failed && i < count; i++)
	{
		Field *of_slot = fields + i * COLUMNS;

		slots[i] = (SlotFields){PQgetvalue(result, (int) i, 0), of_slot,
								fill_fields(result, (int) i, false, of_slot)};
	}
	if (!out->failed)
		metrics_put(out, slots, count);
	free(fields);
	free(slots);
}

static bool
print(const PGresult *result, StatusFormat format)
{
	StrBuf out = {0};
	bool done;

	if (format == STATUS_TABLE)
		print_table(result);
	else if (format == STATUS_JSON)
		put_json(result, &out);
	else
		put_metrics(result, &out);
	done = !out.failed;
	if (done && out.len > 0)
		fputs(out.data, stdout);
	strbuf_free(&out);
	return done;
}

void
status_show(const Arguments *args, Failure *failure)
{
	const Settings *settings = &args->settings;
	StrBuf sql = {0};
	Db db = {.state = DB_CLOSED};

	build(settings, &sql);
	if (!ask_open(&db, settings, false) || !ask_set_up(&db, settings) ||
		!ask(&db, settings, STAGE_SETUP, &sql))
		*failure = db.failure;
	else if (PQnfields(db.result) != (int) COLUMNS)
		failure_set(failure, FAIL_CONFIG,
					"this is no answer to what was asked");
	else if (PQntuples(db.result) == 0 && settings->slot != NULL)
		failure_set(failure, FAIL_SLOT_MISSING,
					"slot \"%s\" of plugin %s or pgoutput does not exist",
					settings->slot, PLUGIN_NAME);
	else
	{
		clean_result(db.result);
		if (!print(db.result, args->status))
			failure_set(failure, FAIL_INTERNAL, "out of memory");
	}
	db_close(&db);
	strbuf_free(&sql);
}
