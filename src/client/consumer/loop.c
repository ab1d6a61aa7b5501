/*
 * loop.c
 *		The one poll(2): stream, control connection, input, output, signals.
 *
 * Each turn: commands first, then the engine, then the output.
 */
#include "client/consumer/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client/base/clock.h"

/* How long to wait at the end for output that nobody reads. */
#define LAST_WORDS_MS 2000

enum
{
	POLL_ENGINE,
	POLL_INPUT = POLL_ENGINE + ENGINE_POLL_COUNT,
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

static void
fill(struct pollfd *fds, const Engine *engine, const Outbox *outbox,
	 const LoopInput *input)
{
	engine_poll(engine, &fds[POLL_ENGINE]);
	fds[POLL_INPUT] = (struct pollfd){.fd = input->fd, .events = POLLIN};
	fds[POLL_OUTPUT] = (struct pollfd){
		.fd = outbox_waiting(outbox) > 0 ? outbox->fd : -1, .events = POLLOUT};
	fds[POLL_SIGNAL] = (struct pollfd){.fd = signal_pipe[0], .events = POLLIN};
}

/* poll() takes no more entries than files may be open: only those in use. */
static void
wait_for_something(struct pollfd *fds, int64_t ms)
{
	struct pollfd used[POLL_COUNT];
	int places[POLL_COUNT];
	int count = 0;

	for (int i = 0; i < POLL_COUNT; i++)
	{
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		used[count] = fds[i];
		places[count++] = i;
	}
	if (poll(used, (nfds_t) count, (int) ms) < 0)
		return;
	for (int i = 0; i < count; i++)
		fds[places[i]].revents = used[i].revents;
}

static bool
has_something(const LoopInput *input)
{
	return (input->has_something != NULL && input->has_something(input->arg)) ||
		   (input->take_at > 0 && clock_ms() >= input->take_at);
}

static int64_t
time_to_sleep(const Engine *engine, const LoopInput *input, int64_t done_at)
{
	int64_t wake_at = done_at > 0 ? done_at + LAST_WORDS_MS : engine->wake_at;
	int64_t ms;

	if (input->take_at > 0 && input->take_at < wake_at)
		wake_at = input->take_at;
	ms = wake_at - clock_ms();
	return ms > 0 && !engine_can_go_on(engine) && !has_something(input) ? ms
																		: 0;
}

/*
 * A reader that has closed the pipe wants nothing more: the same as a stop.
 * Anything else, such as a full disk, must not look like a clean end.
 */
static void
write_out(Engine *engine, Outbox *outbox)
{
	Failure failure;

	if (outbox_write(outbox) || engine->phase == ENGINE_DONE)
		return;
	if (outbox_has_no_reader(outbox))
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

bool
loop_stop_requested(void)
{
	return stop_requests > 0;
}

void
loop_run(Engine *engine, Outbox *outbox, LoopInput *input)
{
	struct pollfd fds[POLL_COUNT];
	int64_t done_at = 0;
	struct sigaction before[STOP_SIGNALS];
	Failure failure;

	engine->now = clock_ms();
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
		wait_for_something(fds, time_to_sleep(engine, input, done_at));
		engine->now = clock_ms();
		if (fds[POLL_INPUT].revents != 0 || has_something(input))
			input->take(input->arg);
		if (fds[POLL_SIGNAL].revents != 0)
			stop_requested(engine);
		engine_turn(engine, engine->now, &fds[POLL_ENGINE]);
		write_out(engine, outbox);
		if (engine->phase == ENGINE_DONE && done_at == 0)
			done_at = engine->now;
	}
	leave_signals(before);
}
