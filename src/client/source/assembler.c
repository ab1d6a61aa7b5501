/*
 * assembler.c
 *		What is known while frames are made of messages of pgoutput, and the
 *		frame that is being made.
 */
#include "client/source/assembler.h"

#include <stdlib.h>

#include "client/source/host.h"

/* A block for a frame has so much more than the frame before took. */
#define SPARE 1024

#define PG_TO_UNIX_US ((int64_t) 946684800 * 1000000)

void
assembler_init(Assembler *assembler)
{
	*assembler = (Assembler){.frame = {.open = false}};
	options_init(&assembler->options);
}

void
assembler_drop(Assembler *assembler)
{
	FrameOut *frame = &assembler->frame;

	free(frame->out.data);
	frame->out.data = NULL;
	frame->out.len = frame->out.size = 0;
	frame->open = false;
	assembler->in_tx = assembler->answered = assembler->block.open = false;
	assembler->unread = NULL;
	free(assembler->origin);
	assembler->origin = NULL;
}

/* Infinity and what is beyond 294246 AD are the largest number. */
int64_t
assembler_unix_time(int64_t time)
{
	if (time == INT64_MIN)
		return INT64_MIN;
	return time > INT64_MAX - PG_TO_UNIX_US ? INT64_MAX : time + PG_TO_UNIX_US;
}

void
assembler_begin_tx(Assembler *assembler, const FrameTx *tx)
{
	assembler->in_tx = true;
	assembler->skips = false;
	assembler->tx = *tx;
}

Assembled
assembler_end_tx(Assembler *assembler, uint64_t end_lsn)
{
	assembler->in_tx = false;
	free(assembler->origin);
	assembler->origin = NULL;
	assembler->position = assembler->tx.end_lsn = end_lsn;
	if (!assembler->frame.open)
		return ASSEMBLED_POSITION;
	frame_close(&assembler->frame, &assembler->tx, true);
	return ASSEMBLED_FRAME;
}

void
assembler_free(Assembler *assembler)
{
	assembler_drop(assembler);
	plans_free(&assembler->plans);
	catalog_free(&assembler->catalog);
}

void
assembler_begin(Assembler *assembler, int server_version, bool binary,
				const TermHost *host)
{
	assembler_drop(assembler);
	plans_forget(&assembler->plans);
	assembler->binary = binary;
	assembler->span++;
	assembler->context = (PlanContext){.options = &assembler->options,
									   .host = host,
									   .catalog = &assembler->catalog,
									   .server_version = server_version};
	assembler->frame.out.forms = &assembler->options.forms;
	assembler->frame.out.host = host;
}

void
assembler_answer(Assembler *assembler, const PGresult *result)
{
	const PlanQuestion *question = &assembler->question;

	catalog_take(&assembler->catalog, result);
	catalog_asked(&assembler->catalog, question->relid, question->types,
				  question->ntypes);
	plans_asked(&assembler->plans, &assembler->catalog, question->relid);
	assembler->answered = true;
}

char *
assembler_take(Assembler *assembler, size_t *len)
{
	TermOut *out = &assembler->frame.out;
	char *data = out->data;

	*len = out->len;
	out->data = NULL;
	out->len = out->size = 0;
	return data;
}

Assembled
assembler_failed(Assembler *assembler, const char *error)
{
	assembler->error = error;
	return ASSEMBLED_FAILED;
}

Assembled
assembler_broken(Assembler *assembler)
{
	return assembler_failed(assembler, "a message is not what it should be");
}

/* #{} or #{origin => Name, origin_lsn => Lsn} */
static void
put_meta(const Assembler *assembler, TermOut *out)
{
	if (assembler->origin == NULL)
	{
		etf_put_map(out, 0);
		return;
	}
	etf_put_map(out, 2);
	etf_put_atom(out, "origin");
	out->host->put_text(out, assembler->origin, strlen(assembler->origin));
	etf_put_atom(out, "origin_lsn");
	etf_put_uint(out, assembler->origin_lsn);
}

static void
open_frame(Assembler *assembler)
{
	FrameOut *frame = &assembler->frame;

	if (assembler->options.relations == RELATIONS_FRAME)
		assembler->span++;
	if (assembler->tx.sent)
	{
		frame->out.size = (size_t) assembler->options.frame_bytes + SPARE;
		frame->out.data = source_scratch(NULL, frame->out.size);
	}
	frame_open_tx(frame, &assembler->tx);
	put_meta(assembler, &frame->out);
	frame_open_events(frame);
}

bool
assembler_is_full(const Assembler *assembler)
{
	return assembler->frame.open && frame_size(&assembler->frame) >=
										(size_t) assembler->options.frame_bytes;
}

Assembled
assembler_cut(Assembler *assembler)
{
	frame_close(&assembler->frame, &assembler->tx, false);
	return ASSEMBLED_CUT;
}

TermOut *
assembler_event(Assembler *assembler)
{
	if (!assembler->frame.open)
		open_frame(assembler);
	return &assembler->frame.out;
}

void
assembler_tell(Assembler *assembler, Plan *plan)
{
	if (assembler->options.relations == RELATIONS_OFF ||
		(plan->told_in == assembler->span &&
		 plan->told_len == plan->event_len &&
		 memcmp(plan->told, plan->event, plan->event_len) == 0))
		return;
	frame_put_uncounted(&assembler->frame, plan->event, plan->event_len);
	plan->told = source_scratch(plan->told, plan->event_len);
	memcpy(plan->told, plan->event, plan->event_len);
	plan->told_len = plan->event_len;
	plan->told_in = assembler->span;
}
