/*
 * progress.c
 *		The line on a terminal that says how far and how fast a stream is.
 *
 * Called by print.c.
 */
#include "client/show/progress.h"

#include <stdio.h>

#include "client/show/amount.h"

#define INTERVAL_MS 1000

/* That stand on the screen, with the cursor in the last one. */
static int lines;

void
progress_clear(void)
{
	fputs("\r\033[K", stderr);
	for (; lines > 1; lines--)
		fputs("\033[A\033[K", stderr);
	lines = 0;
}

void
progress_show(const char *text, int count)
{
	/* A line that is too long is cut: one that is broken could not be cleared. */
	progress_clear();
	fprintf(stderr, "\033[?7l%s\033[?7h", text);
	lines = count;
}

/* How long the backlog lasts at the rate at which it shrinks. */
static void
format_eta(char *to, size_t size, double shrinking, uint64_t lag)
{
	double seconds = shrinking > 0 ? (double) lag / shrinking : 0;

	to[0] = '\0';
	if (lag > 0 && shrinking > 0 && seconds < 360000)
		snprintf(to, size, ", %d:%02d:%02d to go", (int) seconds / 3600,
				 (int) seconds / 60 % 60, (int) seconds % 60);
}

static void
put_progress(Progress *progress, const Engine *engine)
{
	double elapsed = (double) (engine->now - progress->at) / 1000;
	uint64_t at = engine->feedback.delivered;
	uint64_t lag = engine->server_lsn > at ? engine->server_lsn - at : 0;
	Amount rate = amount_of(
		(double) (engine->credit.sent_bytes - progress->bytes) / elapsed);
	Amount behind = amount_of((double) lag);
	char eta[32];

	format_eta(eta, sizeof(eta),
			   ((double) progress->lag - (double) lag) / elapsed, lag);
	progress_clear();
	lines = 1;
	fprintf(stderr, "%.0f events/s, %sB/s, lag %sB%s",
			(double) (engine->credit.sent_events - progress->events) / elapsed,
			rate.text, behind.text, eta);
	progress->at = engine->now;
	progress->events = engine->credit.sent_events;
	progress->bytes = engine->credit.sent_bytes;
	progress->lag = lag;
}

void
progress_turn(Progress *progress, Engine *engine)
{
	if (engine_due(engine, progress->at + INTERVAL_MS))
		put_progress(progress, engine);
}
