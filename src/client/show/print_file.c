/*
 * print_file.c
 *		Print a file that pg_recvlogical wrote.
 *
 * Frames stand one after another, each with a newline behind it.  The file is
 * read in pieces; what does not hold a whole frame yet grows.  Transactions in
 * progress are kept until they end, as the client does with those of a server.
 */
#include "client/show/print_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/show/show.h"
#include "client/source/replay.h"

#define PIECE (64u << 10)

/* No server sends more in one piece. */
#define FRAME_MAX ((size_t) 1 << 30)

typedef struct ReadFile
{
	Show show;
	Spool spool;
	StrBuf data; /* read, and not shown yet */
	StrBuf text;
	uint64_t offset; /* in the file, of data */
	Failure failure;

	/* The walk over the first frame of data, which may not be whole yet. */
	size_t walked;	  /* its bytes so far; 0: not begun */
	uint64_t pending; /* its terms to come */
} ReadFile;

/*
 * Go on with the walk, from where it had to stop: a frame of many megabytes
 * that comes in small pieces is walked once.  False: it is cut, or damaged.
 */
static bool
walk(ReadFile *file, const char *frame, size_t len, TermReader *reader)
{
	Term term;

	if (file->walked == 0)
	{
		term_read_init(reader, frame, len);
		if (!term_read_version(reader))
			return false;
		file->walked = 1;
		file->pending = 1;
	}
	term_read_init(reader, frame + file->walked, len - file->walked);
	while (file->pending > 0 && term_next(reader, &term))
	{
		file->pending += term_children(&term) - 1;
		file->walked = (size_t) (reader->pos - (const uint8_t *) frame);
	}
	return reader->error == NULL;
}

static bool
fail(ReadFile *file, size_t offset, const char *what)
{
	failure_set(&file->failure, FAIL_PROTOCOL,
				"the frame at byte %llu cannot be shown: %s",
				(unsigned long long) (file->offset + offset), what);
	failure_hint(&file->failure, "The file is damaged, or was not written by "
								 "pg_recvlogical with plugin " PLUGIN_NAME ".");
	return false;
}

/* A frame, of which "at" is the place in the data that is its cause. */
static bool
print_frame(ReadFile *file, size_t at, const FrameHead *head, const char *frame,
			size_t len)
{
	const char *error = NULL;

	file->text.len = 0;
	if (!show_frame(&file->show, head, frame, len, &file->text, &error))
		return fail(file, at, error);

	/* JSON has no line for a frame without events, so no text at all. */
	if (file->text.len == 0 ||
		fwrite(file->text.data, 1, file->text.len, stdout) == file->text.len)
		return true;
	failure_set(&file->failure, FAIL_OUTPUT, "output: %s", strerror(errno));
	return false;
}

static bool
cannot_keep(ReadFile *file, const char *what)
{
	failure_set(&file->failure, FAIL_OUTPUT, "%s", what);
	failure_hint(&file->failure, "Transactions in progress are kept in files: "
								 "set --spool-dir and --spool-bytes.");
	return false;
}

static bool
keep(ReadFile *file, size_t at, const FrameHead *head, const char *frame,
	 size_t len)
{
	Spool *spool = &file->spool;
	SpoolResult result = head->kind == FRAME_STREAM
							 ? spool_put(spool, head, frame, len)
							 : spool_abort(spool, head);

	if (result == SPOOL_WRONG)
		return fail(file, at, spool->error);
	return result == SPOOL_KEPT || cannot_keep(file, spool->error);
}

static bool
print_replay(ReadFile *file, size_t at, Replay *replay)
{
	while (!replay->done)
	{
		ReplayFrame frame;
		FrameHead head;
		const char *bytes;
		bool printed;

		if (!replay_next(replay, &frame))
			return cannot_keep(file, strerror(errno));
		bytes = frame.data + frame.offset;
		frame_read_head(bytes, frame.end - frame.offset, &head);
		printed = print_frame(file, at, &head, bytes, frame.end - frame.offset);
		free(frame.data);
		if (!printed)
			return false;
	}
	return true;
}

/* Whether empty transactions are wanted is not known: none is printed. */
static bool
print_stream_end(ReadFile *file, size_t at, const FrameHead *end,
				 const char *frame, size_t len)
{
	SpoolStream *stream = spool_find(&file->spool, end->xid);
	Replay replay;
	bool printed = true;

	if (stream == NULL)
		return fail(file, at, "a stream ends that has not begun");
	if (!replay_begin(&replay, stream, end, frame, len))
		return cannot_keep(file, strerror(errno));
	if (stream->events > 0 || end->kind == FRAME_STREAM_PREPARE)
		printed = print_replay(file, at, &replay);
	replay_stop(&replay);
	spool_drop(&file->spool, stream);
	return printed;
}

static bool
show_one(ReadFile *file, size_t start, size_t len)
{
	const char *frame = file->data.data + start;
	FrameHead head;

	if (!frame_read_head(frame, len, &head))
		return fail(file, start, head.error);
	switch (head.kind)
	{
		case FRAME_STREAM:
		case FRAME_STREAM_ABORT:
			return keep(file, start, &head, frame, len);
		case FRAME_STREAM_COMMIT:
		case FRAME_STREAM_PREPARE:
			return print_stream_end(file, start, &head, frame, len);
		default:
			return print_frame(file, start, &head, frame, len);
	}
}

/*
 * Show the complete frames; "last": nothing follows.  A damaged frame is
 * reported at once: nothing that follows could repair it.
 */
static bool
show_all(ReadFile *file, bool last)
{
	size_t start = 0;
	TermReader reader;

	while (start < file->data.len)
	{
		if (file->walked == 0 && file->data.data[start] == '\n')
		{
			start++;
			continue;
		}
		if (!walk(file, file->data.data + start, file->data.len - start,
				  &reader))
		{
			if (!last && reader.cut && file->data.len - start <= FRAME_MAX)
				break;
			fail(file, start, reader.error);
			if (reader.cut)
				failure_hint(
					&file->failure,
					"The file ends inside a frame: it was truncated, or is "
					"still being written. Everything before was printed.");
			return false;
		}
		if (!show_one(file, start, file->walked))
			return false;
		start += file->walked;
		file->walked = 0;
	}
	memmove(file->data.data, file->data.data + start, file->data.len - start);
	file->data.len -= start;
	file->offset += start;
	return true;
}

/* What has come is shown before more is waited for. */
static void
cannot_read(Failure *failure, const char *name)
{
	failure_set(failure, FAIL_CONFIG, "%s: %s", name, strerror(errno));
	failure_hint(
		failure,
		"--read needs a file written by pg_recvlogical, or - for stdin.");
}

static bool
read_all(ReadFile *file, int fd, const char *name)
{
	for (;;)
	{
		char *place = strbuf_reserve(&file->data, PIECE);
		ssize_t len;

		if (place == NULL)
			return fail(file, 0, "out of memory");
		len = read(fd, place, PIECE);
		if (len < 0 && errno != EINTR)
		{
			cannot_read(&file->failure, name);
			return false;
		}
		if (len > 0)
			file->data.len += (size_t) len;
		if (len >= 0 && !show_all(file, len == 0))
			return false;
		if (len == 0)
			return true;
		fflush(stdout); /* an error stays, for the next one to find */
	}
}

void
print_file(const char *name, const Settings *settings,
		   const PrintOptions *options, Failure *failure)
{
	ReadFile file = {0};
	bool is_stdin = strcmp(name, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY);

	spool_init(&file.spool, settings->spool_dir, settings->spool_bytes);
	if (fd < 0)
		cannot_read(&file.failure, name);
	else if (!show_init(&file.show, (TextStyle) options->style))
		failure_set(&file.failure, FAIL_INTERNAL, "out of memory");
	else
	{
		file.show.transactions = options->transactions;
		file.show.envelope = options->envelope;
		file.show.colors = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
		read_all(&file, fd, name);
	}
	if (fd > STDIN_FILENO)
		close(fd);
	spool_clear(&file.spool);
	show_free(&file.show);
	strbuf_free(&file.data);
	strbuf_free(&file.text);
	*failure = file.failure;
}
