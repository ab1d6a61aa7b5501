/*
 * say.c
 *		What the printing client says on stderr.
 *
 * Called by print.c.  A failure is told when it is new, and once a minute while
 * it lasts; that it is over is told, too.
 */
#include "client/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/settings.h"
#include "client/strbuf.h"
#include "common/lsn.h"

#define AGAIN_MS 60000

static void
begin_line(const Say *say)
{
	fputs(say->screen ? "\r\033[K" : "", stderr);
}

void
say_line(const Say *say, const char *level, const char *format, ...)
{
	va_list args;

	begin_line(say);
	fprintf(stderr, "%s: %s: ", PROGRAM_NAME, level);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void
put_json_text(StrBuf *line, const char *text)
{
	strbuf_puts(line, "\"");
	for (; *text != '\0'; text++)
		strbuf_putf(line, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	strbuf_puts(line, "\"");
}

/* Statistics are for programs. */
static void
say_json(const Say *say, const Field *fields, size_t count)
{
	StrBuf line = {0};

	for (size_t i = 0; i < count; i++)
	{
		strbuf_putf(&line, "%s\"%s\":", i > 0 ? "," : "{", fields[i].key);
		if (fields[i].kind == FIELD_NUMBER)
			strbuf_putf(&line, "%llu", (unsigned long long) fields[i].number);
		else
			put_json_text(&line, fields[i].text);
	}
	begin_line(say);
	fprintf(stderr, "%s}\n", line.failed ? "{" : line.data);
	strbuf_free(&line);
}

/* A key that the report has not is an empty one. */
static Field
find(const Field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(fields[i].key, key) == 0)
			return fields[i];
	}
	return field_text(key, "");
}

static void
say_failure(Say *say, int64_t now, const char *name, const Field *fields,
			size_t count)
{
	Field message = find(fields, count, "message");
	Field hint = find(fields, count, "hint");
	bool is_new = !say->down || strcmp(message.text, say->told) != 0;

	if (!say->verbose && !is_new && now < say->told_at + AGAIN_MS)
		return;
	say_line(say, "warning", "%s in %.1f s: %s", name,
			 (double) find(fields, count, "delay").number / 1000, message.text);
	if (is_new && hint.text[0] != '\0')
		say_line(say, "hint", "%s", hint.text);
	snprintf(say->told, sizeof(say->told), "%s", message.text);
	say->told_at = now;
	say->down = true;
}

static void
say_connected(Say *say, const Field *fields, size_t count)
{
	bool again = say->down;
	char from[LSN_TEXT_SIZE];

	say->down = false;
	if (!say->verbose && !again)
		return;
	lsn_to_text(find(fields, count, "start_lsn").number, from);
	say_line(
		say, "info", "connected%s to %s on %s:%llu, slot \"%s\"%s, from %s",
		again ? " again" : "", find(fields, count, "dbname").text,
		find(fields, count, "host").text,
		(unsigned long long) find(fields, count, "port").number,
		find(fields, count, "slot").text,
		strcmp(find(fields, count, "created").text, "true") == 0 ? " (created)"
																 : "",
		from);
}

void
say_report(Say *say, int64_t now, const char *tag, const char *name,
		   const Field *fields, size_t count)
{
	if (strcmp(tag, "stats") == 0)
		say_json(say, fields, count);
	else if (strcmp(tag, "status") != 0)
		return;
	else if (find(fields, count, "message").text[0] != '\0')
		say_failure(say, now, name, fields, count);
	else if (strcmp(name, "connected") == 0)
		say_connected(say, fields, count);
	else if (strcmp(name, "standby") == 0)
	{
		say->down = true;
		say_line(say, "warning",
				 "another process reads the slot, PID %llu: waiting for it",
				 (unsigned long long) find(fields, count, "holder_pid").number);
	}
	else if (say->verbose)
		say_line(say, "info", "%s", name);
}
