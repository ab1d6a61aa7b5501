/*
 * ddl_trigger.c
 *		SQL: etf_enable_ddl(), etf_disable_ddl() returns boolean
 *
 * The event triggers that call etf_ddl_event().  They belong to the database,
 * not to the extension, so that a dump has them.
 */
#include "postgres.h"

#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "plugin/sql.h"

static const struct
{
	const char *name;
	const char *event;
} triggers[] = {{"pg_etf_decoding_ddl", "ddl_command_end"},
				{"pg_etf_decoding_drop", "sql_drop"}};

static void
run(const char *command)
{
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "\"%s\" failed", command);
}

/* A schema in search_path could have another function of this name. */
static void
create(int i, const char *schema)
{
	run(psprintf("CREATE EVENT TRIGGER %s ON %s "
				 "EXECUTE FUNCTION %s.etf_ddl_event()",
				 triggers[i].name, triggers[i].event,
				 quote_identifier(schema)));
}

static void
drop(int i, const char *schema)
{
	run(psprintf("DROP EVENT TRIGGER %s", triggers[i].name));
}

/* Runs a command for each trigger that is there, or is not. */
static bool
change_triggers(FunctionCallInfo fcinfo, bool there,
				void (*change)(int i, const char *schema))
{
	Oid function = fcinfo->flinfo->fn_oid;
	const char *schema = get_namespace_name(get_func_namespace(function));
	bool changed = false;

	SPI_connect();
	for (int i = 0; i < (int) lengthof(triggers); i++)
	{
		if (OidIsValid(get_event_trigger_oid(triggers[i].name, true)) != there)
			continue;
		change(i, schema);
		changed = true;
	}
	SPI_finish();
	return changed;
}

PG_FUNCTION_INFO_V1(etf_enable_ddl);

Datum
etf_enable_ddl(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(change_triggers(fcinfo, false, create));
}

PG_FUNCTION_INFO_V1(etf_disable_ddl);

Datum
etf_disable_ddl(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(change_triggers(fcinfo, true, drop));
}
