/*
 * loop.c
 *		The one poll(2): stream, control connection, input, output, signals.
 *
 * Each turn: commands first, then the engine, then the output.
 */
#include "client/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* After the end, output that nobody reads is waited for so long. */
#define LAST_WORDS_MS 2000

enum
{
	POLL_STREAM,
	POLL_CONTROL,
	POLL_INPUT,
	POLL_OUTPUT,
	POLL_SIGNAL,
	POLL_COUNT
};

static volatile sig_atomic_t stop_requests;
static int signal_pipe[2] = {-1, -1};

/*
 * The first request wakes poll().  The second does not wait for anything, such
 * as a name that libpq has looked up.
 */
static void
on_stop(int signo)
{
	int saved = errno;

	if (++stop_requests > 1)
		_exit(128 + signo);
	if (write(signal_pipe[1], "", 1) < 0)
		_exit(128 + signo);
	errno = saved;
}

static const int stop_signals[] = {SIGTERM, SIGINT};

#define STOP_SIGNALS (sizeof(stop_signals) / sizeof(stop_signals[0]))

/* A write to a closed pipe must be an error, not a death. */
static bool
handle_signals(struct sigaction before[STOP_SIGNALS])
{
	struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignore, NULL);
	if (pipe(signal_pipe) != 0)
		return false;
	for (int i = 0; i < 2; i++)
	{
		fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC);
		fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK);
	}
	for (size_t i = 0; i < STOP_SIGNALS; i++)
		sigaction(stop_signals[i], &stop, &before[i]);
	return true;
}

static void
leave_signals(const struct sigaction before[STOP_SIGNALS])
{
	for (size_t i = 0; i < STOP_SIGNALS; i++)
		sigaction(stop_signals[i], &before[i], NULL);
	close(signal_pipe[0]);
	close(signal_pipe[1]);
}

int64_t
loop_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
fill(struct pollfd *fds, const Engine *engine, const Outbox *outbox,
	 const LoopInput *input)
{
	fds[POLL_STREAM].fd = db_fd(&engine->stream.db);
	fds[POLL_STREAM].events = engine_stream_events(engine);
	fds[POLL_CONTROL].fd = db_fd(&engine->control.db);
	fds[POLL_CONTROL].events = db_events(&engine->control.db);
	fds[POLL_INPUT].fd = input->fd;
	fds[POLL_INPUT].events = POLLIN;
	fds[POLL_OUTPUT].fd = outbox_waiting(outbox) > 0 ? outbox->fd : -1;
	fds[POLL_OUTPUT].events = POLLOUT;
	fds[POLL_SIGNAL].fd = signal_pipe[0];
	fds[POLL_SIGNAL].events = POLLIN;
	for (int i = 0; i < POLL_COUNT; i++)
		fds[i].revents = 0;
}

/*
 * A stream that nothing is read from may have ended: then poll() returns at
 * once, whatever is asked for, until somebody looks.
 */
static void
wait_for_something(struct pollfd *fds, int64_t ms)
{
	if (fds[POLL_STREAM].events == 0)
		fds[POLL_STREAM].fd = -1;
	if (poll(fds, POLL_COUNT, (int) ms) < 0)
	{
		for (int i = 0; i < POLL_COUNT; i++)
			fds[i].revents = 0;
	}
}

static int64_t
time_to_sleep(const Engine *engine, int64_t done_at)
{
	int64_t wake_at = done_at > 0 ? done_at + LAST_WORDS_MS : engine->wake_at;
	int64_t ms = wake_at - loop_clock();

	return ms > 0 && !engine_can_go_on(engine) ? ms : 0;
}

/*
 * A reader that is gone wants nothing more: the same as a stop.  Anything else,
 * such as a full disk, must not look like a clean end.
 */
static void
write_out(Engine *engine, Outbox *outbox)
{
	Failure failure;

	if (outbox_write(outbox) || engine->phase == ENGINE_DONE)
		return;
	if (outbox->error == EPIPE)
	{
		engine_stop(engine);
		return;
	}
	failure_set(&failure, outbox->error == ENOMEM ? FAIL_INTERNAL : FAIL_OUTPUT,
				"output: %s", strerror(outbox->error));
	engine_fail(engine, &failure);
}

static void
stop_requested(Engine *engine)
{
	char byte;

	while (read(signal_pipe[0], &byte, 1) > 0)
		continue;
	engine_stop(engine);
}

void
loop_run(Engine *engine, Outbox *outbox, LoopInput *input)
{
	struct pollfd fds[POLL_COUNT];
	int64_t done_at = 0;
	struct sigaction before[STOP_SIGNALS];
	Failure failure;

	engine->now = loop_clock();
	engine->wake_at = engine->now;
	if (!handle_signals(before))
	{
		failure_set(&failure, FAIL_INTERNAL, "pipe: %s", strerror(errno));
		engine_fail(engine, &failure);
		return;
	}
	while (done_at == 0 || (outbox_waiting(outbox) > 0 &&
							engine->now < done_at + LAST_WORDS_MS))
	{
		fill(fds, engine, outbox, input);
		wait_for_something(fds, time_to_sleep(engine, done_at));
		engine->now = loop_clock();
		if (fds[POLL_INPUT].revents != 0)
			input->read(input->arg);
		if (fds[POLL_SIGNAL].revents != 0)
			stop_requested(engine);
		engine_turn(engine, engine->now, fds[POLL_STREAM].revents,
					fds[POLL_CONTROL].revents);
		write_out(engine, outbox);
		if (engine->phase == ENGINE_DONE && done_at == 0)
			done_at = engine->now;
	}
	leave_signals(before);
}
