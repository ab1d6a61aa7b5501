/*
 * assemble.c
 *		Frames, made of messages of pgoutput.
 *
 * Between source.c, which has the messages, and the writer of frames.
 * pgoutput.c reads a message, plans.c has what is known of its table,
 * assemble_change.c makes the events.
 */
#include "client/source/assemble.h"

#include <stdlib.h>

#include "client/source/assemble_change.h"
#include "client/source/block.h"
#include "client/source/host.h"

static Assembled
take_begin(Assembler *assembler, PgReader *reader)
{
	PgBegin begin;
	FrameTx tx;

	if (!pg_read_begin(reader, &begin))
		return assembler_broken(assembler);
	if (assembler->in_tx)
		return assembler_failed(assembler,
								"a transaction begins within another one");
	tx = (FrameTx){.xid = begin.xid,
				   .commit_lsn = begin.final_lsn,
				   .commit_time = assembler_unix_time(begin.time)};
	assembler_begin_tx(assembler, &tx);
	return ASSEMBLED_NOTHING;
}

/* It comes right after Begin, before any event. */
static Assembled
take_origin(Assembler *assembler, PgReader *reader)
{
	PgOrigin origin;

	if (!pg_read_origin(reader, &origin))
		return assembler_broken(assembler);
	if (!assembler->in_tx || assembler->frame.open || assembler->tx.sent)
		return assembler_failed(assembler,
								"an origin comes within a transaction");
	free(assembler->origin);
	assembler->origin = source_copy(origin.name);
	assembler->origin_lsn = origin.lsn;
	assembler->skips = assembler->options.origin == ORIGIN_NONE;
	return ASSEMBLED_NOTHING;
}

static Assembled
take_commit(Assembler *assembler, PgReader *reader)
{
	PgCommit commit;

	if (!pg_read_commit(reader, &commit))
		return assembler_broken(assembler);
	if (!assembler->in_tx || commit.commit_lsn != assembler->tx.commit_lsn)
		return assembler_failed(assembler,
								"a transaction ends that did not begin");
	return assembler_end_tx(assembler, commit.end_lsn);
}

static Assembled
take_type(Assembler *assembler, PgReader *reader)
{
	PgType type;

	if (!pg_read_type(reader, &type))
		return assembler_broken(assembler);
	catalog_announce(&assembler->catalog, type.oid, type.name);
	return ASSEMBLED_NOTHING;
}

static Assembled
take_relation(Assembler *assembler, PgReader *reader)
{
	const char *bytes = reader->at - 1;
	size_t len = (size_t) (reader->end - bytes);
	PgRelation relation;
	const Plan *plan;

	if (!pg_read_relation(reader, &relation))
		return assembler_broken(assembler);
	if (!plans_take(&assembler->plans, &assembler->context, &relation, bytes,
					len, &assembler->question))
		return ASSEMBLED_QUESTION;
	table_facts_meet(&assembler->catalog.tables, relation.relid);
	plan = plans_get(&assembler->plans, &assembler->context, relation.relid);
	if (!assembler->binary || plan->actions == 0 || plan_unfit(plan) == NULL)
		return ASSEMBLED_NOTHING;
	assembler->unfit = plan;
	return ASSEMBLED_UNFIT;
}

static const struct
{
	char kind;
	Assembled (*take)(Assembler *assembler, PgReader *reader);
} messages[] = {
	{'I', assemble_change},	 {'U', assemble_change}, {'D', assemble_change},
	{'B', take_begin},		 {'C', take_commit},	 {'R', take_relation},
	{'Y', take_type},		 {'O', take_origin},	 {'T', assemble_truncate},
	{'M', assemble_message}, {'S', block_start},	 {'A', block_abort},
	{'c', block_commit},
};

Assembled
assemble(Assembler *assembler, const char *bytes, size_t len)
{
	PgReader reader = pg_reader(bytes, len);
	char kind = pg_byte(&reader);

	if (assembler->block.open)
		return kind == 'E' ? block_end(assembler, &reader)
						   : block_keep(assembler, kind, &reader);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
	{
		Assembled assembled;

		if (messages[i].kind != kind)
			continue;
		assembled = messages[i].take(assembler, &reader);
		if (assembled != ASSEMBLED_CUT && assembled != ASSEMBLED_QUESTION)
			assembler->answered = false;
		return assembled;
	}
	return assembler_failed(assembler,
							"a message is of a kind that was not asked for");
}
