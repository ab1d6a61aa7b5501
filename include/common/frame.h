/*
 * frame.h
 *		The head of a frame: all that a client must know to pass it on.
 *
 * docs/protocol.md describes frames.  The head comes first, so reading it
 * costs the same for a frame of any size; the events are not looked at.
 */
#ifndef ETF_FRAME_H
#define ETF_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum FrameKind
{
	FRAME_TX,	  /* a transaction, or a part of a large one */
	FRAME_MESSAGE /* a logical message outside any transaction */
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
	FramePart part;		  /* a message is whole */
	uint32_t xid;		  /* 0 for a message */
	uint64_t commit_lsn;  /* the message's own position */
	uint64_t end_lsn;	  /* the same for a message */
	int64_t commit_time;  /* microseconds since 1970-01-01 UTC; or 0 */
	uint64_t first_index; /* of the first event here, in its transaction */
	uint64_t count;		  /* what the frame costs of the credit; the
						   * frame has so many bytes at least */

	/* Offsets from the start of the frame. */
	size_t payload; /* the term without the version byte */
	size_t meta;	/* Meta; Prefix of a message */
	size_t events;	/* Events; Content of a message */

	const char *error; /* a constant text, or NULL */
	size_t error_offset;
} FrameHead;

/* False when the bytes do not start like a frame; see head->error then. */
extern bool frame_read_head(const void *frame, size_t len, FrameHead *head);

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
