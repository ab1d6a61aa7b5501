/*
 * batch.c
 *		Frames that leave together: a list that is spliced from their bytes.
 *
 * Filled by beam.c.
 */
#include "client/consumer/batch.h"

#include <stdlib.h>

#include "client/consumer/event.h"

size_t
batch_add(Batch *batch, char *block, size_t offset, size_t end)
{
	size_t around;

	if (batch->count == BATCH_FRAMES)
		batch_close(batch);
	around = batch->count == 0 ? EVENT_FRAMES_AROUND : 0;
	batch->frames[batch->count++] = (OutboxChunk){block, offset, end};
	batch->bytes += end - offset;
	return around + (end - offset);
}

void
batch_close(Batch *batch)
{
	size_t len = 0;
	char *open;
	char *close;

	if (batch->count == 0)
		return;
	open = event_frames(batch->count, batch->bytes, &len);
	envelope_put(batch->outbox, batch->envelope, open, len);
	for (uint32_t i = 0; i < batch->count; i++)
		outbox_put(batch->outbox, batch->frames[i].block,
				   batch->frames[i].offset, batch->frames[i].end);
	close = malloc(1);
	if (close != NULL)
		*close = event_list_end;
	outbox_put(batch->outbox, close, 0, 1);
	batch->count = 0;
	batch->bytes = 0;
}
