/*
 * fuzz_frame.c
 *		CopyData of a server that is not to be trusted, and frame heads in it.
 */
#include <string.h>

#include "client/copydata.h"
#include "common/frame.h"
#include "fuzz.h"

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
	HOLDS(0 < head.payload && head.payload < head.meta &&
		  head.meta < head.events && head.events < len);
	HOLDS(head.kind == FRAME_TX || (head.part == FRAME_WHOLE && head.xid == 0));

	if (head.kind == FRAME_MESSAGE)
		return;

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
