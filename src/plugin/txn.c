/*
 * txn.c
 *		Transactions as frames, built in place in ctx->out.
 *
 * Between change.c, which encodes the events, and the walsender, which takes
 * a frame as one CopyData message.  What is not known when a frame is opened
 * (its part, its count, its length) is patched when it is closed.
 */
#include "postgres.h"

#include <ei.h>

#include "replication/origin.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "plugin/txn.h"

#define PG_TO_UNIX_US \
	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* ctx->out may keep this many times frame_bytes, plus this. */
#define KEEP_FACTOR 4
#define KEEP_EXTRA (1024 * 1024)

/*
 * Start a message.  Its header, which the walsender writes, is made without
 * an LSN; frame_send() says how it gets one.
 */
void
etf_frame_begin(EtfSession *session)
{
	StringInfo buf = session->ctx->out;

	OutputPluginPrepareWrite(session->ctx, false);
	session->txn.start = buf->len;
	session->frames++;
	out_reserve(&session->out, ETF_HEADER_SIZE);
	ei_encode_version(buf->data, &buf->len);
}

/*
 * Send what is in ctx->out.
 *
 * Only the last message of a transaction may carry its LSN: a reader that
 * confirms what it has seen, as pg_recvlogical does, would otherwise confirm
 * a transaction of which it has a part.  Which message is the last is known
 * only now, so the header is made once more over the first one: it has the
 * same length, and the bytes behind it stay where they are, save the first,
 * which resetStringInfo() may overwrite.
 */
static void
frame_send(EtfSession *session, bool last)
{
	StringInfo buf = session->ctx->out;
	int len = buf->len;
	int keep = KEEP_FACTOR * session->options->frame_bytes + KEEP_EXTRA;

	if (last)
	{
		char first = buf->data[session->txn.start];

		OutputPluginPrepareWrite(session->ctx, true);
		Assert(buf->len == session->txn.start);
		buf->data[session->txn.start] = first;
		buf->len = len;
	}
	OutputPluginWrite(session->ctx, last);
	if (buf->maxlen > keep)
	{
		resetStringInfo(buf);
		buf->data = repalloc(buf->data, keep);
		buf->maxlen = keep;
	}
}

void
etf_frame_end(EtfSession *session)
{
	frame_send(session, true);
}

/* #{} or #{origin => Name, origin_lsn => Lsn} */
static void
put_meta(EtfOut *out, const ReorderBufferTXN *txn)
{
	char *origin;

	if (txn->origin_id == InvalidReplOriginId ||
		!replorigin_by_oid(txn->origin_id, true, &origin))
	{
		etf_put_map(out, 0);
		return;
	}
	etf_put_map(out, 2);
	etf_put_atom(out, "origin");
	etf_put_text(out, origin, strlen(origin));
	etf_put_atom(out, "origin_lsn");
	etf_put_uint(out, txn->origin_lsn);
}

/* A number that is patched later: four bytes, at the returned offset. */
static int
put_count(EtfOut *out, char tag)
{
	*out_reserve(out, ETF_HEADER_SIZE) = tag;
	out->buf->len += ETF_HEADER_SIZE;
	return out->buf->len - 4;
}

/*
 * Replicated transactions have whatever commit time their origin gave them.
 * Infinity and what is beyond 294246 AD are the largest number, -infinity is
 * the smallest.
 */
static int64
unix_time(TimestampTz time)
{
	if (TIMESTAMP_IS_NOBEGIN(time))
		return PG_INT64_MIN;
	return time > PG_INT64_MAX - PG_TO_UNIX_US ? PG_INT64_MAX
											   : time + PG_TO_UNIX_US;
}

static void
tx_open(EtfSession *session, const ReorderBufferTXN *txn)
{
	EtfOut *out = &session->out;
	EtfTxn *state = &session->txn;

	etf_frame_begin(session);
	etf_put_tuple(out, 7);
	etf_put_atom(out, "tx");
	state->part_at = out->buf->len;
	if (state->sent)
		etf_put_atom(out, "middle");
	else
		etf_put_atom(out, "whole");
	etf_put_tuple(out, 4);
	etf_put_uint(out, txn->xid);
	etf_put_uint(out, txn->final_lsn);
	etf_put_uint(out, txn->end_lsn);
	etf_put_int(out, unix_time(txn_commit_time(txn)));
	etf_put_int(out, state->index);
	state->count_at = put_count(out, ERL_INTEGER_EXT);
	put_meta(out, txn);
	state->length_at = put_count(out, ERL_LIST_EXT);
	state->count = state->terms = 0;
	state->open = true;
}

/*
 * Frames are opened as whole or middle.  "first" has as many letters as
 * "whole"; "last" has two fewer than "middle", so the frame moves up: once in
 * a transaction of many frames.
 */
static void
patch_part(EtfSession *session, bool last)
{
	StringInfo buf = session->ctx->out;
	EtfTxn *state = &session->txn;
	char *part = buf->data + state->part_at;
	const int excess = sizeof("middle") - sizeof("last");

	if (!state->sent && !last)
		memcpy(part + 2, "first", 5);
	else if (state->sent && last)
	{
		part[1] = sizeof("last") - 1;
		memcpy(part + 2, "last", 4);
		buf->len -= excess;
		state->count_at -= excess;
		state->length_at -= excess;
		memmove(part + 6, part + 6 + excess, buf->data + buf->len - part - 6);
	}
}

static void
tx_close(EtfSession *session, bool last)
{
	EtfTxn *state = &session->txn;

	etf_put_list_end(&session->out);
	patch_part(session, last);
	out_patch_uint32(&session->out, state->count_at, state->count);
	out_patch_uint32(&session->out, state->length_at, state->terms);
	frame_send(session, last);
	state->open = false;
	state->sent = true;
}

void
etf_txn_begin(EtfSession *session)
{
	memset(&session->txn, 0, sizeof(session->txn));
}

/* The walsender hears of the progress whether or not something was sent. */
void
etf_txn_commit(EtfSession *session, const ReorderBufferTXN *txn)
{
	bool skip = !session->txn.open && session->options->skip_empty;

	output_progress(session->ctx, skip);
	if (skip)
		return;
	if (!session->txn.open)
		tx_open(session, txn);
	tx_close(session, true);
}

/*
 * A frame that is full is closed only when there is another event, so that
 * the last one of a transaction is never empty.
 */
void
etf_event_begin(EtfSession *session, const ReorderBufferTXN *txn)
{
	const EtfTxn *state = &session->txn;
	int size = session->ctx->out->len - state->start;

	if (state->open && size >= session->options->frame_bytes)
		tx_close(session, false);
	if (!state->open)
		tx_open(session, txn);
}

void
etf_event_end(EtfSession *session)
{
	EtfTxn *state = &session->txn;

	state->count++;
	state->terms++;
	state->index++;
}

void
etf_put_note(EtfSession *session, const char *event, int len)
{
	etf_put_raw(&session->out, event, len);
	session->txn.terms++;
}
