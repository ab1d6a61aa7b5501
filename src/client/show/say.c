/*
 * say.c
 *		What the printing client says on stderr.
 *
 * Called by print.c.  A failure is reported when it is new, then once a minute
 * while it lasts, and when it is over.
 */
#include "client/show/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/base/settings.h"
#include "client/base/strbuf.h"
#include "client/show/amount.h"
#include "client/show/fields_json.h"
#include "client/show/progress.h"
#include "common/term/lsn.h"

#define AGAIN_MS 60000

static void
begin_line(const Say *say)
{
	if (say->screen)
		progress_clear();
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

/* Statistics are for programs. */
static void
say_json(const Say *say, const Field *fields, size_t count)
{
	StrBuf line = {0};

	fields_json(&line, fields, count);
	begin_line(say);
	fprintf(stderr, "%s\n", line.failed ? "{}" : line.data);
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
	bool is_new = !say->down || strcmp(message.text, say->reported) != 0;

	if (!say->verbose && !is_new && now < say->reported_at + AGAIN_MS)
		return;
	say_line(say, "warning", "%s in %.1f s: %s", name,
			 (double) find(fields, count, "delay").number / 1000, message.text);
	if (is_new && hint.text[0] != '\0')
		say_line(say, "hint", "%s", hint.text);
	snprintf(say->reported, sizeof(say->reported), "%s", message.text);
	say->reported_at = now;
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

/* What becomes of its WAL: "extended" is more than was meant to be kept. */
static void
say_slot(const Say *say, const Field *fields, size_t count)
{
	if (say->verbose)
		say_line(
			say, "info", "the WAL that the slot needs is %s, %sB",
			find(fields, count, "wal_status").text,
			amount_of((double) find(fields, count, "retained_bytes").number)
				.text);
}

void
say_report(Say *say, int64_t now, const char *tag, const char *name,
		   const Field *fields, size_t count)
{
	if (strcmp(tag, "stats") == 0)
	{
		if (say->stats)
			say_json(say, fields, count);
	}
	else if (strcmp(tag, "status") != 0)
		return;
	else if (find(fields, count, "message").text[0] != '\0')
		say_failure(say, now, name, fields, count);
	else if (strcmp(name, "connected") == 0)
		say_connected(say, fields, count);
	else if (strcmp(name, "slot") == 0)
		say_slot(say, fields, count);
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

typedef struct BackfillWords
{
	const char *name;
	const char *level;
	bool verbose; /* only for who wants to know more */
	const char *text;
	const char *keys[2]; /* of what stands at its two places */
} BackfillWords;

static const BackfillWords backfill_words[] = {
	{"started",
	 "info",
	 true,
	 "reading %s tables, about %s rows",
	 {"tables", "rows"}},
	{"retry", "info", true, "chunk %s is read again: %s", {"chunk", "reason"}},
	{"table_again",
	 "warning",
	 false,
	 "%s is read from its start again: %s",
	 {"table", "reason"}},
	{"table_done", "info", true, "%s: %s rows", {"table", "rows"}},
	{"table_failed",
	 "warning",
	 false,
	 "%s cannot be read now: %s",
	 {"table", "message"}},
	{"finished",
	 "info",
	 true,
	 "%s tables are read, %s rows",
	 {"tables", "rows"}},
	{"stopped",
	 "info",
	 false,
	 "stopped: %s tables are read, %s rows",
	 {"tables", "rows"}},
};

static void
put_field(char *to, size_t size, Field field)
{
	if (field.kind == FIELD_NUMBER)
		snprintf(to, size, "%llu", (unsigned long long) field.number);
	else
		snprintf(to, size, "%s", field.text);
}

/* Of a slot whose tables were read, or of a database that has none. */
static void
say_nothing_read(const Say *say, const Field *fields, size_t count)
{
	unsigned long long tables = find(fields, count, "tables").number;

	if (tables == 0)
		say_line(say, "info", "there is no table to be read");
	else
		say_line(
			say, "info",
			"nothing was left to be read: %llu tables, %llu rows were read "
			"before; to read them again use a new slot, or a backfill",
			tables, (unsigned long long) find(fields, count, "rows").number);
}

/* What has failed is told as the failure that it is. */
static void
say_words(const Say *say, const char *name, const Field *fields, size_t count)
{
	const BackfillWords *words = backfill_words;
	const BackfillWords *end = words + sizeof(backfill_words) / sizeof(*words);
	char first[256];
	char second[512];

	while (words < end && strcmp(words->name, name) != 0)
		words++;
	if (words == end || (words->verbose && !say->verbose))
		return;
	put_field(first, sizeof(first), find(fields, count, words->keys[0]));
	put_field(second, sizeof(second), find(fields, count, words->keys[1]));
	begin_line(say);
	fprintf(stderr, "%s: %s: ", PROGRAM_NAME, words->level);
	fprintf(stderr, words->text, first, second);
	fputc('\n', stderr);
}

void
say_backfill(Say *say, const char *name, const Field *fields, size_t count)
{
	/* A publication that is made with the slot had none when it started. */
	if (strcmp(name, "started") == 0 || strcmp(name, "round") == 0)
		say->nothing_left = find(fields, count, "tables").number == 0;
	if (strcmp(name, "finished") == 0 && say->nothing_left)
		say_nothing_read(say, fields, count);
	else
		say_words(say, name, fields, count);
}
