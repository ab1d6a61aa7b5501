/*
 * read.c
 *		SQL: etf_read(regclass, text[], bytea, ...) returns setof bytea
 *
 * For COPY (SELECT etf_read(...)) TO STDOUT: a frame for each call, while the
 * scan stays open.
 */
#include "postgres.h"

#include "access/relation.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "common/term/read.h"
#include "compat/values.h"
#include "plugin/sql.h"
#include "sql/reader.h"

/* Places of the arguments. */
enum
{
	ARG_RELATION,
	ARG_OPTIONS,
	ARG_TAG,
	ARG_FROM_BLOCK,
	ARG_BLOCKS,
	ARG_AFTER,
	ARG_UPTO,
	ARG_MAX_BYTES,
	ARG_KEYS,
	ARG_FILTER,
	ARG_FILENODE,
	ARG_TOLD_AS
};

static void
invalid(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message)));
}

/* Only tables of the kind whose changes are decoded. */
static void
check_relation(FunctionCallInfo fcinfo, Relation relation)
{
	Form_pg_class form = relation->rd_rel;

	if (form->relkind != RELKIND_RELATION ||
		form->relpersistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not an ordinary, logged table",
							   RelationGetRelationName(relation)),
						errhint("Of a partitioned table, read the "
								"partitions.")));
	if (!PG_ARGISNULL(ARG_FILENODE) &&
		PG_GETARG_OID(ARG_FILENODE) != form->relfilenode)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("table \"%s\" has been rewritten",
							   RelationGetRelationName(relation)),
						errdetail("An older snapshot finds no rows in it."),
						errhint("Read it from the start with a new "
								"snapshot.")));
}

/* What there is of the table for these options, under the name expected. */
static void
check_plan(FunctionCallInfo fcinfo, const TableReader *reader)
{
	const EtfPlan *plan = &reader->plan;

	if (plan->actions == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("the options leave this table out")));
	if (!PG_ARGISNULL(ARG_TOLD_AS) && PG_GETARG_OID(ARG_TOLD_AS) != plan->relid)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("the rows of table \"%s\" are those of another one now",
					RelationGetRelationName(reader->relation)),
			 errdetail("They are told as those of table \"%s\".", plan->name)));
}

static void
take_tag(FunctionCallInfo fcinfo, TableReader *reader)
{
	bytea *tag = PG_GETARG_BYTEA_P_COPY(ARG_TAG);
	TermReader term;

	reader->tag = VARDATA(tag);
	reader->tag_len = VARSIZE(tag) - VARHDRSZ;
	term_read_init(&term, reader->tag, reader->tag_len);
	if (!term_skip(&term) || !term_at_end(&term))
		invalid("the tag must be a term, without the version byte");
}

/* NULL, or one key. */
static char **
take_key(FunctionCallInfo fcinfo, int argument, const TableKey *key)
{
	TextArray given;

	if (PG_ARGISNULL(argument))
		return NULL;
	given = etf_text_array(PG_GETARG_ARRAYTYPE_P(argument), "a key");
	if (key->ncolumns == 0)
		invalid("the table has no key");
	if (given.count != key->ncolumns)
		invalid("a key must have the columns of the table's key");
	return given.items;
}

/* NULL, or many keys: a row of the array each. */
static TextArray *
take_keys(FunctionCallInfo fcinfo, const TableKey *key)
{
	TextArray *keys;

	if (PG_ARGISNULL(ARG_KEYS))
		return NULL;
	keys = palloc(sizeof(TextArray));
	*keys = etf_text_array(PG_GETARG_ARRAYTYPE_P(ARG_KEYS), "a key");
	if (key->ncolumns == 0)
		invalid("the table has no key");
	if (keys->count == 0 || keys->columns != key->ncolumns)
		invalid("each key must have the columns of the table's key");
	return keys;
}

static BlockNumber
take_block(FunctionCallInfo fcinfo, int argument, BlockNumber missing)
{
	int64 given = PG_ARGISNULL(argument) ? missing : PG_GETARG_INT64(argument);

	if (given < 0 || given > InvalidBlockNumber)
		invalid("a block is numbered from 0 to 4294967294");
	return (BlockNumber) given;
}

static ReadRange
take_range(FunctionCallInfo fcinfo, const TableReader *reader)
{
	const TableKey *key = &reader->key;
	ReadRange range = {.by_block = !PG_ARGISNULL(ARG_FROM_BLOCK),
					   .from_block = take_block(fcinfo, ARG_FROM_BLOCK, 0),
					   .blocks =
						   take_block(fcinfo, ARG_BLOCKS, InvalidBlockNumber),
					   .after = take_key(fcinfo, ARG_AFTER, key),
					   .upto = take_key(fcinfo, ARG_UPTO, key),
					   .keys = take_keys(fcinfo, key)};

	if (!PG_ARGISNULL(ARG_FILTER))
		range.filter = text_to_cstring(PG_GETARG_TEXT_PP(ARG_FILTER));
	if (!PG_ARGISNULL(ARG_MAX_BYTES))
		range.max_bytes = PG_GETARG_INT64(ARG_MAX_BYTES);
	if (range.by_block && (range.after || range.upto || range.keys))
		invalid("give blocks or keys, not both");
	if (range.max_bytes > 0 && (range.by_block || key->ncolumns == 0))
		invalid("max_bytes needs a key to go on from");
	return range;
}

static void
close_reader(Datum reader)
{
	etf_reader_close((TableReader *) DatumGetPointer(reader));
}

static TableReader *
open_reader(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TableReader *reader = palloc0(sizeof(TableReader));
	ReadRange range;

	if (PG_ARGISNULL(ARG_RELATION) || PG_ARGISNULL(ARG_OPTIONS) ||
		PG_ARGISNULL(ARG_TAG))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("relation, options and tag must not be null")));
	reader->options =
		etf_options_from_array(PG_GETARG_ARRAYTYPE_P(ARG_OPTIONS));
	take_tag(fcinfo, reader);
	reader->relation =
		relation_open(PG_GETARG_OID(ARG_RELATION), AccessShareLock);
	RegisterExprContextCallback(result->econtext, close_reader,
								PointerGetDatum(reader));
	check_relation(fcinfo, reader->relation);
	etf_plan_for_reading(reader->options, &reader->plan, reader->relation);
	check_plan(fcinfo, reader);
	reader->key = etf_table_key(reader->relation);
	range = take_range(fcinfo, reader);
	etf_reader_open(reader, &range);
	return reader;
}

PG_FUNCTION_INFO_V1(etf_read);

Datum
etf_read(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	TableReader *reader;
	bytea *frame;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;

		call = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = open_reader(fcinfo);
		MemoryContextSwitchTo(caller);
	}
	call = SRF_PERCALL_SETUP();
	reader = call->user_fctx;
	frame = etf_reader_frame(reader);
	if (frame != NULL)
		SRF_RETURN_NEXT(call, PointerGetDatum(frame));
	UnregisterExprContextCallback(
		((ReturnSetInfo *) fcinfo->resultinfo)->econtext, close_reader,
		PointerGetDatum(reader));
	etf_reader_close(reader);
	SRF_RETURN_DONE(call);
}
