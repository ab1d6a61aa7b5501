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
} ReadFile;

/* How long the frame at "bytes" is; 0: it is not complete, or damaged. */
static size_t
frame_length(TermReader *reader, const char *bytes, size_t len)
{
	term_read_init(reader, bytes, len);
	if (term_read_version(reader) && term_skip(reader))
		return term_offset(reader);
	return 0;
}

static bool
fail(ReadFile *file, size_t offset, const char *what)
{
	failure_set(&file->failure, FAIL_PROTOCOL,
				"the frame at byte %llu cannot be shown: %s",
				(unsigned long long) (file->offset + offset), what);
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
	return fwrite(file->text.data, 1, file->text.len, stdout) ==
			   file->text.len ||
		   fail(file, start, strerror(errno));
}

/*
 * Show the whole frames that are there; "last": nothing follows.  A damaged
 * frame is told at once: nothing that could follow would mend it.
 */
static bool
show_all(ReadFile *file, bool last)
{
	size_t start = 0;
	size_t len;
	TermReader reader;

	while (start < file->data.len)
	{
		if (file->data.data[start] == '\n')
		{
			start++;
			continue;
		}
		len = frame_length(&reader, file->data.data + start,
						   file->data.len - start);
		if (len == 0 && reader.cut && !last &&
			file->data.len - start <= FRAME_MAX)
			break;
		if (len == 0)
			return fail(file, start, reader.error);
		if (!show_one(file, start, len))
			return false;
		start += len;
	}
	memmove(file->data.data, file->data.data + start, file->data.len - start);
	file->data.len -= start;
	file->offset += start;
	return true;
}

/* Twice as much each time that no frame was complete: linear in the end. */
static bool
read_all(ReadFile *file, int fd)
{
	for (;;)
	{
		size_t want = file->data.len > PIECE ? file->data.len : PIECE;
		char *place = strbuf_reserve(&file->data, want);
		ssize_t len;

		if (place == NULL)
			return fail(file, 0, "out of memory");
		len = read(fd, place, want);
		if (len < 0 && errno != EINTR)
			return fail(file, 0, strerror(errno));
		if (len > 0)
			file->data.len += (size_t) len;
		if (len >= 0 && !show_all(file, len == 0))
			return false;
		if (len == 0)
			return true;
	}
}

int
read_main(const Arguments *args)
{
	ReadFile file = {0};
	bool is_stdin = strcmp(args->read, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(args->read, O_RDONLY);

	if (fd < 0)
		failure_set(&file.failure, FAIL_CONFIG, "%s: %s", args->read,
					strerror(errno));
	else if (!show_init(&file.show, (TextStyle) args->style))
		failure_set(&file.failure, FAIL_INTERNAL, "out of memory");
	else
	{
		file.show.transactions = args->transactions;
		file.show.colors = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
		read_all(&file, fd);
	}
	if (fd > STDIN_FILENO)
		close(fd);
	show_free(&file.show);
	strbuf_free(&file.data);
	strbuf_free(&file.text);
	if (fflush(stdout) != 0 && file.failure.class == FAIL_NONE)
		fail(&file, 0, strerror(errno));
	return print_failure(&file.failure);
}
