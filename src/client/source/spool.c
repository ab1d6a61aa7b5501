/*
 * spool.c
 *		Transactions in progress, in files, until it is known how they end.
 *
 * Between flow.c or print_file.c, which read frames, and replay.c, which makes
 * a transaction of a stream that has ended.
 */
#include "client/source/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/source/spool_file.h"

/* Not /tmp, which is memory on many machines. */
#define DIR_DEFAULT "/var/tmp"

void
spool_init(Spool *spool, const char *dir, uint64_t limit)
{
	if (dir == NULL)
		dir = getenv("TMPDIR");
	if (dir == NULL || dir[0] == '\0')
		dir = DIR_DEFAULT;
	*spool = (Spool){.dir = dir, .limit = limit};
}

static void
cut(Spool *spool, SpoolStream *stream, const Label *from)
{
	uint32_t labels = stream->labels.count;

	spool->bytes -= stream->bytes - from->bytes;
	stream->bytes = from->bytes;
	stream->events = from->events;
	labels_cut(&stream->labels, from);
	spool->labels -= labels - stream->labels.count;
}

static SpoolStream **
place_of(Spool *spool, uint32_t xid)
{
	SpoolStream **place = &spool->streams;

	while (*place != NULL && (*place)->xid != xid)
		place = &(*place)->next;
	return place;
}

SpoolStream *
spool_find(Spool *spool, uint32_t xid)
{
	SpoolStream **place = place_of(spool, xid);
	SpoolStream *stream = *place;

	if (stream == NULL || place == &spool->streams)
		return stream;
	*place = stream->next;
	stream->next = spool->streams;
	spool->streams = stream;
	return stream;
}

void
spool_drop(Spool *spool, SpoolStream *stream)
{
	*place_of(spool, stream->xid) = stream->next;
	spool->count--;
	spool->bytes -= stream->bytes;
	spool->labels -= stream->labels.count;
	close(stream->fd);
	labels_free(&stream->labels);
	free(stream);
}

void
spool_clear(Spool *spool)
{
	while (spool->streams != NULL)
		spool_drop(spool, spool->streams);
}

static SpoolResult
full(Spool *spool, const char *what)
{
	snprintf(spool->error, sizeof(spool->error), "%s: %s: %s", spool->dir, what,
			 strerror(errno));
	return SPOOL_FULL;
}

static SpoolResult
wrong(Spool *spool, const FrameHead *head, const char *what)
{
	snprintf(spool->error, sizeof(spool->error), "%s, transaction %u", what,
			 head->xid);
	return SPOOL_WRONG;
}

static SpoolResult
begin(Spool *spool, const FrameHead *head)
{
	SpoolStream *stream = spool_find(spool, head->xid);

	if (stream != NULL)
		spool_drop(spool, stream);
	stream = malloc(sizeof(SpoolStream));
	if (stream == NULL)
		return full(spool, "cannot keep a transaction");
	*stream = (SpoolStream){.next = spool->streams,
							.xid = head->xid,
							.fd = spool_file_open(spool->dir)};
	if (stream->fd < 0)
	{
		full(spool, "cannot make a file");
		free(stream);
		return SPOOL_FULL;
	}
	spool->streams = stream;
	spool->count++;
	return SPOOL_KEPT;
}

/* Of a transaction that has one already, the first one counts. */
static SpoolResult
put_label(Spool *spool, SpoolStream *stream, uint32_t xid)
{
	const Label label = {xid, stream->bytes, stream->events};

	if (labels_find(&stream->labels, xid) != NULL)
		return SPOOL_KEPT;
	if (spool->labels >= SPOOL_LABELS_MAX)
	{
		snprintf(spool->error, sizeof(spool->error),
				 "the transactions in progress have more than %u "
				 "subtransactions",
				 SPOOL_LABELS_MAX);
		return SPOOL_FULL;
	}
	if (!labels_push(&stream->labels, &label))
		return full(spool, "cannot keep a subtransaction");
	spool->labels++;
	return SPOOL_KEPT;
}

static SpoolResult
append(Spool *spool, SpoolStream *stream, const char *frame, size_t len)
{
	uint64_t size = SPOOL_RECORD_HEADER + (uint64_t) len;

	if (size > spool->limit - spool->bytes)
	{
		snprintf(spool->error, sizeof(spool->error),
				 "transactions in progress take more than spool_bytes, %llu",
				 (unsigned long long) spool->limit);
		return SPOOL_FULL;
	}
	if (!spool_file_put(stream->fd, stream->bytes, frame, len))
		return full(spool, "cannot write");
	stream->bytes += size;
	spool->bytes += size;
	spool->written += size;
	return SPOOL_KEPT;
}

SpoolResult
spool_put(Spool *spool, const FrameHead *head, const char *frame, size_t len)
{
	SpoolStream *stream;
	SpoolResult result = SPOOL_KEPT;

	if (head->part == FRAME_FIRST)
		result = begin(spool, head);
	if (result != SPOOL_KEPT)
		return result;
	stream = spool_find(spool, head->xid);
	if (stream == NULL)
		return wrong(spool, head, "a stream goes on that has not begun");
	if (head->first_index != stream->received)
		return wrong(spool, head, "events of a stream are left out");
	result = put_label(spool, stream, head->subxid);
	if (result == SPOOL_KEPT)
		result = append(spool, stream, frame, len);
	stream->events += head->count;
	stream->received += head->count;
	return result;
}

/* Disk space comes back at once; where it does not, it is only missing. */
SpoolResult
spool_abort(Spool *spool, const FrameHead *head)
{
	SpoolStream *stream = spool_find(spool, head->xid);
	const Label *label;

	if (stream == NULL)
		return SPOOL_KEPT;
	if (head->subxid == head->xid)
	{
		spool_drop(spool, stream);
		return SPOOL_KEPT;
	}
	label = labels_find(&stream->labels, head->subxid);
	if (label == NULL)
		return SPOOL_KEPT;
	cut(spool, stream, label);
	return spool_file_cut(stream->fd, stream->bytes)
			   ? SPOOL_KEPT
			   : full(spool, "cannot cut a file off");
}
