/*
 * port.c
 *		The client behind a Port of the BEAM.
 *
 * Packets come by stdin and leave where stdout was; beam.c speaks with them.
 */
#include "client/consumer/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/consumer/beam.h"

/*
 * A reader that is slower than the server costs a change of processes each time
 * that the pipe is full.  Usual are 64 kB.
 */
#define PIPE_BYTES (256 * 1024)

typedef struct Port
{
	Beam beam;
	LoopInput input;
} Port;

/* When the BEAM has closed the port, or has exited, that is a normal end. */
static void
port_read(void *arg)
{
	Port *port = arg;

	if (beam_read(&port->beam, port->input.fd, beam_obey))
		return;
	port->input.fd = -1;
	engine_stop(&port->beam.engine);
}

/*
 * Frames leave through a descriptor that nobody else knows; what a library
 * prints to stdout goes to stderr.
 */
static int
move_stdout(void)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return -1;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
#ifdef F_SETPIPE_SZ
	if (fcntl(fd, F_GETPIPE_SZ) < PIPE_BYTES)
		fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* the kernel may say no */
#endif
	fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
	return fd;
}

int
port_main(void)
{
	static Port port;
	int fd = move_stdout();
	FailureClass class;

	if (fd < 0)
	{
		fprintf(stderr, PROGRAM_NAME ": error: stdout: %s\n", strerror(errno));
		return failure_info(FAIL_INTERNAL)->exit_status;
	}
	settings_init(&port.beam.settings);
	beam_init(&port.beam, fd);
	port.input =
		(LoopInput){.fd = STDIN_FILENO, .take = port_read, .arg = &port};
	loop_run(&port.beam.engine, &port.beam.outbox, &port.input);
	class = port.beam.engine.failure.class;
	beam_free(&port.beam);
	return failure_info(class)->exit_status;
}
