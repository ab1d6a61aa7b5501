/*
 * beam_log.c
 *		What a BEAM prints, as lines in the server's log.
 */
#include "postgres.h"

#include <unistd.h>

#include "beam/beam_log.h"

#define MINUTE_MS 60000

/* Reads until somebody else has a turn. */
#define MAX_READS 64

void
beam_log_init(BeamLog *log, int fd)
{
	*log = (BeamLog){.fd = fd};
}

static void
tell_left_out(BeamLog *log)
{
	if (log->left_out > 0)
		ereport(LOG, (errmsg("elixir: " INT64_FORMAT " lines were left out",
							 log->left_out)));
	log->left_out = 0;
}

/* Of a line that does not fit alone, its beginning. */
static void
remember(BeamLog *log, const char *line, int len)
{
	size_t room = sizeof(log->recent) - 1; /* in front of a newline */
	char *start = log->recent;

	len = Min(len, (int) room - 1);
	while (strlen(start) + len + 1 > room)
		start = strchr(start, '\n') + 1;
	memmove(log->recent, start, strlen(start) + 1);
	start = log->recent + strlen(log->recent);
	snprintf(start, len + 2, "%.*s\n", len, line);
}

static void
write_line(BeamLog *log, const char *line, int len, int64 now_ms)
{
	if (now_ms / MINUTE_MS != log->minute)
	{
		tell_left_out(log);
		log->minute = now_ms / MINUTE_MS;
		log->lines = 0;
	}
	if (len == 0)
		return;
	remember(log, line, len);
	if (log->lines++ < BEAM_LOG_LINES)
		ereport(LOG, (errmsg("elixir: %.*s", len, line), errhidestmt(true)));
	else
		log->left_out++;
}

/* No zero byte ends a line early, and no escape reaches a terminal. */
static void
clean(char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char) bytes[i] < ' ' && bytes[i] != '\n' &&
			 bytes[i] != '\t') ||
			bytes[i] == 0x7f)
			bytes[i] = bytes[i] == '\r' ? ' ' : '?';
}

/* All lines that are whole, and one that fills the buffer. */
static void
write_lines(BeamLog *log, int64 now_ms)
{
	char *start = log->line;
	char *end = log->line + log->used;
	char *newline;

	while ((newline = memchr(start, '\n', end - start)) != NULL)
	{
		write_line(log, start, (int) (newline - start), now_ms);
		start = newline + 1;
	}
	if (start == log->line && log->used == BEAM_LOG_LINE)
	{
		write_line(log, start, BEAM_LOG_LINE, now_ms);
		start = end;
	}
	log->used = end - start;
	memmove(log->line, start, log->used);
}

bool
beam_log_read(BeamLog *log, int64 now_ms)
{
	for (int i = 0; i < MAX_READS; i++)
	{
		ssize_t got =
			read(log->fd, log->line + log->used, BEAM_LOG_LINE - log->used);

		if (got == 0)
			return false;
		if (got < 0 && errno != EINTR)
			return errno == EAGAIN;
		if (got < 0)
			continue;
		clean(log->line + log->used, got);
		log->used += got;
		write_lines(log, now_ms);
	}
	return true;
}

void
beam_log_end(BeamLog *log, int64 now_ms)
{
	write_line(log, log->line, (int) log->used, now_ms);
	log->used = 0;
	tell_left_out(log);
}
