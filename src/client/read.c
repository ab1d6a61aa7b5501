/*
 * read.c
 *		Print a file that pg_recvlogical wrote.
 *
 * Frames stand one after another, each with a newline behind it.  The file is
 * read in pieces; what does not hold a whole frame yet grows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/print.h"
#include "client/show.h"

#define PIECE (64u << 10)

/* No server sends more in one piece. */
#define FRAME_MAX ((size_t) 1 << 30)

typedef struct ReadFile
{
	Show show;
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
	failure_hint(&file->failure, "The file is damaged, or pg_recvlogical did "
								 "not write it with plugin " PLUGIN_NAME ".");
	return false;
}

static bool
show_one(ReadFile *file, size_t start, size_t len)
{
	const char *frame = file->data.data + start;
	const char *error = NULL;
	FrameHead head;

	file->text.len = 0;
	if (!frame_read_head(frame, len, &head))
		return fail(file, start, head.error);
	if (!show_frame(&file->show, &head, frame, len, &file->text, &error))
		return fail(file, start, error);

	/* JSON has no line for a frame without events, so no text at all. */
	if (file->text.len == 0 ||
		fwrite(file->text.data, 1, file->text.len, stdout) == file->text.len)
		return true;
	failure_set(&file->failure, FAIL_OUTPUT, "output: %s", strerror(errno));
	return false;
}

/*
 * Show the whole frames that are there; "last": nothing follows.  A damaged
 * frame is told at once: nothing that could follow would mend it.
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
				failure_hint(&file->failure,
							 "The file ends within a frame: it was cut, or "
							 "is being written. What stands before is shown.");
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
	failure_hint(failure, "--read takes a file that pg_recvlogical has "
						  "written, or - for stdin.");
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
read_main(const Arguments *args, Failure *failure)
{
	ReadFile file = {0};
	bool is_stdin = strcmp(args->read, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(args->read, O_RDONLY);

	if (fd < 0)
		cannot_read(&file.failure, args->read);
	else if (!show_init(&file.show, (TextStyle) args->style))
		failure_set(&file.failure, FAIL_INTERNAL, "out of memory");
	else
	{
		file.show.transactions = args->transactions;
		file.show.colors = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
		read_all(&file, fd, args->read);
	}
	if (fd > STDIN_FILENO)
		close(fd);
	show_free(&file.show);
	strbuf_free(&file.data);
	strbuf_free(&file.text);
	*failure = file.failure;
}
