/*
 * outbox.c
 *		Bytes on their way to a file descriptor that may not take them yet.
 *
 * Filled by beam.c and print.c.
 */
#include "client/consumer/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#define IOV_COUNT 64

void
outbox_init(Outbox *outbox, int fd)
{
	*outbox = (Outbox){.fd = fd};
}

static OutboxChunk *
chunk_at(const Outbox *outbox, uint32_t i)
{
	return ring_at(&outbox->chunks, sizeof(OutboxChunk), i);
}

void
outbox_free(Outbox *outbox)
{
	for (uint32_t i = 0; i < outbox->chunks.count; i++)
		free(chunk_at(outbox, i)->block);
	ring_free(&outbox->chunks);
}

static void
fail(Outbox *outbox, int error)
{
	outbox->failed = true;
	outbox->error = error;
}

void
outbox_put(Outbox *outbox, char *block, size_t offset, size_t end)
{
	OutboxChunk chunk = {block, offset, end};

	if (block == NULL ||
		(!outbox->failed && !ring_push(&outbox->chunks, sizeof(chunk), &chunk)))
		fail(outbox, ENOMEM);
	if (outbox->failed)
	{
		free(block);
		return;
	}
	outbox->queued += end - offset;
}

static void
advance(Outbox *outbox, size_t written)
{
	outbox->written += written;
	while (outbox->chunks.count > 0)
	{
		OutboxChunk *chunk = chunk_at(outbox, 0);
		size_t left = chunk->end - chunk->offset;

		if (written < left)
		{
			chunk->offset += written;
			return;
		}
		written -= left;
		free(chunk->block);
		ring_drop(&outbox->chunks, 1);
	}
}

bool
outbox_write(Outbox *outbox)
{
	while (outbox->chunks.count > 0 && !outbox->failed)
	{
		struct iovec iov[IOV_COUNT];
		int n = 0;
		ssize_t written;

		for (; n < IOV_COUNT && (uint32_t) n < outbox->chunks.count; n++)
		{
			const OutboxChunk *chunk = chunk_at(outbox, n);

			iov[n].iov_base = chunk->block + chunk->offset;
			iov[n].iov_len = chunk->end - chunk->offset;
		}
		written = writev(outbox->fd, iov, n);
		if (written >= 0)
			advance(outbox, (size_t) written);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno != EINTR)
			fail(outbox, errno);
	}
	return !outbox->failed;
}
