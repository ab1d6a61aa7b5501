/*
 * assemble_change.c
 *		Rows, truncates and messages of pgoutput as events.
 *
 * Called by assemble.c; rows.c writes the rows.
 */
#include "client/source/assemble_change.h"

#include <stdlib.h>

#include "client/source/host.h"
#include "client/source/rows.h"
#include "common/frame/event.h"

#define VISIBLE_US 1000000

static bool
rows_fit(const Plan *plan, char kind, const PgChange *change)
{
	return (change->old_kind == 0 ||
			change->old_row.nvalues == plan->ncolumns) &&
		   (kind == 'D' || change->new_row.nvalues == plan->ncolumns);
}

static bool
put_change(const Assembler *assembler, TermOut *out, Plan *plan, char kind,
		   const PgChange *change)
{
	const PgRow *old_row = change->old_kind != 0 ? &change->old_row : NULL;
	bool fits = true;

	etf_put_tuple(out, kind == 'U' ? 4 : 3);
	etf_put_atom_len(out,
					 kind == 'I'   ? "insert"
					 : kind == 'U' ? "update"
								   : "delete",
					 6);
	etf_put_uint(out, plan->relid);
	if (kind == 'U' &&
		(old_row == NULL || assembler->options.old_rows == OLD_ROWS_NONE))
		etf_put_atom(out, "nil");
	else if (kind != 'I')
		fits = rows_put_old(out, plan, old_row, change->old_kind);
	if (kind != 'D')
		fits &= rows_put_new(out, plan, &change->new_row, old_row);
	return fits;
}

/* The catalogs know more of a composite by now. */
static Assembled
ask_again(Assembler *assembler, Plan *plan)
{
	frame_drop_half_event(&assembler->frame);
	plan->told_in = 0;
	plan_question(plan, &assembler->question);
	return ASSEMBLED_QUESTION;
}

/*
 * Do the catalogs know nothing more of it?  A transaction may be seen by others
 * some time behind its commit.
 */
static bool
was_asked(const Assembler *assembler, const Plan *plan)
{
	return assembler->answered ||
		   assembler->tx.commit_time < plan->asked_at - VISIBLE_US;
}

static int
action_of(char kind)
{
	return kind == 'I'	 ? ACTION_INSERT
		   : kind == 'U' ? ACTION_UPDATE
						 : ACTION_DELETE;
}

Assembled
assemble_change(Assembler *assembler, PgReader *reader)
{
	char kind = reader->at[-1];
	PgChange change;
	TermOut *out;
	Plan *plan;

	if (!pg_read_change(reader, kind, &change))
		return assembler_broken(assembler);
	plan = plans_get(&assembler->plans, &assembler->context, change.relid);
	if (!assembler->in_tx || plan == NULL || !rows_fit(plan, kind, &change))
		return assembler_failed(assembler,
								"a row comes that was not announced");
	if (assembler->skips || (plan->actions & action_of(kind)) == 0)
		return ASSEMBLED_NOTHING;
	if (assembler_is_full(assembler))
		return assembler_cut(assembler);
	out = assembler_event(assembler);
	assembler_tell(assembler, plan);
	if (!put_change(assembler, out, plan, kind, &change) &&
		!was_asked(assembler, plan))
		return ask_again(assembler, plan);
	if (plan->unread != 0 && !plan->unread_told)
		assembler->unread = plan;
	frame_event_end(&assembler->frame);
	return ASSEMBLED_NOTHING;
}

/* Those that are wanted, moved to the front. */
static int
wanted_tables(Assembler *assembler, PgTruncate *truncate, uint32_t *relids)
{
	int count = 0;

	for (int i = 0; i < truncate->count; i++)
	{
		uint32_t relid = pg_uint32(&truncate->relids);
		const Plan *plan =
			plans_get(&assembler->plans, &assembler->context, relid);

		if (plan != NULL && (plan->actions & ACTION_TRUNCATE) != 0)
			relids[count++] = relid;
	}
	return count;
}

static Assembled
put_truncate(Assembler *assembler, const PgTruncate *truncate,
			 const uint32_t *relids, int count)
{
	TermOut *out;

	if (count == 0 || assembler->skips)
		return ASSEMBLED_NOTHING;
	if (assembler_is_full(assembler))
		return assembler_cut(assembler);
	out = assembler_event(assembler);
	for (int i = 0; i < count; i++)
		assembler_tell(assembler, plans_get(&assembler->plans,
											&assembler->context, relids[i]));
	etf_put_truncate(out, relids, count, truncate->cascade, truncate->restart);
	frame_event_end(&assembler->frame);
	return ASSEMBLED_NOTHING;
}

Assembled
assemble_truncate(Assembler *assembler, PgReader *reader)
{
	PgTruncate truncate;
	uint32_t *relids;
	Assembled assembled;

	if (!pg_read_truncate(reader, &truncate))
		return assembler_broken(assembler);
	if (!assembler->in_tx)
		return assembler_failed(assembler,
								"a truncate comes outside a transaction");
	relids =
		source_scratch(NULL, sizeof(uint32_t) * ((size_t) truncate.count + 1));
	assembled = put_truncate(assembler, &truncate, relids,
							 wanted_tables(assembler, &truncate, relids));
	free(relids);
	return assembled;
}

static Assembled
put_lone_message(Assembler *assembler, const PgMessage *message)
{
	if (assembler->in_tx)
		return assembler_failed(assembler,
								"a message comes within a transaction");
	frame_open_message(&assembler->frame, message->lsn);
	etf_put_message(&assembler->frame.out, message->prefix, message->content,
					message->len);
	return ASSEMBLED_FRAME;
}

Assembled
assemble_message(Assembler *assembler, PgReader *reader)
{
	PgMessage message;
	TermOut *out;

	if (!pg_read_message(reader, &message))
		return assembler_broken(assembler);
	if (!options_want_message(&assembler->options, message.prefix))
		return ASSEMBLED_NOTHING;
	if (!message.transactional)
		return put_lone_message(assembler, &message);
	if (!assembler->in_tx)
		return assembler_failed(assembler,
								"a message comes outside its transaction");
	if (assembler->skips)
		return ASSEMBLED_NOTHING;
	if (assembler_is_full(assembler))
		return assembler_cut(assembler);
	out = assembler_event(assembler);
	etf_put_tuple(out, 3);
	etf_put_atom(out, "message");
	etf_put_message(out, message.prefix, message.content, message.len);
	frame_event_end(&assembler->frame);
	return ASSEMBLED_NOTHING;
}
