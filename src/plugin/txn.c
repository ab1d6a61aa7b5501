/*
 * txn.c
 *		Transactions as frames: when one is opened, cut and closed.
 *
 * Between change.c, which encodes the events, and sink.c, which sends what
 * the frame writer of the shared ring has made of them.
 */
#include "postgres.h"

#include "replication/origin.h"
#include "utils/timestamp.h"

#include "compat/decoding.h"
#include "plugin/schema.h"
#include "plugin/sink.h"
#include "plugin/stream.h"
#include "plugin/txn.h"
#include "plugin/visible.h"

#define RECORD_BYTES (1024 * 1024)
#define PG_TO_UNIX_US \
	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

void
etf_put_meta(TermOut *out, const EtfTxn *txn)
{
	bool prepared = txn->gid != NULL;
	bool replicated = txn->origin != NULL;

	etf_put_map(out, (uint32) (prepared + 2 * replicated));
	if (prepared)
	{
		etf_put_atom(out, "gid");
		etf_put_text(out, txn->gid, strlen(txn->gid));
	}
	if (replicated)
	{
		etf_put_atom(out, "origin");
		etf_put_text(out, txn->origin, strlen(txn->origin));
		etf_put_atom(out, "origin_lsn");
		etf_put_uint(out, txn->origin_lsn);
	}
}

/*
 * Replicated transactions have whatever commit time their origin gave them.
 * Infinity and what is beyond 294246 AD are the largest number, -infinity is
 * the smallest.
 */
int64
etf_unix_time(TimestampTz time)
{
	if (TIMESTAMP_IS_NOBEGIN(time))
		return PG_INT64_MIN;
	return time > PG_INT64_MAX - PG_TO_UNIX_US ? PG_INT64_MAX
											   : time + PG_TO_UNIX_US;
}

/* A transaction may not be over yet, or not committed. */
static void
open_frame(EtfSession *session)
{
	FrameOut *frame = &session->frame;
	const EtfTxn *txn = session->txn;
	bool streaming = session->stream != NULL;

	if (!txn->tx.sent && !streaming && txn->gid == NULL)
		etf_await_visible(session, txn->tx.xid);
	if (session->options->relations == RELATIONS_FRAME || streaming)
		session->span++;
	etf_sink_begin(session);
	if (streaming)
		etf_stream_put_head(session);
	else
	{
		frame_open_tx(frame, &txn->tx);
		etf_put_meta(&frame->out, txn);
	}
	frame_open_events(frame);
}

static void
send_frame(EtfSession *session, bool last)
{
	frame_close(&session->frame, &session->txn->tx, last);
	session->record_at = 0;
	etf_sink_send(session, last);
}

static void
drop_half_event(EtfSession *session)
{
	if (!session->frame.open || !frame_has_half_event(&session->frame))
		return;
	frame_drop_half_event(&session->frame);
	session->span++;
}

void
etf_txn_find_origin(EtfSession *session, EtfTxn *txn,
					const ReorderBufferTXN *source)
{
	char *name;

	if (txn->origin != NULL)
		pfree(txn->origin);
	txn->origin = NULL;
	if (source->origin_id != InvalidReplOriginId &&
		replorigin_by_oid(source->origin_id, true, &name))
		txn->origin = MemoryContextStrdup(session->context, name);
}

void
etf_txn_set_position(EtfTxn *txn, const ReorderBufferTXN *source)
{
	txn->tx.xid = source->xid;
	txn->tx.commit_lsn = source->final_lsn;
	txn->tx.end_lsn = source->end_lsn;
	txn->tx.commit_time = etf_unix_time(txn_end_time(source));
	txn->origin_lsn = source->origin_lsn;
}

/* A frame that an ERROR has left open is not sent. */
void
etf_txn_begin(EtfSession *session, const ReorderBufferTXN *source,
			  const char *gid)
{
	EtfTxn *txn = &session->whole;

	txn->tx = (FrameTx){.prepared = gid != NULL};
	txn->gid = gid;
	etf_txn_find_origin(session, txn, source);
	etf_txn_set_position(txn, source);
	session->frame.open = false;
	etf_schema_begin(session, source);
}

/*
 * The walsender hears of the progress whether or not something was sent.  A
 * prepared transaction is sent in any case: after a restart its decision would
 * not know whether it was.
 */
void
etf_txn_end(EtfSession *session)
{
	bool skip;

	etf_schema_end(session);
	skip = !session->frame.open && session->options->skip_empty &&
		   session->txn->gid == NULL;
	output_progress(session->ctx, skip);
	if (skip)
		return;
	drop_half_event(session);
	if (!session->frame.open)
		open_frame(session);
	send_frame(session, true);
}

void
etf_txn_cut(EtfSession *session)
{
	drop_half_event(session);
	if (session->frame.open && session->frame.count > 0)
		send_frame(session, false);
	session->frame.open = false;
}

static bool
is_same_record(const EtfSession *session)
{
	return session->record_lsn == session->lsn;
}

/*
 * A message may still have to come before the events of this record.  COPY
 * writes one for the rows of a page, some 64 kB before they are compressed.
 */
static size_t
room_for_record(const EtfSession *session)
{
	const EtfOptions *options = session->options;
	bool may_come = options->messages || options->ddl == DDL_COMMANDS;

	return may_come && is_same_record(session) ? RECORD_BYTES : 0;
}

static bool
is_full(const EtfSession *session)
{
	return frame_size(&session->frame) >=
		   (size_t) session->options->frame_bytes + room_for_record(session);
}

static void
note_record(EtfSession *session)
{
	if (is_same_record(session))
		return;
	session->record_lsn = session->lsn;
	session->record_at = session->frame.whole_len;
}

/*
 * A frame that is full is closed only when there is another event, so that
 * the last one of a transaction is never empty.
 */
TermOut *
etf_event_begin(EtfSession *session)
{
	const FrameOut *frame = &session->frame;

	drop_half_event(session);
	if (frame->open && (is_full(session) || etf_stream_cuts(session)))
		send_frame(session, false);
	if (!frame->open)
		open_frame(session);
	note_record(session);
	etf_stream_show(session);
	return &session->frame.out;
}

void
etf_event_end(EtfSession *session)
{
	frame_event_end(&session->frame);
}

static bool
is_late(const EtfSession *session)
{
	return session->frame.open && session->record_at != 0 &&
		   is_same_record(session);
}

/*
 * Events that are the first of a stream's frame may be void with it, and the
 * message must not be: it gets a frame before theirs.
 */
static void
set_aside(EtfSession *session, EtfLate *late)
{
	FrameOut *frame = &session->frame;

	late->len = frame->whole_len - late->at;
	late->events = MemoryContextAllocHuge(CurrentMemoryContext, late->len);
	memcpy(late->events, frame->out.data + late->at, late->len);
	late->count = frame->count;
	late->terms = frame->terms;
	late->xid = session->stream->shown;
	late->span = session->span;
	frame->open = false;
}

static void
bring_back(EtfSession *session, const EtfLate *late)
{
	send_frame(session, false);
	session->stream->xid = session->stream->shown = late->xid;
	open_frame(session);
	frame_put_events(&session->frame, late->events, late->len, late->count,
					 late->terms);
	session->span = late->span;
}

TermOut *
etf_late_begin(EtfSession *session, EtfLate *late)
{
	drop_half_event(session);
	*late = (EtfLate){.at = is_late(session) ? session->record_at : 0};
	if (late->at != 0 && session->stream != NULL &&
		late->at == frame_events_at(&session->frame))
		set_aside(session, late);
	if (late->at == 0 || late->events != NULL)
		return etf_event_begin(session);
	late->start = session->frame.whole_len;
	return &session->frame.out;
}

static void
reverse(char *bytes, size_t len)
{
	for (size_t i = 0; i < len / 2; i++)
	{
		char byte = bytes[i];

		bytes[i] = bytes[len - 1 - i];
		bytes[len - 1 - i] = byte;
	}
}

/* What was written last comes before the others, which move up. */
void
etf_late_end(EtfSession *session, const EtfLate *late)
{
	FrameOut *frame = &session->frame;
	char *events = frame->out.data + late->at;

	if (late->events != NULL)
		bring_back(session, late);
	else if (late->at != 0)
	{
		reverse(events, late->start - late->at);
		reverse(events + (late->start - late->at),
				frame->out.len - late->start);
		reverse(events, frame->out.len - late->at);
	}
}

TermOut *
etf_message_begin(EtfSession *session, XLogRecPtr lsn)
{
	etf_sink_begin(session);
	frame_open_message(&session->frame, lsn);
	return &session->frame.out;
}

void
etf_message_end(EtfSession *session)
{
	etf_sink_send(session, true);
}
