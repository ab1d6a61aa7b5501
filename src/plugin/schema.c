/*
 * schema.c
 *		Schema events: what a transaction has done to tables themselves.
 *
 * The invalidations of a transaction name every table whose catalogs it
 * touched, and both states can be read: the old one when it begins, the new
 * one before a row that needs it, or at the end.  So no trigger is needed, and
 * nobody can forge an event.  ANALYZE, CREATE INDEX and a rolled-back
 * savepoint leave no difference, and so no event.
 *
 * change.c asks before each row of a transaction that touches tables; txn.c
 * brackets it.  The events are not counted, so the places of others are the
 * same with and without them.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/sinval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "plugin/class_row.h"
#include "plugin/describe.h"
#include "plugin/schema.h"
#include "plugin/txn.h"

/* A table that the transaction touches. */
typedef struct EtfAltered
{
	Oid relid;
	EtfTableState state; /* as last told, or found */
	uint64 plan;		 /* serial of the one by which it was looked at */
} EtfAltered;

static const EtfTableState no_table = {.term = "\x77\x04none", .len = 6};

void
etf_schema_startup(EtfSession *session)
{
	const EtfOptions *options = session->options;

	if (options->ddl != DDL_OFF && options->streaming)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"ddl\" does not go with \"streaming\""),
				 errhint("What a transaction in progress does to tables is "
						 "known only when it ends. Omit one of them.")));
	if (options->ddl != DDL_OFF)
		session->altered_context = AllocSetContextCreate(
			session->context, "pg_etf_decoding tables that are altered",
			ALLOCSET_DEFAULT_SIZES);
}

/* Only a published table under its own name has a description to compare. */
static EtfTableState
describe_relation(EtfSession *session, Relation relation)
{
	EtfTypeBuilder builder = {.forms = &session->options->forms};
	EtfPlan plan = {.relid = RelationGetRelid(relation)};

	etf_plan_build(session, &builder, &plan, relation);
	if (plan.actions == 0 || plan.relid != RelationGetRelid(relation))
		return no_table;
	return etf_describe_state(&session->options->forms, &plan, relation);
}

/* An index, say, will never be one. */
static bool
is_table(const FormData_pg_class *row)
{
	return (row->relkind == RELKIND_RELATION ||
			row->relkind == RELKIND_PARTITIONED_TABLE) &&
		   row->relpersistence != RELPERSISTENCE_TEMP;
}

/*
 * The table now, in the current memory context.  The server does not forget
 * the keys of a partitioned table when one of its indexes becomes valid.
 */
static EtfTableState
describe_table(EtfSession *session, const FormData_pg_class *row)
{
	EtfTableState state = no_table;
	Relation relation;

	if (row->relkind == RELKIND_PARTITIONED_TABLE)
		RelationCacheInvalidateEntry(row->oid);
	relation = RelationIdGetRelation(row->oid);
	if (RelationIsValid(relation))
	{
		state = describe_relation(session, relation);
		RelationClose(relation);
	}
	return state;
}

static void
keep(EtfSession *session, EtfAltered *table, const EtfTableState *state)
{
	table->state = *state;
	table->state.term =
		memcpy(MemoryContextAlloc(session->altered_context, state->len),
			   state->term, state->len);
}

static int
compare_oids(const void *left, const void *right)
{
	Oid a = *(const Oid *) left;
	Oid b = *(const Oid *) right;

	return (a > b) - (a < b);
}

/* An index of a partitioned table becomes valid without a word of the table. */
static Oid
table_of(Oid relid)
{
	FormData_pg_class row;
	Oid table = InvalidOid;

	if (etf_class_row(relid, &row) &&
		(row.relkind == RELKIND_INDEX ||
		 row.relkind == RELKIND_PARTITIONED_INDEX))
		table = etf_index_table(relid);
	return OidIsValid(table) ? table : relid;
}

/* In order, each once; how many are left. */
static int
sort_oids(Oid *oids, int found)
{
	int count = 0;

	qsort(oids, found, sizeof(Oid), compare_oids);
	for (int i = 0; i < found; i++)
		if (count == 0 || oids[count - 1] != oids[i])
			oids[count++] = oids[i];
	return count;
}

/* Tables of users among what the transaction invalidates, each once. */
static int
touched_tables(const ReorderBufferTXN *source, Oid *relids)
{
	int count = 0;

	for (uint32 i = 0; i < source->ninvalidations; i++)
	{
		const SharedInvalidationMessage *message = &source->invalidations[i];

		if (message->id == SHAREDINVALRELCACHE_ID &&
			message->rc.dbId == MyDatabaseId &&
			message->rc.relId >= FirstNormalObjectId)
			relids[count++] = message->rc.relId;
	}
	count = sort_oids(relids, count);
	for (int i = 0; i < count; i++)
		relids[i] = table_of(relids[i]);
	return sort_oids(relids, count);
}

/* Of thousands of tables neither garbage nor the server's entries stay. */
static void
leave_table(EtfSession *session, Oid relid)
{
	RelationCacheInvalidateEntry(relid);
	MemoryContextReset(session->change_context);
}

static void
keep_tables(EtfSession *session, const ReorderBufferTXN *source)
{
	Oid *relids = MemoryContextAllocHuge(session->altered_context,
										 sizeof(Oid) * source->ninvalidations);
	int count = touched_tables(source, relids);

	session->altered = MemoryContextAllocExtended(
		session->altered_context, sizeof(EtfAltered) * Max(count, 1),
		MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
	{
		EtfAltered *table = &session->altered[session->naltered];
		EtfTableState state = no_table;
		FormData_pg_class row;

		CHECK_FOR_INTERRUPTS();
		if (etf_class_row(relids[i], &row))
		{
			if (!is_table(&row))
				continue;
			state = describe_table(session, &row);
		}
		*table = (EtfAltered){.relid = relids[i]};
		keep(session, table, &state);
		session->naltered++;
		leave_table(session, relids[i]);
	}
}

void
etf_schema_begin(EtfSession *session, const ReorderBufferTXN *source)
{
	MemoryContext caller;

	session->naltered = 0;
	if (session->options->ddl == DDL_OFF || source->ninvalidations == 0)
		return;
	caller = etf_session_enter(session);
	MemoryContextReset(session->altered_context);
	keep_tables(session, source);
	etf_session_leave(session, caller);
}

static void
put_event(EtfSession *session, const EtfAltered *table,
		  const EtfTableState *after)
{
	TermOut *out = etf_event_begin(session);

	etf_put_tuple(out, 4);
	etf_put_atom(out, "schema");
	etf_put_uint(out, table->relid);
	etf_put_raw(out, table->state.term, table->state.len);
	frame_put_uncounted(&session->frame, after->term, after->len);
	frame_keep_uncounted(&session->frame);
}

static void
compare(EtfSession *session, EtfAltered *table)
{
	EtfTableState state = no_table;
	FormData_pg_class row;

	if (etf_class_row(table->relid, &row) && is_table(&row))
		state = describe_table(session, &row);
	if (state.shape == table->state.shape)
		return;
	put_event(session, table, &state);
	keep(session, table, &state);
}

void
etf_schema_tell(EtfSession *session, Oid relid, const EtfPlan *plan)
{
	EtfAltered *table = bsearch(&relid, session->altered, session->naltered,
								sizeof(EtfAltered), compare_oids);

	if (table == NULL || table->plan == plan->serial)
		return;
	table->plan = plan->serial;
	compare(session, table);
}

/* One that was prepared and rolled back meanwhile has no catalogs to look at. */
void
etf_schema_end(EtfSession *session)
{
	MemoryContext caller;

	if (session->naltered == 0 || !IsTransactionState())
		return;
	caller = MemoryContextSwitchTo(session->change_context);
	for (int i = 0; i < session->naltered; i++)
	{
		CHECK_FOR_INTERRUPTS();
		compare(session, &session->altered[i]);
		leave_table(session, session->altered[i].relid);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(session->altered_context);
	session->naltered = 0;
}
