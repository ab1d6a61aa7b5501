/*
 * frame.c
 *		Read the head of a frame.
 *
 * src/plugin/txn.c writes what is read here.  Compiled for the client and
 * the tests alike; all access to the bytes goes through term_read.c.
 */
#include "common/frame.h"

#include "common/term_read.h"

/* {tx, Part, {Xid, CommitLsn, EndLsn, CommitTime}, First, Count, Meta, ...} */
#define TX_ARITY 7
#define TX_POSITION_ARITY 4

/* {message, Lsn, Prefix, Content} */
#define MESSAGE_ARITY 4

static bool
read_part(TermReader *reader, FramePart *part)
{
	static const char *const names[] = {[FRAME_WHOLE] = "whole",
										[FRAME_FIRST] = "first",
										[FRAME_MIDDLE] = "middle",
										[FRAME_LAST] = "last"};
	static const char error[] = "part is none of whole, first, middle, last";
	Term term;

	if (!term_next_atom(reader, &term, error))
		return false;
	for (int i = FRAME_WHOLE; i <= FRAME_LAST; i++)
	{
		if (term_is_atom(&term, names[i]))
		{
			*part = (FramePart) i;
			return true;
		}
	}
	return term_fail(reader, error);
}

static bool
read_xid(TermReader *reader, uint32_t *xid)
{
	static const char error[] = "xid is not a 32-bit integer";
	uint64_t value;

	if (!term_next_uint64(reader, &value, error))
		return false;
	if (value > UINT32_MAX)
		return term_fail(reader, error);
	*xid = (uint32_t) value;
	return true;
}

static bool
read_lsn(TermReader *reader, uint64_t *lsn)
{
	return term_next_uint64(reader, lsn, "LSN is not a 64-bit integer");
}

static bool
read_position(TermReader *reader, FrameHead *head)
{
	return term_next_tuple(reader, TX_POSITION_ARITY,
						   "transaction is not a tuple of 4") &&
		   read_xid(reader, &head->xid) &&
		   read_lsn(reader, &head->commit_lsn) &&
		   read_lsn(reader, &head->end_lsn) &&
		   term_next_int64(reader, &head->commit_time,
						   "commit time is not an integer");
}

static bool
read_tx(TermReader *reader, FrameHead *head)
{
	head->kind = FRAME_TX;
	if (!read_part(reader, &head->part) || !read_position(reader, head) ||
		!term_next_uint64(reader, &head->first_index,
						  "first index is not an integer") ||
		!term_next_uint64(reader, &head->count, "count is not an integer"))
		return false;
	head->meta = term_offset(reader);
	if (!term_skip(reader))
		return false;
	head->events = term_offset(reader);

	/* Each event takes a byte at least; credit must not be spent on more. */
	return head->count <= term_remaining(reader) ||
		   term_fail(reader, "count is larger than the frame");
}

/* One message costs as much credit as one row. */
static bool
read_message(TermReader *reader, FrameHead *head)
{
	head->kind = FRAME_MESSAGE;
	head->count = 1;
	if (!read_lsn(reader, &head->commit_lsn))
		return false;
	head->end_lsn = head->commit_lsn;
	head->meta = term_offset(reader);
	if (!term_skip(reader))
		return false;
	head->events = term_offset(reader);
	return true;
}

static bool
read_frame(TermReader *reader, FrameHead *head)
{
	Term frame;
	Term name;

	if (!term_read_version(reader))
		return false;
	head->payload = term_offset(reader);
	if (!term_next(reader, &frame))
		return false;
	if (frame.kind != TERM_TUPLE)
		return term_fail(reader, "frame is not a tuple");
	if (!term_next_atom(reader, &name, "frame does not start with an atom"))
		return false;
	if (term_is_atom(&name, "tx") && frame.count == TX_ARITY)
		return read_tx(reader, head);
	if (term_is_atom(&name, "message") && frame.count == MESSAGE_ARITY)
		return read_message(reader, head);
	return term_fail(reader, "unknown kind of frame");
}

bool
frame_read_head(const void *frame, size_t len, FrameHead *head)
{
	TermReader reader;

	*head = (FrameHead){.part = FRAME_WHOLE};
	term_read_init(&reader, frame, len);
	if (read_frame(&reader, head) && term_at_end(&reader))
		term_fail(&reader, "frame ends after its head");
	head->error = reader.error;
	head->error_offset = reader.error_offset;
	return head->error == NULL;
}
