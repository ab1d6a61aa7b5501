/*
 * outbox.c
 *		Bytes on their way to a file descriptor that may not take them yet.
 *
 * Filled by port.c and print.c.
 */
#include "client/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#define SIZE_START 64
#define IOV_COUNT 64

void
outbox_init(Outbox *outbox, int fd)
{
	*outbox = (Outbox){.fd = fd};
}

static OutboxChunk *
chunk_at(const Outbox *outbox, uint32_t i)
{
	return &outbox->chunks[(outbox->first + i) & (outbox->size - 1)];
}

void
outbox_free(Outbox *outbox)
{
	for (uint32_t i = 0; i < outbox->count; i++)
		free(chunk_at(outbox, i)->block);
	free(outbox->chunks);
	outbox->chunks = NULL;
	outbox->count = outbox->size = 0;
}

static void
fail(Outbox *outbox, int error)
{
	outbox->failed = true;
	outbox->error = error;
}

static bool
grow(Outbox *outbox)
{
	uint32_t size = outbox->size > 0 ? outbox->size * 2 : SIZE_START;
	OutboxChunk *chunks = malloc(size * sizeof(OutboxChunk));

	if (chunks == NULL)
		return false;
	for (uint32_t i = 0; i < outbox->count; i++)
		chunks[i] = *chunk_at(outbox, i);
	free(outbox->chunks);
	outbox->chunks = chunks;
	outbox->size = size;
	outbox->first = 0;
	return true;
}

void
outbox_put(Outbox *outbox, char *block, size_t offset, size_t end)
{
	if (block == NULL ||
		(outbox->count == outbox->size && !outbox->failed && !grow(outbox)))
		fail(outbox, ENOMEM);
	if (outbox->failed)
	{
		free(block);
		return;
	}
	*chunk_at(outbox, outbox->count++) = (OutboxChunk){block, offset, end};
	outbox->queued += end - offset;
}

static void
advance(Outbox *outbox, size_t written)
{
	outbox->written += written;
	while (outbox->count > 0)
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
		outbox->first++;
		outbox->count--;
	}
}

bool
outbox_write(Outbox *outbox)
{
	while (outbox->count > 0 && !outbox->failed)
	{
		struct iovec iov[IOV_COUNT];
		int n = 0;
		ssize_t written;

		for (; n < IOV_COUNT && (uint32_t) n < outbox->count; n++)
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
