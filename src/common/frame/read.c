/*
 * read.c
 *		Read the head of a frame.
 *
 * write.c writes what is read here.  Compiled for the client and
 * the tests alike; all access to the bytes goes through term/read.c.
 */
#include "common/frame/read.h"

#include "common/term/read.h"

/* {Xid, CommitLsn, EndLsn, CommitTime}; {Xid, SubXid, Lsn} of a stream */
#define POSITION_ARITY 4
#define STREAM_POSITION_ARITY 3

typedef struct PartName
{
	const char *name;
	FramePart part;
} PartName;

static const PartName tx_parts[] = {{"whole", FRAME_WHOLE},
									{"first", FRAME_FIRST},
									{"middle", FRAME_MIDDLE},
									{"last", FRAME_LAST},
									{NULL, FRAME_WHOLE}};
static const PartName stream_parts[] = {
	{"first", FRAME_FIRST}, {"more", FRAME_MIDDLE}, {NULL, FRAME_WHOLE}};

static bool
read_part(TermReader *reader, const PartName *names, const char *error,
		  FramePart *part)
{
	Term term;

	if (!term_next_atom(reader, &term, error))
		return false;
	for (; names->name != NULL; names++)
	{
		if (term_is_atom(&term, names->name))
		{
			*part = names->part;
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
read_time(TermReader *reader, FrameHead *head)
{
	return term_next_int64(reader, &head->commit_time,
						   "commit time is not an integer");
}

static bool
read_position(TermReader *reader, FrameHead *head)
{
	return term_next_tuple(reader, POSITION_ARITY,
						   "transaction is not a tuple of 4") &&
		   read_xid(reader, &head->xid) &&
		   read_lsn(reader, &head->commit_lsn) &&
		   read_lsn(reader, &head->end_lsn) && read_time(reader, head);
}

static bool
skip_meta(TermReader *reader, FrameHead *head)
{
	head->meta = term_offset(reader);
	return term_skip(reader);
}

/* Each event takes a byte at least; credit must not be spent on more. */
static bool
check_count(TermReader *reader, const FrameHead *head)
{
	return head->count <= term_remaining(reader) ||
		   term_fail(reader, "count is larger than the frame");
}

/* FirstIndex, Count, Meta, and where the events are. */
static bool
read_contents(TermReader *reader, FrameHead *head)
{
	if (!term_next_uint64(reader, &head->first_index,
						  "first index is not an integer") ||
		!term_next_uint64(reader, &head->count, "count is not an integer") ||
		!skip_meta(reader, head))
		return false;
	head->events = term_offset(reader);
	return check_count(reader, head);
}

/* {tx | prepare, Part, Position, FirstIndex, Count, Meta, Events} */
static bool
read_tx(TermReader *reader, FrameHead *head)
{
	return read_part(reader, tx_parts,
					 "part is none of whole, first, middle, last",
					 &head->part) &&
		   read_position(reader, head) && read_contents(reader, head);
}

/* {stream, Part, {Xid, SubXid, Lsn}, FirstIndex, Count, Meta, Events} */
static bool
read_stream(TermReader *reader, FrameHead *head)
{
	return read_part(reader, stream_parts, "part is neither first nor more",
					 &head->part) &&
		   term_next_tuple(reader, STREAM_POSITION_ARITY,
						   "stream is not a tuple of 3") &&
		   read_xid(reader, &head->xid) && read_xid(reader, &head->subxid) &&
		   read_lsn(reader, &head->commit_lsn) && read_contents(reader, head);
}

/* {stream_abort, {Xid, SubXid, AbortLsn, AbortTime}} */
static bool
read_abort(TermReader *reader, FrameHead *head)
{
	return term_next_tuple(reader, POSITION_ARITY,
						   "transaction is not a tuple of 4") &&
		   read_xid(reader, &head->xid) && read_xid(reader, &head->subxid) &&
		   read_lsn(reader, &head->commit_lsn) && read_time(reader, head);
}

/* {stream_commit | stream_prepare, Position, Meta} */
static bool
read_end(TermReader *reader, FrameHead *head)
{
	return read_position(reader, head) && skip_meta(reader, head);
}

/* {commit_prepared | rollback_prepared, ...}: costs as much as one row. */
static bool
read_decision(TermReader *reader, FrameHead *head)
{
	head->count = 1;
	return read_end(reader, head);
}

/* {message, Lsn, Prefix, Content}: costs as much as one row. */
static bool
read_message(TermReader *reader, FrameHead *head)
{
	head->count = 1;
	if (!read_lsn(reader, &head->commit_lsn))
		return false;
	head->end_lsn = head->commit_lsn;
	if (!skip_meta(reader, head))
		return false;
	head->events = term_offset(reader);
	return true;
}

/* {read, Tag, Count, Events} */
static bool
read_rows(TermReader *reader, FrameHead *head)
{
	if (!skip_meta(reader, head) ||
		!term_next_uint64(reader, &head->count, "count is not an integer"))
		return false;
	head->events = term_offset(reader);
	return check_count(reader, head);
}

/* {read_end, Tag, Map}: costs nothing. */
static bool
read_rows_end(TermReader *reader, FrameHead *head)
{
	if (!skip_meta(reader, head))
		return false;
	head->events = term_offset(reader);
	return true;
}

typedef struct FrameName
{
	const char *name;
	uint32_t arity;
	FrameKind kind;
	bool (*read)(TermReader *reader, FrameHead *head);
} FrameName;

static const FrameName frames[] = {
	{"tx", 7, FRAME_TX, read_tx},
	{"message", 4, FRAME_MESSAGE, read_message},
	{"stream", 7, FRAME_STREAM, read_stream},
	{"stream_abort", 2, FRAME_STREAM_ABORT, read_abort},
	{"stream_commit", 3, FRAME_STREAM_COMMIT, read_end},
	{"stream_prepare", 3, FRAME_STREAM_PREPARE, read_end},
	{"prepare", 7, FRAME_PREPARE, read_tx},
	{"commit_prepared", 3, FRAME_DECISION, read_decision},
	{"rollback_prepared", 3, FRAME_DECISION, read_decision},
	{"read", 4, FRAME_READ, read_rows},
	{"read_end", 3, FRAME_READ_END, read_rows_end}};

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
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
	{
		if (frame.count == frames[i].arity &&
			term_is_atom(&name, frames[i].name))
		{
			head->kind = frames[i].kind;
			return frames[i].read(reader, head);
		}
	}
	return term_fail(reader, "unknown kind of frame");
}

/* A frame with events goes on behind its head, any other does not. */
static void
check_end(TermReader *reader, const FrameHead *head)
{
	if (head->events != 0 && term_at_end(reader))
		term_fail(reader, "frame ends after its head");
	else if (head->events == 0 && !term_at_end(reader))
		term_fail(reader, "frame goes on behind its end");
}

bool
frame_read_head(const void *frame, size_t len, FrameHead *head)
{
	TermReader reader;

	*head = (FrameHead){.part = FRAME_WHOLE};
	term_read_init(&reader, frame, len);
	if (read_frame(&reader, head))
		check_end(&reader, head);
	head->error = reader.error;
	head->error_offset = reader.error_offset;
	return head->error == NULL;
}

/* A key of the map, whose value follows.  One that is not known is skipped. */
static bool
read_end_pair(TermReader *reader, ReadEnd *end)
{
	Term key;
	Term more;

	if (!term_next_atom(reader, &key, "a key of read_end is not an atom"))
		return false;
	if (term_is_atom(&key, "rows"))
		return term_next_uint64(reader, &end->rows, "rows are not a number");
	if (term_is_atom(&key, "bytes"))
		return term_next_uint64(reader, &end->bytes, "bytes are not a number");
	if (term_is_atom(&key, "last"))
		end->last = term_offset(reader);
	if (!term_is_atom(&key, "more"))
		return term_skip(reader);
	if (!term_next_atom(reader, &more, "more is not an atom"))
		return false;
	end->more = term_is_atom(&more, "true");
	return true;
}

bool
frame_read_end(const void *frame, size_t len, FrameHead *head, ReadEnd *end)
{
	TermReader reader;
	Term map;

	*end = (ReadEnd){0};
	term_read_init(&reader, frame, len);
	reader.pos += head->events;
	if (term_next(&reader, &map) && map.kind != TERM_MAP)
		term_fail(&reader, "read_end has no map");
	for (uint32_t i = 0; reader.error == NULL && i < map.count; i++)
		read_end_pair(&reader, end);
	head->error = reader.error;
	head->error_offset = reader.error_offset;
	return head->error == NULL;
}
