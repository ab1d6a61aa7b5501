/*
 * check.c
 *		Is a server, and its database, ready for what the settings ask for?
 *
 * Called by main.c.  First what can be read, row by row of checks.c, then what
 * has to be tried.
 */
#include "client/check/check.h"

#include <stdio.h>
#include <string.h>

#include "client/base/printable.h"
#include "client/check/checks.h"
#include "client/check/trial.h"
#include "client/link/ask.h"
#include "client/link/publication.h"
#include "client/link/slot.h"
#include "client/source/source.h"

typedef struct Checking
{
	const Settings *settings;
	Db db;
	int errors;
	int warnings;
	FailureClass first; /* of the errors */
} Checking;

/* Some errors have a detail on a line of its own. */
static void
make_one_line(char *text)
{
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	make_printable(text);
}

static bool
ends_sentence(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && text[len - 1] == '.';
}

static void
print_line(const char *level, const char *name, char *text, char *hint)
{
	const char *between = ends_sentence(text) ? " " : ". ";

	make_one_line(text);
	make_one_line(hint);
	printf("%-8s %s: %s%s%s\n", level, name, text,
		   hint[0] != '\0' ? between : "", hint);
}

static void
say(Checking *checking, FailureClass class, const char *name, char *text,
	char *hint)
{
	print_line("error", name, text, hint);
	if (checking->errors++ == 0)
		checking->first = class;
}

static void
say_failure(Checking *checking, const char *name, Failure *failure)
{
	say(checking, failure->class, name, failure->message, failure->hint);
}

/* FAIL_NONE for a level that is none. */
static FailureClass
class_of(const char *level)
{
	for (int i = FAIL_INTERNAL; i < FAILURE_CLASSES; i++)
		if (strcmp(failure_info(i)->name, level) == 0)
			return i;
	return FAIL_NONE;
}

static void
say_row(Checking *checking, const char *name, int row)
{
	const PGresult *result = checking->db.result;
	const char *level = PQgetvalue(result, row, 0);
	char *text = PQgetvalue(result, row, 1);
	char *hint = PQgetvalue(result, row, 2);
	FailureClass class = class_of(level);
	char none[] = "";

	if (class != FAIL_NONE)
		say(checking, class, name, text, hint);
	else
	{
		bool is_warning = strcmp(level, "warning") == 0;

		print_line(level, name, text, is_warning ? hint : none);
		checking->warnings += is_warning;
	}
}

static void
put_asked(const Checking *checking, StrBuf *sql)
{
	const Settings *settings = checking->settings;

	strbuf_puts(sql, "WITH asked (slot, failover, two_phase) AS (SELECT ");
	if (settings->slot != NULL)
		strbuf_put_literal(sql, settings->slot);
	else
		strbuf_puts(sql, "NULL");
	strbuf_putf(sql,
				"::text, %s, %s), server (version, standby) AS (SELECT "
				"current_setting('server_version_num')::int, "
				"pg_is_in_recovery()) ",
				settings->failover ? "true" : "false",
				settings->two_phase ? "true" : "false");
}

static bool
reopen(Checking *checking)
{
	db_close(&checking->db);
	return ask_open(&checking->db, checking->settings, false) &&
		   ask_set_up(&checking->db, checking->settings);
}

/* What stands between may answer something else. */
static void
say_rows(Checking *checking, const char *name)
{
	const PGresult *result = checking->db.result;
	char text[] = "this is no answer to what was asked";
	char hint[] = "Connect to the server itself, not through a pooler.";

	if (PQnfields(result) < 3)
		say(checking, FAIL_CONFIG, name, text, hint);
	else
		for (int row = 0; row < PQntuples(result); row++)
			say_row(checking, name, row);
}

/* A query that fails is a finding, not the end of the others. */
static bool
look(Checking *checking, const Check *check)
{
	int version = PQserverVersion(checking->db.conn);
	StrBuf sql = {0};
	StrBuf body = {0};
	bool done = true;

	if (check->build != NULL)
		check->build(checking->settings, version, &body);
	else
		strbuf_puts(&body, check->sql);
	put_asked(checking, &sql);
	strbuf_puts(&sql, strbuf_text(&body));
	sql.failed |= body.failed;
	if (check->since * 10000 > version || body.len == 0)
		;
	else if (ask(&checking->db, checking->settings, STAGE_SETUP, &sql))
		say_rows(checking, check->name);
	else
	{
		say_failure(checking, check->name, &checking->db.failure);
		done = reopen(checking);
	}
	strbuf_free(&sql);
	strbuf_free(&body);
	return done;
}

static void
say_done(const char *name, const char *format, const char *value)
{
	char text[128];
	char none[] = "";

	snprintf(text, sizeof(text), format, value);
	print_line("ok", name, text, none);
}

static void
try_walsender(Checking *checking)
{
	Failure failure;

	trial_walsender(checking->settings, &failure);
	if (failure.class == FAIL_NONE)
		say_done("replication connection", "%s", "accepted");
	else
		say_failure(checking, "replication connection", &failure);
}

static void
say_warning(Checking *checking, const char *name, char *text, char *hint)
{
	print_line("warning", name, text, hint);
	checking->warnings++;
}

/* That it is so, and whether it matters, is said of max_replication_slots. */
static bool
has_no_slot_left(const Failure *failure)
{
	return strcmp(failure->sqlstate, "53400") == 0;
}

static void
say_slot(Checking *checking, OutputPlugin plugin, SlotTrial *trial)
{
	Failure *failure = &trial->slot;
	char hint[] = SLOT_WAIT_HINT;
	char text[] = "it takes long to create a slot";

	if (failure->class == FAIL_NONE)
		say_done("plugin", "a slot of %s can be created",
				 plugin_choices[plugin]);
	else if (trial->waits)
		say_warning(checking, "plugin", text, hint);
	else if (has_no_slot_left(failure))
		say_warning(checking, "plugin", failure->message, failure->hint);
	else
		say_failure(checking, "plugin", failure);
}

/* Of pgoutput they are the client's own. */
static void
take_options(const Checking *checking, Failure *failure)
{
	EtfOptions options;

	source_read_options(checking->settings, PQserverVersion(checking->db.conn),
						&options, failure);
}

static void
say_options(Checking *checking, Failure *failure)
{
	if (failure->class != FAIL_NONE)
		say_failure(checking, "options", failure);
	else if (checking->settings->options.count > 0)
		say_done("options", "%s", "accepted");
}

/* What the tables have may be read whatever a slot may not. */
static void
try_snapshot(Checking *checking, OutputPlugin plugin)
{
	const Settings *settings = checking->settings;
	Failure failure;
	uint64_t tables;
	char number[24];

	if (settings->snapshot == SNAPSHOT_OFF)
		return;
	trial_snapshot(settings, plugin, &tables, &failure);
	snprintf(number, sizeof(number), "%llu", (unsigned long long) tables);
	if (failure.class == FAIL_NONE)
		say_done("snapshot", "%s table(s) can be read", number);
	else
		say_failure(checking, "snapshot", &failure);
}

/* AUTO: there is none, or one that nobody can read, as its own row says. */
static OutputPlugin
plugin_of_slot(Checking *checking)
{
	const Settings *settings = checking->settings;
	Db *db = &checking->db;
	OutputPlugin plugin = PLUGIN_AUTO;
	StrBuf sql = {0};
	Failure failure;

	strbuf_puts(&sql, "SELECT plugin FROM pg_replication_slots "
					  "WHERE database = current_database() "
					  "AND slot_name::text = ");
	strbuf_put_literal(&sql, settings->slot != NULL ? settings->slot : "");
	if (ask(db, settings, STAGE_SETUP, &sql) && PQntuples(db->result) == 1 &&
		!slot_plugin(settings, db_value(db, "plugin"), &plugin, &failure) &&
		plugin != PLUGIN_AUTO)
		say_failure(checking, "slot", &failure);
	strbuf_free(&sql);
	return plugin;
}

static void
try_slot(Checking *checking)
{
	const Settings *settings = checking->settings;
	OutputPlugin of_slot = plugin_of_slot(checking);
	OutputPlugin plugin = of_slot != PLUGIN_AUTO ? of_slot
						  : settings->plugin == PLUGIN_PGOUTPUT
							  ? PLUGIN_PGOUTPUT
							  : PLUGIN_OURS;
	SlotTrial trial;

	trial_slot(settings, plugin, &trial);
	if (of_slot == PLUGIN_AUTO && publication_replaces(settings, &trial.slot))
	{
		failure_hint(&trial.slot, "pgoutput is used instead.");
		say_warning(checking, "plugin", trial.slot.message, trial.slot.hint);
		plugin = PLUGIN_PGOUTPUT;
		trial_slot(settings, plugin, &trial);
	}
	if (plugin == PLUGIN_PGOUTPUT && trial.slot.class == FAIL_NONE)
		publication_refuses(settings, &trial.slot);
	say_slot(checking, plugin, &trial);
	if (plugin == PLUGIN_PGOUTPUT)
		take_options(checking, &trial.options);
	if (plugin == PLUGIN_PGOUTPUT || trial.slot.class == FAIL_NONE)
		say_options(checking, &trial.options);
	try_snapshot(checking, plugin);
}

/* Somebody alters a table, or vacuums it. */
static bool
is_locked_out(const Failure *failure)
{
	return strcmp(failure->sqlstate, "55P03") == 0;
}

/* A row of checks.c has those that are there already. */
static void
try_to_publish(Checking *checking)
{
	const Settings *settings = checking->settings;
	Failure failure;
	uint64_t tables;
	char number[24];

	if (!settings->create_publication || publication_names(settings) == NULL ||
		!trial_publish(settings, &tables, &failure))
		return;
	snprintf(number, sizeof(number), "%llu", (unsigned long long) tables);
	if (failure.class == FAIL_NONE)
		say_done("publications", "the first can be created, for %s table(s)",
				 number);
	else if (is_locked_out(&failure))
		say_warning(checking, "publications", failure.message, failure.hint);
	else
		say_failure(checking, "publications", &failure);
}

static void
look_at_all(Checking *checking, Failure *failure)
{
	for (size_t i = 0; i < checks_count; i++)
	{
		if (!look(checking, &checks[i]))
		{
			*failure = checking->db.failure;
			return;
		}
	}
	try_to_publish(checking);
	try_walsender(checking);
	try_slot(checking);
	if (checking->errors == 0)
		return;
	failure_set(failure, checking->first, "%d error(s), %d warning(s)",
				checking->errors, checking->warnings);
	failure_hint(failure, "%s", "");
}

void
check_server(const Settings *settings, Failure *failure)
{
	Checking checking = {.settings = settings};

	if (ask_open(&checking.db, settings, false) &&
		ask_set_up(&checking.db, settings))
		look_at_all(&checking, failure);
	else
		*failure = checking.db.failure;
	db_close(&checking.db);
}
