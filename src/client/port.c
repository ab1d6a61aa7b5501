/*
 * port.c
 *		The client behind a Port of the BEAM.
 *
 * Between inbox.c, command.c and the engine on the way in, and between the
 * engine, event.c, batch.c and outbox.c on the way out.  Frames that are
 * delivered in one turn leave as one packet.
 */
#include "client/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/batch.h"
#include "client/command.h"
#include "client/event.h"
#include "client/inbox.h"
#include "client/loop.h"

/*
 * A reader that is slower than the server costs a change of processes each time
 * that the pipe is full.  Usual are 64 kB.
 */
#define PIPE_BYTES (256 * 1024)

typedef struct Port
{
	Consumer consumer; /* first, so that one pointer is both */
	Engine engine;
	Settings settings;
	Inbox inbox;
	Outbox outbox;
	LoopInput input;
	Batch batch;
} Port;

static bool
port_has_room(Consumer *consumer)
{
	const Port *port = (const Port *) consumer;

	return outbox_waiting(&port->outbox) + port->batch.bytes <
		   port->settings.packet_bytes;
}

static void
port_end_batch(Consumer *consumer)
{
	batch_close(&((Port *) consumer)->batch);
}

/* Only the term goes into the list, without its version byte. */
static size_t
port_deliver(Consumer *consumer, const FrameHead *head, char *block,
			 size_t offset, size_t end)
{
	return batch_add(&((Port *) consumer)->batch, block, offset + head->payload,
					 end);
}

static void
put_packet(Consumer *consumer, char *packet, size_t len)
{
	Port *port = (Port *) consumer;

	port_end_batch(consumer);
	outbox_put(&port->outbox, packet, 0, len);
}

static void
port_position(Consumer *consumer, const char *tag, uint64_t lsn)
{
	size_t len = 0;
	char *packet = event_position(tag, lsn, &len);

	put_packet(consumer, packet, len);
}

static void
port_report(Consumer *consumer, const char *tag, const char *name,
			const Field *fields, size_t count)
{
	size_t len = 0;
	char *packet = event_report(tag, name, fields, count, &len);

	put_packet(consumer, packet, len);
}

static void
port_log(Consumer *consumer, const char *level, const char *text)
{
	size_t len = 0;
	char *packet = event_log(level, text, &len);

	put_packet(consumer, packet, len);
}

static const ConsumerOps port_ops = {
	.has_room = port_has_room,
	.deliver = port_deliver,
	.end_batch = port_end_batch,
	.position = port_position,
	.report = port_report,
	.log = port_log,
	.answers = true,
};

static void
fail_protocol(Port *port, const char *what)
{
	Failure failure;

	failure_set(&failure, FAIL_PROTOCOL, "%s", what);
	engine_fail(&port->engine, &failure);
}

static void
obey(Port *port, const Command *command)
{
	Engine *engine = &port->engine;

	switch (command->kind)
	{
		case COMMAND_NONE:
			break;
		case COMMAND_START:
			engine_start(engine, &port->settings);
			break;
		case COMMAND_CREDIT:
			engine_credit(engine, command->events, command->bytes);
			break;
		case COMMAND_FLUSHED:
			engine_flushed(engine, command->lsn);
			break;
		case COMMAND_GO:
			engine_go(engine, command->lsn, command->seen);
			break;
		case COMMAND_STOP:
			engine_stop(engine);
			break;
		case COMMAND_STATS:
			report_stats(engine);
			break;
	}
}

/* The settings come first, and once. */
static void
take_packet(Port *port, const char *packet, size_t len)
{
	bool idle = port->engine.phase == ENGINE_IDLE;
	Command command;
	char error[256];
	Failure failure;

	if (!command_decode(packet, len, &command, idle ? &port->settings : NULL,
						error, sizeof(error)))
	{
		failure_set(&failure,
					command.kind == COMMAND_START && idle ? FAIL_CONFIG
														  : FAIL_PROTOCOL,
					"%s", error);
		engine_fail(&port->engine, &failure);
	}
	else if (idle && command.kind != COMMAND_START &&
			 command.kind != COMMAND_STOP)
		fail_protocol(port, "the first command is not {start, Map}");
	else
		obey(port, &command);
}

/* The BEAM has closed the port, or is gone: a normal end. */
static void
input_ended(Port *port)
{
	port->input.fd = -1;
	engine_stop(&port->engine);
}

static void
port_read(void *arg)
{
	Port *port = arg;
	const char *packet;
	size_t len;
	InboxResult result;
	char error[96];

	inbox_read(&port->inbox, port->input.fd);
	while ((result = inbox_next(&port->inbox, &packet, &len)) == INBOX_PACKET &&
		   port->engine.phase != ENGINE_DONE)
		take_packet(port, packet, len);
	if (result == INBOX_TOO_LONG)
	{
		snprintf(error, sizeof(error),
				 "a packet of %zu bytes is announced, the limit is %u", len,
				 INBOX_PACKET_MAX);
		fail_protocol(port, error);
	}
	if (port->inbox.eof || port->inbox.failed ||
		port->engine.phase == ENGINE_DONE)
		input_ended(port);
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
	static Port port = {.consumer = {&port_ops}};
	int fd = move_stdout();

	if (fd < 0)
	{
		fprintf(stderr, PROGRAM_NAME ": error: stdout: %s\n", strerror(errno));
		return failure_info(FAIL_INTERNAL)->exit_status;
	}
	settings_init(&port.settings);
	inbox_init(&port.inbox);
	outbox_init(&port.outbox, fd);
	port.batch.outbox = &port.outbox;
	engine_init(&port.engine, &port.consumer);
	port.input = (LoopInput){STDIN_FILENO, port_read, &port};
	loop_run(&port.engine, &port.outbox, &port.input);
	engine_free(&port.engine);
	inbox_free(&port.inbox);
	outbox_free(&port.outbox);
	settings_free(&port.settings);
	return failure_info(port.engine.failure.class)->exit_status;
}
