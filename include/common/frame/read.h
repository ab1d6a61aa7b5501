/*
 * read.h
 *		The head of a frame: all that a client must know to pass it on.
 *
 * docs/protocol.md describes frames.  The head comes first, so reading it
 * costs the same for a frame of any size; the events are not looked at.
 */
#ifndef ETF_FRAME_READ_H
#define ETF_FRAME_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum FrameKind
{
	FRAME_TX,			  /* a transaction, or a part of a large one */
	FRAME_MESSAGE,		  /* a logical message outside any transaction */
	FRAME_STREAM,		  /* a part of a transaction in progress */
	FRAME_STREAM_ABORT,	  /* it, or a subtransaction of it, is void */
	FRAME_STREAM_COMMIT,  /* all of it has come, and it is committed */
	FRAME_STREAM_PREPARE, /* ... and it is prepared */
	FRAME_PREPARE,		  /* as FRAME_TX, of one that was prepared */
	FRAME_DECISION,		  /* a prepared one is committed, or rolled back */
	FRAME_READ,			  /* rows that etf_read() found, not of a stream */
	FRAME_READ_END		  /* ... and the end of what it was asked for */
} FrameKind;

typedef enum FramePart
{
	FRAME_WHOLE,
	FRAME_FIRST,
	FRAME_MIDDLE,
	FRAME_LAST
} FramePart;

typedef struct FrameHead
{
	FrameKind kind;
	FramePart part;		  /* first or middle in a stream; whole without
						   * events, and of a message */
	uint32_t xid;		  /* 0 for a message */
	uint32_t subxid;	  /* of a stream's first event here; what is void;
						   * otherwise 0 */
	uint64_t commit_lsn;  /* where the message, the stream's first event,
						   * the prepare or the decision is */
	uint64_t end_lsn;	  /* to confirm; 0 in and at the end of a stream
						   * that is void */
	int64_t commit_time;  /* microseconds since 1970-01-01 UTC; or 0 */
	uint64_t first_index; /* of the first event here, in its transaction */
	uint64_t count;		  /* what the frame costs of the credit; the
						   * frame has so many bytes at least */

	/* Offsets from the start of the frame; 0: there is none. */
	size_t payload; /* the term without the version byte */
	size_t meta;	/* Meta; Prefix of a message; Tag of what was read */
	size_t events;	/* Events; Content of a message; Map of a read's end */

	const char *error; /* a constant text, or NULL */
	size_t error_offset;
} FrameHead;

/* False when the bytes do not start like a frame; see head->error then. */
extern bool frame_read_head(const void *frame, size_t len, FrameHead *head);

/* What was read in all, as the last frame of a range tells it. */
typedef struct ReadEnd
{
	uint64_t rows;
	uint64_t bytes;
	bool more;	 /* it was cut at max_bytes: go on behind ... */
	size_t last; /* the offset of this key, a list of texts; or 0 */
} ReadEnd;

/* Of a FRAME_READ_END.  False: see head->error. */
extern bool frame_read_end(const void *frame, size_t len, FrameHead *head,
						   ReadEnd *end);

/* Does a transaction begin, or end, with this frame? */
static inline bool
frame_begins(const FrameHead *head)
{
	return head->part == FRAME_WHOLE || head->part == FRAME_FIRST;
}

static inline bool
frame_ends(const FrameHead *head)
{
	return head->part == FRAME_WHOLE || head->part == FRAME_LAST;
}

#endif
