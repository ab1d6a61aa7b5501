/*
 * retell.c
 *		The messages of a stream of pgoutput that has ended, one after another.
 *
 * Of source.c.
 */
#include "client/source/retell.h"

#include <errno.h>
#include <stdlib.h>

#include "client/source/spool_file.h"

void
retell_begin(Retell *retell, SpoolStream *stream)
{
	*retell = (Retell){.stream = stream};
}

void
retell_stop(Retell *retell)
{
	free(retell->record);
	*retell = (Retell){.stream = NULL};
}

/* What is there was not written like this. */
static bool
damaged(void)
{
	errno = EIO;
	return false;
}

/* Go to the messages of a frame. */
static bool
enter(Retell *retell, size_t len)
{
	FrameHead head;
	Term list;

	if (!frame_read_head(retell->record, len, &head))
		return damaged();
	retell->left = (uint32_t) head.count;
	if (retell->left == 0)
		return true;
	term_read_init(&retell->messages, retell->record + head.events,
				   len - head.events);
	return (term_next(&retell->messages, &list) && list.kind == TERM_LIST) ||
		   damaged();
}

static bool
next_record(Retell *retell)
{
	const SpoolStream *stream = retell->stream;
	size_t len;

	free(retell->record);
	retell->record =
		spool_file_read(stream->fd, retell->at, stream->bytes, 0, &len);
	if (retell->record == NULL)
		return false;
	retell->at += SPOOL_RECORD_HEADER + len;
	return enter(retell, len);
}

bool
retell_next(Retell *retell, const char **bytes, size_t *len)
{
	Term message;

	*bytes = NULL;
	while (retell->left == 0)
	{
		if (retell->at >= retell->stream->bytes)
			return true;
		if (!next_record(retell))
			return false;
	}
	retell->left--;
	if (!term_next(&retell->messages, &message) || message.kind != TERM_BINARY)
		return damaged();
	*bytes = (const char *) message.bytes;
	*len = message.len;
	return true;
}
