/*
 * block.c
 *		Transactions of pgoutput in progress: messages, as they are.
 *
 * Called by assemble.c.  The frames are for the spool alone; a commit begins
 * an ordinary transaction, whose end is known.
 */
#include "client/source/block.h"

#include <string.h>

#include "common/term/tags.h"

/* What is kept; all but an origin bear the (sub)transaction. */
#define KEPT "IUDTMRYO"
#define ORIGIN 'O'

/* Messages, with those that were cut off. */
static uint64_t
received(Spool *spool, uint32_t xid)
{
	const SpoolStream *stream = spool_find(spool, xid);

	return stream != NULL ? stream->received : 0;
}

Assembled
block_start(Assembler *assembler, PgReader *reader)
{
	Block *block = &assembler->block;
	PgStreamStart start;

	if (!pg_read_stream_start(reader, &start))
		return assembler_broken(assembler);
	if (!assembler->streaming)
		return assembler_failed(assembler, "it was not asked for");
	if (assembler->in_tx || block->open)
		return assembler_failed(assembler, "a stream begins within another "
										   "transaction");
	block->open = true;
	block->tx = (FrameTx){.xid = start.xid, .sent = !start.first};
	if (!start.first)
		block->tx.index = received(assembler->spool, start.xid);
	return ASSEMBLED_NOTHING;
}

static void
open_frame(Assembler *assembler, uint32_t xid)
{
	FrameOut *frame = &assembler->frame;

	assembler->block.xid = xid;
	frame_open_stream(frame, &assembler->block.tx, xid, 0);
	etf_put_map(&frame->out, 0);
	frame_open_events(frame);
}

static Assembled
close_frame(Assembler *assembler, Assembled assembled)
{
	frame_close(&assembler->frame, &assembler->block.tx, false);
	return assembled;
}

/* The first block of a transaction is one, even if nothing is in it. */
Assembled
block_end(Assembler *assembler, PgReader *reader)
{
	Block *block = &assembler->block;

	if (!pg_at_end(reader))
		return assembler_broken(assembler);
	if (!assembler->frame.open && !block->tx.sent)
		open_frame(assembler, block->tx.xid);
	block->open = false;
	return assembler->frame.open ? close_frame(assembler, ASSEMBLED_FRAME)
								 : ASSEMBLED_NOTHING;
}

static void
put_message(FrameOut *frame, char kind, const PgReader *rest)
{
	size_t len = (size_t) (rest->end - rest->at);
	char head[ETF_HEADER_SIZE + 1] = {TAG_BINARY};

	store_uint32(head + 1, (uint32_t) len + 1);
	head[ETF_HEADER_SIZE] = kind;
	etf_put_small(&frame->out, head, sizeof(head));
	etf_put_raw(&frame->out, rest->at, len);
	frame_event_end(frame);
}

Assembled
block_keep(Assembler *assembler, char kind, PgReader *reader)
{
	Block *block = &assembler->block;
	uint32_t xid = block->tx.xid;

	if (kind == '\0' || strchr(KEPT, kind) == NULL)
		return assembler_failed(assembler, "it does not belong into a stream");
	if (kind != ORIGIN)
		xid = pg_uint32(reader);
	if (reader->bad)
		return assembler_broken(assembler);
	if (assembler_is_full(assembler) ||
		(assembler->frame.open && xid != block->xid))
		return close_frame(assembler, ASSEMBLED_CUT);
	if (!assembler->frame.open)
		open_frame(assembler, xid);
	put_message(&assembler->frame, kind, reader);
	return ASSEMBLED_NOTHING;
}

/*
 * PostgreSQL 18 tells of aborts that nobody asked for, of transactions that it
 * did not stream.
 */
Assembled
block_abort(Assembler *assembler, PgReader *reader)
{
	uint32_t xid = pg_uint32(reader);
	uint32_t subxid = pg_uint32(reader);

	if (!assembler->streaming)
		return ASSEMBLED_NOTHING;
	if (!pg_at_end(reader))
		return assembler_broken(assembler);
	if (assembler->in_tx)
		return assembler_failed(assembler,
								"a stream ends within a transaction");
	frame_put_abort(&assembler->frame, xid, subxid, 0, 0);
	return ASSEMBLED_FRAME;
}

Assembled
block_commit(Assembler *assembler, PgReader *reader)
{
	PgStreamCommit commit;
	FrameTx tx;

	if (!pg_read_stream_commit(reader, &commit))
		return assembler_broken(assembler);
	if (!assembler->streaming || assembler->in_tx)
		return assembler_failed(assembler,
								"a stream ends within a transaction");
	tx = (FrameTx){.xid = commit.xid,
				   .commit_lsn = commit.commit.commit_lsn,
				   .end_lsn = commit.commit.end_lsn,
				   .commit_time = assembler_unix_time(commit.commit.time)};
	assembler_begin_tx(assembler, &tx);
	return ASSEMBLED_STREAM;
}
