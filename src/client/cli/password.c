/*
 * password.c
 *		Ask for a password on the terminal.
 *
 * Called by main.c.  getpass() would do, but it takes Ctrl-C for a part of the
 * password, and an end of input for an empty one.
 */
#include "client/cli/password.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PROMPT "Password: "
#define PASSWORD_SIZE 1024

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define ENDING (sizeof(ending) / sizeof(ending[0]))

static int signal_pipe[2];

static void
on_signal(int signo)
{
	char byte = (char) signo;

	if (write(signal_pipe[1], &byte, 1) != 1)
		_exit(128 + signo);
}

/* A line, without its end.  False: none, or a signal that has come. */
static bool
read_line(int fd, char *line, size_t size)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
						   {.fd = signal_pipe[0], .events = POLLIN}};
	size_t len = 0;
	char byte;

	for (;;)
	{
		if (poll(fds, 2, -1) < 0)
			continue; /* the next time the pipe says why */
		if (fds[1].revents != 0 || read(fd, &byte, 1) != 1 || len == size - 1)
			return false;
		if (byte == '\n')
			break;
		line[len++] = byte;
	}
	line[len] = '\0';
	return true;
}

/* Without an echo, which is on again whatever comes. */
static bool
read_hidden(int tty, char *line, size_t size)
{
	struct termios shown;
	struct termios hidden;
	bool done;
	bool terminal = tcgetattr(tty, &shown) == 0;

	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t) ECHO;
	if (terminal)
		tcsetattr(tty, TCSAFLUSH, &hidden);
	done = read_line(tty, line, size);
	if (terminal)
	{
		tcsetattr(tty, TCSAFLUSH, &shown);
		dprintf(tty, "\n");
	}
	return done;
}

/* Signals that would end or stop the program do so when the echo is on. */
static bool
read_guarded(int tty, char *line, size_t size)
{
	struct sigaction hold = {.sa_handler = on_signal};
	struct sigaction before[ENDING];
	sigset_t stop;
	char signo;
	bool done;

	if (pipe(signal_pipe) != 0)
		return false;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	for (size_t i = 0; i < ENDING; i++)
	{
		sigaction(ending[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(ending[i], &hold, NULL);
	}
	done = read_hidden(tty, line, size);
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &before[i], NULL);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	fcntl(signal_pipe[0], F_SETFL, O_NONBLOCK);
	if (read(signal_pipe[0], &signo, 1) == 1)
		raise(signo);
	close(signal_pipe[0]);
	close(signal_pipe[1]);
	return done;
}

bool
password_can_be_asked(void)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (tty >= 0)
		close(tty);
	return tty >= 0;
}

/* What a compiler does not leave out, and every system has. */
static void
wipe(volatile char *bytes, size_t size)
{
	while (size-- > 0)
		bytes[size] = 0;
}

bool
password_ask(PairList *connection, Failure *failure)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	char line[PASSWORD_SIZE];
	bool done;

	*failure = (Failure){.class = FAIL_NONE};
	if (tty >= 0)
		dprintf(tty, PROMPT);
	done = read_guarded(tty >= 0 ? tty : STDIN_FILENO, line, sizeof(line));
	if (tty >= 0)
		close(tty);
	if (!done)
		failure_set(failure, FAIL_AUTH, "no password was given");
	else if (!pairs_put(connection, "password", line))
		failure_set(failure, FAIL_INTERNAL, "out of memory");
	wipe(line, sizeof(line));
	return failure->class == FAIL_NONE;
}
