/*
 * ddl_event.c
 *		SQL: etf_ddl_event() returns event_trigger
 *
 * Writes what a command has done as a logical message, for readers with
 * ddl=commands: a hint, since every role can write such a message.  The truth
 * about tables is in the catalogs, where src/plugin/schema.c finds it.
 *
 * Nobody's command may fail because of it, so whatever goes wrong is a
 * WARNING.  Only a request to cancel the command is passed on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "common/frame/command.h"
#include "compat/backend.h"
#include "plugin/host.h"
#include "plugin/sql.h"
#include "sql/ddl.h"

/* Bytes of a command's text; dumps are restored as one, too. */
#define MAX_TEXT (1024 * 1024)

enum
{
	SAY_NOTHING,
	SAY_OBJECTS,
	SAY_ALL
};

static const struct config_enum_entry say_choices[] = {
	{"off", SAY_NOTHING, false},
	{"objects", SAY_OBJECTS, false},
	{"on", SAY_ALL, false},
	{NULL, 0, false}};

static int say = SAY_ALL;

void
etf_ddl_init(void)
{
	DefineCustomEnumVariable(
		"pg_etf_decoding.ddl",
		"What etf_ddl_event() writes of a command; objects: all but its text.",
		NULL, &say, SAY_ALL, say_choices, PGC_USERSET, 0, NULL, NULL, NULL);
}

/*
 * Type, identity, OID, and whether it is passed over: what an extension's
 * script does, what is temporary, and what goes together with something else.
 * No operators: a search_path could lead to anybody's.
 */
static const char altered_objects[] =
	"SELECT object_type, object_identity, objid, in_extension, schema_name"
	" FROM pg_catalog.pg_event_trigger_ddl_commands()";
#define DROPPED_OBJECTS(these)                      \
	"SELECT object_type, object_identity, objid,"   \
	" is_temporary OR NOT (" these "), schema_name" \
	" FROM pg_catalog.pg_event_trigger_dropped_objects()"
static const char dropped_objects[] = DROPPED_OBJECTS("original OR normal");
static const char dropped_extensions[] = DROPPED_OBJECTS("original");

static bool
is_passed_over(HeapTuple row, TupleDesc desc)
{
	char *schema = SPI_getvalue(row, desc, 5);
	bool isnull;

	return DatumGetBool(SPI_getbinval(row, desc, 4, &isnull)) ||
		   (schema != NULL && strcmp(schema, "pg_temp") == 0);
}

/* GRANT has objects without a name. */
static void
put_name(TermOut *out, const char *name)
{
	if (name == NULL)
		name = "";
	etf_put_text(out, name, strlen(name));
}

static void
put_object(TermOut *out, HeapTuple row, TupleDesc desc)
{
	bool isnull;
	Datum oid = SPI_getbinval(row, desc, 3, &isnull);

	etf_put_tuple(out, 3);
	put_name(out, SPI_getvalue(row, desc, 1));
	put_name(out, SPI_getvalue(row, desc, 2));
	etf_put_uint(out, isnull ? InvalidOid : DatumGetObjectId(oid));
}

/* Those that SPI has found; returns how many. */
static uint32
put_objects(TermOut *out)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	size_t header = out->len;
	uint32 count = 0;

	etf_put_list(out, 1);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];

		if (is_passed_over(row, desc))
			continue;
		put_object(out, row, desc);
		count++;
	}
	out_patch_uint32(out, header + 1, count);
	etf_put_list_end(out);
	return count;
}

/* What the client sent: several commands perhaps, or a call of a function. */
static void
put_command_text(TermOut *out)
{
	const char *text = debug_query_string;

	if (text == NULL || say != SAY_ALL)
		text = "";
	if (strlen(text) > MAX_TEXT)
		etf_put_oversized(out, strlen(text));
	else
		etf_put_text(out, text, strlen(text));
}

static void
put_key(TermOut *out, const char *name)
{
	etf_put_atom_len(out, name, strlen(name));
}

static uint32
put_command(TermOut *out, const char *tag)
{
	uint32 count;

	etf_put_version(out);
	etf_put_map(out, 4);
	put_key(out, "tag");
	put_name(out, tag);
	put_key(out, "text");
	put_command_text(out);
	put_key(out, "objects");
	count = put_objects(out);
	put_key(out, "user");
	put_name(out, GetUserNameFromId(GetUserId(), false));
	return count;
}

static void
write_message(const char *tag, const char *query)
{
	StringInfoData buf;
	TermOut out;

	SPI_connect();
	if (SPI_execute(query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "the objects of a command cannot be read");
	initStringInfo(&buf);
	etf_out_attach(&out, &buf, NULL);
	if (put_command(&out, tag) > 0)
		log_message(COMMAND_PREFIX, out.data, out.len, true);
	SPI_finish();
}

/*
 * ddl_command_end comes with what there is then, sql_drop with what is gone:
 * of DROP commands only, or it would say again what ALTER TABLE has dropped.
 */
static const char *
choose_query(const EventTriggerData *trigger, const char *tag)
{
	if (strcmp(trigger->event, "ddl_command_end") == 0)
		return altered_objects;
	if (strcmp(tag, "DROP EXTENSION") == 0)
		return dropped_extensions;
	return strncmp(tag, "DROP ", 5) == 0 ? dropped_objects : NULL;
}

static void
warn(const ErrorData *error)
{
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("readers of pg_etf_decoding are not told of a command: %s",
					error->message)));
}

static void
write_message_or_warn(const char *tag, const char *query)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		write_message(tag, query);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	if (error != NULL)
		warn(error);
}

PG_FUNCTION_INFO_V1(etf_ddl_event);

Datum
etf_ddl_event(PG_FUNCTION_ARGS)
{
	EventTriggerData *trigger = (EventTriggerData *) fcinfo->context;
	const char *tag;
	const char *query;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("etf_ddl_event() is for event triggers")));
	tag = GetCommandTagName(trigger->tag);
	query = choose_query(trigger, tag);
	if (query != NULL && say != SAY_NOTHING && !creating_extension &&
		XLogLogicalInfoActive())
		write_message_or_warn(tag, query);
	PG_RETURN_NULL();
}
