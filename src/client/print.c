/*
 * print.c
 *		The client for people: what it prints it acknowledges.
 *
 * A consumer like port.c, with unlimited credit: here the pipe, the terminal
 * or the file is what slows the stream down.  A transaction is acknowledged
 * when its last byte was written.  Words go to stderr.
 */
#include "client/print.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/loop.h"
#include "client/say.h"
#include "client/show.h"
#include "common/lsn.h"

#define ROOM_BYTES (256u << 10)
#define PROGRESS_MS 1000

typedef struct Print
{
	Consumer consumer; /* first, so that one pointer is both */
	Engine engine;
	Outbox outbox;
	Show show;
	Say say;

	/* The transaction that is acknowledged when so much is written. */
	uint64_t ack_lsn; /* 0: none */
	uint64_t ack_at;

	/* For rates: the last progress line. */
	int64_t progress_at;
	uint64_t events;
	uint64_t bytes;
	uint64_t lag;
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

/* 1.5 kB, 23 MB, ... */
static void
format_bytes(char *to, size_t size, double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	int unit = 0;

	for (; bytes >= 1000 && unit < 4; unit++)
		bytes /= 1000;
	snprintf(to, size, bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes,
			 units[unit]);
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
put_progress(Print *print)
{
	const Engine *engine = &print->engine;
	double elapsed = (double) (engine->now - print->progress_at) / 1000;
	uint64_t at = engine->feedback.delivered;
	uint64_t lag = engine->server_lsn > at ? engine->server_lsn - at : 0;
	char rate[16];
	char behind[16];
	char eta[32];

	format_bytes(rate, sizeof(rate),
				 (double) (engine->credit.sent_bytes - print->bytes) / elapsed);
	format_bytes(behind, sizeof(behind), (double) lag);
	format_eta(eta, sizeof(eta), ((double) print->lag - (double) lag) / elapsed,
			   lag);
	fprintf(stderr, "\r%.0f events/s, %s/s, lag %s%s\033[K",
			(double) (engine->credit.sent_events - print->events) / elapsed,
			rate, behind, eta);
	print->progress_at = engine->now;
	print->events = engine->credit.sent_events;
	print->bytes = engine->credit.sent_bytes;
	print->lag = lag;
}

/* Has the transaction left that is to be acknowledged? */
static bool
print_has_to_say(Consumer *consumer)
{
	const Print *print = (const Print *) consumer;

	return print->ack_lsn != 0 && print->outbox.written >= print->ack_at;
}

/*
 * Once a turn: write, and acknowledge what has left.  What follows from that,
 * a status update or the end, is a matter of the next turn.
 */
static void
print_end_batch(Consumer *consumer)
{
	Print *print = (Print *) consumer;
	Engine *engine = &print->engine;

	outbox_write(&print->outbox);
	if (print_has_to_say(consumer))
	{
		engine_flushed(engine, print->ack_lsn);
		print->ack_lsn = 0;
		engine->wake_at = engine->now;
	}
	if (print->ack_lsn == 0 &&
		engine->feedback.delivered > engine->feedback.flushed)
	{
		print->ack_lsn = engine->feedback.delivered;
		print->ack_at = print->outbox.queued;
	}
	if (print->say.screen &&
		engine_due(engine, print->progress_at + PROGRESS_MS))
		put_progress(print);
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

	say_report(&print->say, print->engine.now, tag, name, fields, count);
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
	.has_to_say = print_has_to_say,
	.position = print_position,
	.report = print_report,
	.log = print_log,
};

int
print_failure(const Failure *failure)
{
	if (failure->class == FAIL_NONE)
		return 0;
	fprintf(stderr, "%s: error: %s\n", PROGRAM_NAME, failure->message);
	if (failure->hint[0] != '\0')
		fprintf(stderr, "%s: hint: %s\n", PROGRAM_NAME, failure->hint);
	return failure_info(failure->class)->exit_status;
}

/* What the style needs of the plugin, unless somebody said otherwise. */
static bool
set_options(Arguments *args)
{
	static const char *const defaults[][3] = {
		[TEXT_ERLANG] = {"dialect", "erlang", NULL},
		[TEXT_ELIXIR] = {"dialect", "elixir", NULL},
		[TEXT_JSON] = {"dialect", "erlang", NULL}};
	static const char *const json[][2] = {
		{"numeric", "text"}, {"timestamps", "iso"}, {"uuid", "text"}};
	PairList *options = &args->settings.options;
	const char *const *dialect = defaults[args->style];

	if (args->tables != NULL &&
		!pairs_put(options, "include_tables", args->tables))
		return false;
	if (pairs_get(options, "dialect") == NULL &&
		!pairs_put(options, dialect[0], dialect[1]))
		return false;
	for (size_t i = 0; args->style == TEXT_JSON && i < 3; i++)
	{
		if (pairs_get(options, json[i][0]) == NULL &&
			!pairs_put(options, json[i][0], json[i][1]))
			return false;
	}
	return true;
}

static void
tell_keyless(void *arg, const char *schema, const char *table)
{
	say_line(arg, "warning",
			 "table %s.%s has no replica identity: its updates and deletes do "
			 "not tell which row it was; give it a primary key, or REPLICA "
			 "IDENTITY FULL",
			 schema, table);
}

static bool
shows_old_rows(const Arguments *args)
{
	const char *actions = pairs_get(&args->settings.options, "actions");

	return actions == NULL || strstr(actions, "all") != NULL ||
		   strstr(actions, "update") != NULL ||
		   strstr(actions, "delete") != NULL;
}

static bool
prepare(Print *print, Arguments *args)
{
	const char *null;

	args->settings.credit_events = args->settings.credit_bytes = UINT64_MAX;
	if (!set_options(args) || !show_init(&print->show, args->style))
		return false;
	null = pairs_get(&args->settings.options, "null");
	if (null != NULL)
		print->show.null = null;
	print->show.transactions = args->transactions;
	print->show.colors = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	print->say =
		(Say){.verbose = args->verbose, .screen = isatty(STDERR_FILENO)};
	print->show.keyless = shows_old_rows(args) ? tell_keyless : NULL;
	print->show.keyless_arg = &print->say;
	return true;
}

/*
 * Where output must not wait is a property of the open file, which other
 * programs share.  A terminal is opened anew, so that the shell and stderr
 * are not concerned, however this ends; for a pipe or a file the flags are put
 * back at the end.
 */
static int
open_output(int flags)
{
	char name[64];
	int fd = -1;

	if (ttyname_r(STDOUT_FILENO, name, sizeof(name)) == 0)
		fd = open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK);
	return STDOUT_FILENO;
}

/*
 * What was cut in the middle of a line, by a full disk for instance, must not
 * be continued by the first line of this run.
 */
static void
end_cut_line(Outbox *outbox, int flags)
{
	int fd = open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t end = lseek(flags & O_APPEND ? fd : STDOUT_FILENO, 0,
					  flags & O_APPEND ? SEEK_END : SEEK_CUR);
	char last = '\n';
	char *newline;

	if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n' &&
		(newline = malloc(1)) != NULL)
	{
		*newline = '\n';
		outbox_put(outbox, newline, 0, 1);
	}
	if (fd >= 0)
		close(fd);
}

void
print_main(Arguments *args, Failure *failure)
{
	static Print print = {.consumer = {&print_ops}};
	LoopInput no_input = {.fd = -1};
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (!prepare(&print, args))
	{
		failure_set(failure, FAIL_INTERNAL, "out of memory");
		return;
	}
	outbox_init(&print.outbox, open_output(flags));
	end_cut_line(&print.outbox, flags);
	engine_init(&print.engine, &print.consumer);
	print.engine.now = print.progress_at = loop_clock();
	engine_start(&print.engine, &args->settings);
	print.engine.stream.made = args->made;
	loop_run(&print.engine, &print.outbox, &no_input);
	fcntl(STDOUT_FILENO, F_SETFL, flags);
	if (print.say.screen)
		fputs("\r\033[K", stderr);
	*failure = print.engine.failure;
	engine_free(&print.engine);
	outbox_free(&print.outbox);
	show_free(&print.show);
}
