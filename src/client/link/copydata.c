/*
 * copydata.c
 *		Messages of the streaming replication protocol: bytes only.
 *
 * Called by stream.c.
 */
#include "client/link/copydata.h"

/* 'w', start, end, time */
#define FRAME_HEADER 25

/* 'k', end, time, reply requested */
#define KEEPALIVE_SIZE 18

static uint64_t
get_uint64(const char *data)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | (unsigned char) data[i];
	return value;
}

static void
put_uint64(char *data, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		data[i] = (char) value;
}

bool
copy_read(const char *data, size_t len, CopyMessage *message)
{
	*message = (CopyMessage){0};
	if (len >= FRAME_HEADER && data[0] == 'w')
	{
		message->kind = COPY_FRAME;
		message->payload = FRAME_HEADER;
		return true;
	}
	if (len == KEEPALIVE_SIZE && data[0] == 'k')
	{
		message->kind = COPY_KEEPALIVE;
		message->wal_end = get_uint64(data + 1);
		message->reply_requested = data[KEEPALIVE_SIZE - 1] != 0;
		return true;
	}
	return false;
}

void
copy_status(char data[COPY_STATUS_SIZE], uint64_t written, uint64_t flushed,
			int64_t clock, bool reply_requested)
{
	data[0] = 'r';
	put_uint64(data + 1, written);
	put_uint64(data + 9, flushed);
	put_uint64(data + 17, flushed);
	put_uint64(data + 25, (uint64_t) clock);
	data[33] = reply_requested;
}
