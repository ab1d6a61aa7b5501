/*
 * password.c
 *		Ask for a password on the terminal.
 *
 * Called by main.c.  getpass() would do, but it takes Ctrl-C for a part of the
 * password, and an end of input for an empty one.
 */
#include "client/password.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define PROMPT "Password: "
#define PASSWORD_SIZE 1024

/*
 * Hold back what would leave the echo off.  Returns a descriptor that is
 * readable when one of those that end the program has come.
 */
static int
hold_signals(sigset_t *before)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, before);
	return fd;
}

/* A line, without its end.  False: none, or a signal that waits. */
static bool
read_line(int fd, int signals, char *line, size_t size)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
						   {.fd = signals, .events = POLLIN}};
	size_t len = 0;

	while (poll(fds, 2, -1) > 0 && fds[1].revents == 0)
	{
		char byte;

		if (read(fd, &byte, 1) != 1 || len == size - 1)
			return false;
		if (byte == '\n')
		{
			line[len] = '\0';
			return true;
		}
		line[len++] = byte;
	}
	return false;
}

/* Signals that wait are let in at the end, when the echo is on again. */
static bool
read_hidden(int tty, char *line, size_t size)
{
	struct termios shown;
	struct termios hidden;
	sigset_t before;
	int signals = hold_signals(&before);
	bool done;
	bool terminal = tcgetattr(tty, &shown) == 0;

	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t) ECHO;
	if (terminal)
		tcsetattr(tty, TCSAFLUSH, &hidden);
	done = read_line(tty, signals, line, size);
	if (terminal)
	{
		tcsetattr(tty, TCSAFLUSH, &shown);
		dprintf(tty, "\n");
	}
	close(signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return done;
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
	done = read_hidden(tty >= 0 ? tty : STDIN_FILENO, line, sizeof(line));
	if (tty >= 0)
		close(tty);
	if (!done)
		failure_set(failure, FAIL_AUTH, "no password was given");
	else if (!pairs_put(connection, "password", line))
		failure_set(failure, FAIL_INTERNAL, "out of memory");
	explicit_bzero(line, sizeof(line));
	return failure->class == FAIL_NONE;
}
