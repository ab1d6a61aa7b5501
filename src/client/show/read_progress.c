/*
 * read_progress.c
 *		Lines on a terminal that say how far tables are read.
 *
 * Called by print.c.
 *
 *	public.orders  ████████▌░░░░░░░   53 %  1.4 M of 2.6 M rows  412 MB  310 k rows/s  0:04 left
 */
#include "client/show/read_progress.h"

#include <stdio.h>
#include <string.h>

#include "client/show/amount.h"
#include "client/show/progress.h"

/* Of the bar, in characters, each of which has eight steps. */
#define BAR_CELLS 16

static const char *const steps[] = {"░", "▏", "▎", "▍", "▌",
									"▋", "▊", "▉", "█"};

static void
put_bar(StrBuf *line, uint64_t percent)
{
	uint64_t filled = percent * BAR_CELLS * 8 / 100;

	for (uint64_t i = 0; i < BAR_CELLS * 8; i += 8)
		strbuf_puts(line, steps[filled <= i		 ? 0
								: filled - i < 8 ? filled - i
												 : 8]);
}

/* 0:04, 12:30, 1:02:03 */
static void
put_time(StrBuf *line, uint64_t seconds)
{
	unsigned long long minutes = seconds / 60;

	if (minutes >= 60)
		strbuf_putf(line, "%llu:%02llu:", minutes / 60, minutes % 60);
	else
		strbuf_putf(line, "%llu:", minutes);
	strbuf_putf(line, "%02llu left", (unsigned long long) seconds % 60);
}

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

void
read_progress_add(ReadProgress *progress, const Field *fields, size_t count)
{
	StrBuf *line = &progress->lines;
	uint64_t percent = find(fields, count, "percent").number;
	uint64_t eta = find(fields, count, "eta").number;
	Amount rows = amount_of(find(fields, count, "rows").number);
	Amount all = amount_of(find(fields, count, "estimate").number);
	Amount rate = amount_of(find(fields, count, "rate").number);
	Amount bytes = amount_of(find(fields, count, "bytes").number);

	if (progress->count == READ_PROGRESS_LINES)
		return;
	strbuf_putf(line, "%s%s  ", progress->count > 0 ? "\n" : "",
				find(fields, count, "table").text);
	put_bar(line, percent);
	strbuf_putf(line, "  %3llu %%  %s of %s rows  %sB  %s rows/s",
				(unsigned long long) percent, rows.text, all.text, bytes.text,
				rate.text);
	if (eta > 0)
	{
		strbuf_puts(line, "  ");
		put_time(line, eta);
	}
	progress->count++;
}

void
read_progress_show(ReadProgress *progress)
{
	if (progress->count > 0 && !progress->lines.failed)
		progress_show(progress->lines.data, progress->count);
	strbuf_free(&progress->lines);
	progress->count = 0;
}
