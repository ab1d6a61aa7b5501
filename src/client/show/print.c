/*
 * print.c
 *		The client for people: what it prints it acknowledges.
 *
 * A consumer like port.c, with unlimited credit: here the pipe, the terminal
 * or the file is what slows the stream down.  A transaction is acknowledged
 * when its last byte was written.  Words go to stderr.
 */
#include "client/show/print.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/base/clock.h"
#include "client/consumer/loop.h"
#include "client/engine/report.h"
#include "client/show/metrics_file.h"
#include "client/show/output.h"
#include "client/show/print_style.h"
#include "client/show/progress.h"
#include "client/show/read_progress.h"
#include "client/show/say.h"
#include "client/show/show.h"
#include "common/term/lsn.h"

#define ROOM_BYTES (256u << 10)

typedef struct ChunkMark
{
	uint64_t chunk;
	uint64_t at; /* bytes that were queued by its end */
} ChunkMark;

typedef struct Print
{
	Consumer consumer; /* first, so that one pointer is both */
	Engine engine;
	Outbox outbox;
	Show show;
	Say say;
	char database[256]; /* that is read, for the envelopes */

	/* The transaction that is acknowledged when so much is written. */
	uint64_t ack_lsn; /* 0: none */
	uint64_t ack_at;

	/* The same for chunks of what is read: ChunkMark. */
	Ring chunks;
	char backfill[BACKFILL_ID_MAX + 1];
	MetricsFile metrics;

	Progress progress; /* shown where stderr is a terminal */
	ReadProgress reads;
} Print;

static bool
print_has_room(Consumer *consumer)
{
	const Print *print = (const Print *) consumer;

	return outbox_waiting(&print->outbox) < ROOM_BYTES;
}

static size_t
print_deliver(Consumer *consumer, const FrameHead *head, char *block,
			  size_t offset, size_t end)
{
	Print *print = (Print *) consumer;
	StrBuf text = {0};
	const char *error;
	Failure failure;

	if (show_frame(&print->show, head, block + offset, end - offset, &text,
				   &error))
	{
		if (text.len > 0)
			outbox_put(&print->outbox, text.data, 0, text.len);
		else
			strbuf_free(&text);
	}
	else
	{
		strbuf_free(&text);
		failure_set(&failure, FAIL_PROTOCOL, "a frame cannot be shown: %s",
					error);
		engine_fail(&print->engine, &failure);
	}
	free(block);
	return end - offset;
}

/* What was delivered is acknowledged when all that is queued now has left. */
static void
print_end_batch(Consumer *consumer)
{
	Print *print = (Print *) consumer;
	Engine *engine = &print->engine;

	if (print->ack_lsn == 0 &&
		engine->feedback.delivered > engine->feedback.flushed)
	{
		print->ack_lsn = engine->feedback.delivered;
		print->ack_at = print->outbox.queued;
	}
	if (print->say.screen && engine->phase == ENGINE_SNAPSHOT)
		read_progress_show(&print->reads);
	else if (print->say.screen)
		progress_turn(&print->progress, engine);
}

static bool
has_transaction_left(const Print *print)
{
	return print->ack_lsn != 0 && print->outbox.written >= print->ack_at;
}

static const ChunkMark *
first_chunk(const Print *print)
{
	return ring_at(&print->chunks, sizeof(ChunkMark), 0);
}

static bool
has_chunk_left(const Print *print)
{
	return print->chunks.count > 0 &&
		   print->outbox.written >= first_chunk(print)->at;
}

/* Has something left that is to be acknowledged? */
static bool
print_has_left(const void *arg)
{
	const Print *print = arg;

	return (has_transaction_left(print) || has_chunk_left(print)) &&
		   print->engine.phase != ENGINE_DONE;
}

static void
print_acknowledge(void *arg)
{
	Print *print = arg;

	if (has_transaction_left(print))
	{
		engine_flushed(&print->engine, print->ack_lsn);
		print->ack_lsn = 0;
	}
	while (has_chunk_left(print))
	{
		engine_backfill_done(&print->engine, print->backfill,
							 first_chunk(print)->chunk);
		ring_drop(&print->chunks, 1);
	}
}

static void
print_position(Consumer *consumer, const char *tag, uint64_t lsn)
{
	const Print *print = (const Print *) consumer;
	char position[LSN_TEXT_SIZE];

	lsn_to_text(lsn, position);
	if (print->say.verbose)
		say_line(&print->say, "info", "%s %s", tag, position);
}

static void
print_report(Consumer *consumer, const char *tag, const char *name,
			 const Field *fields, size_t count)
{
	Print *print = (Print *) consumer;

	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].key, "dbname") == 0)
			snprintf(print->database, sizeof(print->database), "%s",
					 fields[i].text);
	metrics_file_report(&print->metrics, &print->say, tag, fields, count);
	say_report(&print->say, print->engine.now, tag, name, fields, count);
}

static uint64_t
number_of(const Field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(fields[i].key, key) == 0)
			return fields[i].number;
	}
	return 0;
}

/* What is read is as of its place; "connected" may not have been told yet. */
static void
begin_round(Print *print, uint64_t lsn)
{
	const char *dbname = PQdb(print->engine.stream.db.conn);

	print->show.read_lsn = lsn;
	if (dbname != NULL)
		snprintf(print->database, sizeof(print->database), "%s", dbname);
}

static void
print_backfill(Consumer *consumer, const char *name, const char *id,
			   const Field *fields, size_t count)
{
	Print *print = (Print *) consumer;
	ChunkMark mark = {.chunk = number_of(fields, count, "chunk"),
					  .at = print->outbox.queued};
	Failure failure;

	snprintf(print->backfill, sizeof(print->backfill), "%s", id);
	if (strcmp(name, "round") == 0)
		begin_round(print, number_of(fields, count, "lsn"));
	if (strcmp(name, "close") == 0 &&
		!ring_push(&print->chunks, sizeof(ChunkMark), &mark))
	{
		failure_set(&failure, FAIL_INTERNAL, "out of memory");
		engine_fail(&print->engine, &failure);
	}
	if (print->say.screen && strcmp(name, "progress") == 0)
		read_progress_add(&print->reads, fields, count);
	say_backfill(&print->say, name, fields, count);
}

static void
print_log(Consumer *consumer, const char *level, const char *text)
{
	say_line(&((Print *) consumer)->say, level, "%s", text);
}

static const ConsumerOps print_ops = {
	.has_room = print_has_room,
	.deliver = print_deliver,
	.end_batch = print_end_batch,
	.position = print_position,
	.report = print_report,
	.backfill = print_backfill,
	.log = print_log,
};

static void
tell_keyless(void *arg, const char *schema, const char *table)
{
	say_line(
		arg, "warning",
		"table %s.%s has no replica identity: its updates and deletes do not "
		"identify the row; add a primary key, or set REPLICA IDENTITY FULL",
		schema, table);
}

static bool
shows_old_rows(const Settings *settings)
{
	const char *actions = pairs_get(&settings->options, "actions");

	return actions == NULL || strstr(actions, "all") != NULL ||
		   strstr(actions, "update") != NULL ||
		   strstr(actions, "delete") != NULL;
}

static bool
prepare(Print *print, Settings *settings, const PrintOptions *options)
{
	const char *null;

	settings->credit_events = settings->credit_bytes = UINT64_MAX;
	if (!print_style_set_options(settings, options) ||
		!show_init(&print->show, (TextStyle) options->style))
		return false;
	null = pairs_get(&settings->options, "null");
	if (null != NULL)
		print->show.null = null;
	print->show.transactions = options->transactions;
	print->show.envelope = options->envelope;
	print->show.source_name = settings->slot;
	print->show.source_db = print->database;
	print->show.colors = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	print->say = (Say){.verbose = options->verbose,
					   .stats = settings->stats_interval > 0,
					   .screen = isatty(STDERR_FILENO)};
	metrics_file_init(&print->metrics, options->metrics_file, settings);
	print->show.keyless = shows_old_rows(settings) ? tell_keyless : NULL;
	print->show.keyless_arg = &print->say;
	return true;
}

static void
read_first(Engine *engine, const PrintOptions *options)
{
	BackfillRequest request;
	char error[256];

	/* That it can be args_check.c has found out. */
	print_request(options, &request, error, sizeof(error));
	request.unkept = true;
	engine_backfill(engine, &request, NULL);
}

/* What was written last was written by one that ran. */
static void
end_metrics(Print *print)
{
	print->say.stats = false;
	if (print->metrics.path != NULL)
		report_stats(&print->engine);
}

void
print_stream(Settings *settings, const PrintOptions *options, Failure *failure)
{
	static Print print = {.consumer = {&print_ops}};
	LoopInput input = {.fd = -1,
					   .has_something = print_has_left,
					   .take = print_acknowledge,
					   .arg = &print};
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (!prepare(&print, settings, options))
	{
		failure_set(failure, FAIL_INTERNAL, "out of memory");
		return;
	}
	outbox_init(&print.outbox, output_open(flags));
	output_end_cut_line(&print.outbox, flags);
	engine_init(&print.engine, &print.consumer);
	print.engine.now = print.progress.at = clock_ms();
	engine_start(&print.engine, settings);
	print.engine.stream.made = options->made_slot;
	if (settings->snapshot != SNAPSHOT_OFF)
		read_first(&print.engine, options);
	loop_run(&print.engine, &print.outbox, &input);
	fcntl(STDOUT_FILENO, F_SETFL, flags);
	if (print.say.screen)
		progress_clear();
	*failure = print.engine.failure;
	end_metrics(&print);
	engine_free(&print.engine);
	outbox_free(&print.outbox);
	ring_free(&print.chunks);
	show_free(&print.show);
}
