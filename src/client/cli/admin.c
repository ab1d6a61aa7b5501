/*
 * admin.c
 *		Make and drop slots, over an ordinary connection.
 *
 * Called by main.c, before anything streams.
 */
#include "client/cli/admin.h"

#include <stdio.h>
#include <string.h>

#include "client/base/strbuf.h"
#include "client/link/ask.h"
#include "client/link/publication.h"
#include "client/link/slot.h"

/*
 * A slot of another plugin, or of none, is somebody else's.  So may be one of
 * pgoutput: to drop it one has to name the plugin.
 */
static bool
is_ours(Db *db, const Arguments *args)
{
	const Settings *settings = &args->settings;
	StrBuf sql = {0};
	OutputPlugin plugin;
	bool ours;

	strbuf_puts(&sql, "SELECT plugin FROM pg_catalog.pg_replication_slots "
					  "WHERE slot_name = ");
	strbuf_put_literal(&sql, settings->slot);
	ours =
		ask(db, settings, STAGE_SETUP, &sql) &&
		(PQntuples(db->result) == 0 ||
		 slot_plugin(settings, db_value(db, "plugin"), &plugin, &db->failure));
	strbuf_free(&sql);
	if (!ours || !args->drop_slot || PQntuples(db->result) == 0 ||
		(int) plugin == settings->plugin || plugin == PLUGIN_OURS)
		return ours;
	failure_set(&db->failure, FAIL_WRONG_PLUGIN,
				"slot \"%s\" is one of pgoutput", settings->slot);
	failure_hint(&db->failure, "If it is not that of a subscription, drop it "
							   "with --plugin=pgoutput.");
	return false;
}

/* Connect; nothing that the command needs is missing. */
static bool
prepare(Db *db, const Arguments *args)
{
	const Settings *settings = &args->settings;

	return ask_open(db, settings, false) &&
		   (!args->create_slot ||
			slot_supported(settings, PQserverVersion(db->conn),
						   &db->failure)) &&
		   ask_set_up(db, settings) && is_ours(db, args);
}

/* Connect and run one command; the answer stands in db->result. */
static bool
run(Db *db, const Arguments *args, const StrBuf *sql)
{
	*db = (Db){.state = DB_CLOSED};
	return prepare(db, args) &&
		   ask(db, &args->settings, args->drop_slot ? STAGE_DROP : STAGE_CREATE,
			   sql);
}

/* Arguments that an older server does not have are only named when wanted. */
static void
build_create(const Arguments *args, OutputPlugin plugin, StrBuf *sql)
{
	const Settings *settings = &args->settings;

	strbuf_putf(sql,
				"SELECT pg_catalog.pg_create_logical_replication_slot(slot, "
				"'%s'",
				plugin_choices[plugin]);
	strbuf_puts(sql, settings->two_phase ? ", twophase => true" : "");
	strbuf_puts(sql, settings->failover ? ", failover => true" : "");
	strbuf_puts(sql, ") FROM (SELECT ");
	strbuf_put_literal(sql, settings->slot);
	strbuf_puts(sql, "::name AS slot) AS wanted");
	if (args->if_not_exists)
		strbuf_puts(sql, " WHERE slot NOT IN (SELECT slot_name "
						 "FROM pg_catalog.pg_replication_slots)");
}

static bool
was_faster(const Db *db)
{
	return strcmp(db->failure.sqlstate, "42710") == 0;
}

/*
 * Somebody may make the same slot between the look and its creation: that is
 * an existing slot, whose plugin is looked at in turn.
 */
static bool
create(Db *db, const Arguments *args, OutputPlugin plugin)
{
	StrBuf sql = {0};
	bool done;

	build_create(args, plugin, &sql);
	done = run(db, args, &sql);
	if (!done && args->if_not_exists && was_faster(db))
	{
		db_close(db);
		done = run(db, args, &sql);
	}
	strbuf_free(&sql);
	return done;
}

/* A publication that is made after the slot is made too late. */
static bool
has_publications(Db *db, const Arguments *args)
{
	const Settings *settings = &args->settings;
	StrBuf sql = {0};
	bool has;

	strbuf_puts(&sql, "SELECT ");
	publication_put_missing(settings, &sql);
	has = run(db, args, &sql) && publication_check_missing(settings, db, false);
	strbuf_free(&sql);
	return has;
}

static bool
create_for_pgoutput(Db *db, const Arguments *args)
{
	if (!has_publications(db, args))
		return false;
	db_close(db);
	return create(db, args, PLUGIN_PGOUTPUT);
}

void
admin_create(Arguments *args, Failure *failure)
{
	const Settings *settings = &args->settings;
	Db db = {0};
	bool done;

	if (settings->plugin == PLUGIN_PGOUTPUT)
		done = create_for_pgoutput(&db, args);
	else
		done = create(&db, args, PLUGIN_OURS);
	if (!done && publication_replaces(settings, &db.failure))
	{
		fprintf(stderr, "%s: warning: %s: using pgoutput\n", PROGRAM_NAME,
				db.failure.message);
		db_close(&db);
		done = create_for_pgoutput(&db, args);
	}
	if (!done)
		*failure = db.failure;
	args->print.made_slot = done && PQntuples(db.result) > 0;
	db_close(&db);
}

void
admin_drop(const Arguments *args, Failure *failure)
{
	StrBuf sql = {0};
	Db db = {0};

	strbuf_puts(&sql, "SELECT pg_catalog.pg_drop_replication_slot(");
	strbuf_put_literal(&sql, args->settings.slot);
	strbuf_puts(&sql, ")");
	if (!run(&db, args, &sql))
		*failure = db.failure;
	db_close(&db);
	strbuf_free(&sql);
}
