/*
 * inbox.c
 *		Packets from the BEAM.
 *
 * Read by beam.c.
 */
#include "client/consumer/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 8192

void
inbox_init(Inbox *inbox)
{
	*inbox = (Inbox){0};
}

void
inbox_free(Inbox *inbox)
{
	free(inbox->data);
	inbox->data = NULL;
}

/* Move what is left to the front, and grow if that is not enough. */
static bool
make_room(Inbox *inbox, size_t len)
{
	size_t held = inbox->end - inbox->start;
	size_t size = inbox->size > 0 ? inbox->size : READ_SIZE;
	char *data;

	if (inbox->start > 0)
		memmove(inbox->data, inbox->data + inbox->start, held);
	inbox->start = 0;
	inbox->end = held;
	while (size - held < len)
		size *= 2;
	if (size == inbox->size)
		return true;
	data = realloc(inbox->data, size);
	if (data == NULL)
		return false;
	inbox->data = data;
	inbox->size = size;
	return true;
}

void
inbox_feed(Inbox *inbox, const void *bytes, size_t len)
{
	if (inbox->size - inbox->end < len && !make_room(inbox, len))
	{
		inbox->failed = true;
		return;
	}
	if (len > 0)
		memcpy(inbox->data + inbox->end, bytes, len);
	inbox->end += len;
}

void
inbox_read(Inbox *inbox, int fd)
{
	char bytes[READ_SIZE];
	ssize_t len = read(fd, bytes, sizeof(bytes));

	if (len > 0)
		inbox_feed(inbox, bytes, (size_t) len);
	else if (len == 0)
		inbox->eof = true;
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		inbox->failed = true;
}

InboxResult
inbox_next(Inbox *inbox, const char **packet, size_t *len)
{
	size_t held = inbox->end - inbox->start;
	const unsigned char *header =
		(const unsigned char *) inbox->data + inbox->start;

	if (held < INBOX_HEADER)
		return INBOX_EMPTY;
	*len = (size_t) header[0] << 24 | (size_t) header[1] << 16 |
		   (size_t) header[2] << 8 | header[3];
	if (*len > INBOX_PACKET_MAX)
		return INBOX_TOO_LONG;
	if (held - INBOX_HEADER < *len)
		return INBOX_EMPTY;
	*packet = inbox->data + inbox->start + INBOX_HEADER;
	inbox->start += INBOX_HEADER + *len;
	return INBOX_PACKET;
}
