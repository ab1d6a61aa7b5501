/*
 * fuzz_frame.c
 *		CopyData of a server that is not to be trusted, and frame heads in it.
 */
#include <string.h>

#include "client/link/copydata.h"
#include "common/frame/read.h"
#include "fuzz.h"

/* Offsets lie one behind the other; 0 where there is no such part. */
static void
check_offsets(const FrameHead *head, size_t len)
{
	HOLDS(0 < head->payload);
	HOLDS((head->meta == 0) == (head->kind == FRAME_STREAM_ABORT));
	HOLDS(head->meta == 0 || (head->payload < head->meta && head->meta < len));
	HOLDS(head->events == 0 ||
		  (head->meta < head->events && head->events < len));
}

static void
check_kind(const FrameHead *head)
{
	bool in_parts = head->kind == FRAME_TX || head->kind == FRAME_PREPARE;
	bool streamed = head->kind == FRAME_STREAM;
	bool read = head->kind == FRAME_READ || head->kind == FRAME_READ_END;

	HOLDS(in_parts || streamed || head->part == FRAME_WHOLE);
	HOLDS(!streamed || !frame_ends(head));
	HOLDS(head->kind != FRAME_MESSAGE || head->xid == 0);
	HOLDS(head->subxid == 0 || streamed || head->kind == FRAME_STREAM_ABORT);
	HOLDS((head->events != 0) ==
		  (in_parts || streamed || read || head->kind == FRAME_MESSAGE));
}

/* What it tells lies within the frame. */
static void
check_read_end(const uint8_t *frame, size_t len, FrameHead *head)
{
	ReadEnd end;

	if (frame_read_end(frame, len, head, &end))
		HOLDS(end.last == 0 || (end.last > head->events && end.last < len));
	else
		HOLDS(head->error != NULL && head->error_offset <= len);
}

static void
check_head(const uint8_t *frame, size_t len)
{
	FrameHead head;
	FrameHead cut;

	if (!frame_read_head(frame, len, &head))
	{
		HOLDS(head.error != NULL && head.error_offset <= len);
		return;
	}
	HOLDS(head.error == NULL);
	check_offsets(&head, len);
	check_kind(&head);
	if (head.events == 0)
	{
		HOLDS(head.count <= 1 && !frame_read_head(frame, len - 1, &cut));
		return;
	}
	if (head.kind == FRAME_MESSAGE)
		return;
	if (head.kind == FRAME_READ_END)
	{
		check_read_end(frame, len, &head);
		return;
	}

	/* Credit is spent on what is there, a byte at least for each event. */
	HOLDS(head.count <= len - head.events);

	/* What stands behind the head has no other influence. */
	HOLDS(!frame_read_head(frame, head.events, &cut));
	if (head.count < len - head.events && head.events < len - 1)
		HOLDS(frame_read_head(frame, len - 1, &cut));
}

static void
check_keepalive(const CopyMessage *message, const uint8_t *data)
{
	char status[COPY_STATUS_SIZE];

	copy_status(status, message->wal_end, 0, 0, message->reply_requested);
	HOLDS(status[0] == 'r' && memcmp(status + 1, data + 1, 8) == 0);
	HOLDS(status[COPY_STATUS_SIZE - 1] == (data[17] != 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CopyMessage message;

	if (!copy_read((const char *) data, size, &message))
		return 0;
	if (message.kind == COPY_KEEPALIVE)
	{
		check_keepalive(&message, data);
		return 0;
	}
	HOLDS(message.payload <= size);
	check_head(data + message.payload, size - message.payload);
	return 0;
}
