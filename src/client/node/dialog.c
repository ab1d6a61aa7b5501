/*
 * dialog.c
 *		The stream, offered to a registered process over one connection.
 *
 * Called by node.c.  The packets of docs/port.md, in the messages of message.c;
 * docs/node.md describes them.  Our pid is a new one each time, so what was
 * meant for an earlier one is not obeyed.
 */
#include "client/node/dialog.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/base/clock.h"
#include "client/consumer/event.h"
#include "client/node/tcp.h"

/* How long the other side may take to read our last words. */
#define PARTING_MS 1000

/* What is written from now on finds no reader. */
static void __attribute__((format(printf, 2, 3)))
lose(Dialog *dialog, const char *format, ...)
{
	char text[sizeof(dialog->lost.message)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (dialog->lost.class == FAIL_NONE)
	{
		failure_set(&dialog->lost, FAIL_NETWORK, "node %s: %s",
					dialog->peer->node, text);
		failure_hint(&dialog->lost, "What was not acknowledged is sent again "
									"to the next process of this name.");
	}
	shutdown(dialog->beam.outbox.fd, SHUT_RDWR);
	engine_stop(&dialog->beam.engine);
}

/* Anything but {pg_etf, Packet} is a stranger's, who may have more of it. */
static void
take_message(Dialog *dialog, DistTerm message)
{
	DistTerm packet;

	if (message_read(message, &packet))
		beam_obey(&dialog->beam, (const char *) packet.bytes, packet.len);
	else if (!dialog->warned)
	{
		dialog->warned = true;
		consumer_log(&dialog->beam.consumer, "warning",
					 "a message that is not {pg_etf, Packet} was dropped, as "
					 "the next ones will be");
	}
}

/*
 * Nodes tick where they write nothing, and expect the same: four times in the
 * net_ticktime of their own.  Output that waits is as good, once it leaves.
 */
static void
answer_tick(Outbox *outbox)
{
	if (outbox_waiting(outbox) == 0)
		outbox_put(outbox, calloc(1, INBOX_HEADER), 0, INBOX_HEADER);
}

static void
take_packet(Beam *beam, const char *packet, size_t len)
{
	Dialog *dialog = (Dialog *) beam;
	DistControl control;

	dialog->heard_at = beam->engine.now;
	if (!dist_read_control((const uint8_t *) packet, len, &control))
		lose(dialog, "it sent what is no message: %s", control.error);
	else if (control.tick)
		answer_tick(&beam->outbox);
	else if (control.operation == DIST_MONITOR_P_EXIT)
		lose(dialog, "no process is registered as %s", dialog->peer->process);
	else if (message_is_ours(&control, dialog->sender.dialog))
		take_message(dialog, control.payload);
}

/* 0: it may take as long as it likes. */
static int64_t
start_due_at(const Dialog *dialog)
{
	return dialog->beam.engine.phase == ENGINE_IDLE
			   ? dialog->began_at + (int64_t) dialog->given->connect_timeout
			   : 0;
}

static int64_t
sound_due_at(const Dialog *dialog)
{
	return dialog->heard_at + (int64_t) dialog->given->liveness_timeout;
}

static int64_t
next_due_at(const Dialog *dialog)
{
	int64_t start = start_due_at(dialog);
	int64_t sound = sound_due_at(dialog);

	return start > 0 && start < sound ? start : sound;
}

static void
dialog_take(void *arg)
{
	Dialog *dialog = arg;
	const Engine *engine = &dialog->beam.engine;

	if (!beam_read(&dialog->beam, dialog->input.fd, take_packet) &&
		engine->phase != ENGINE_DONE)
		lose(dialog, "the connection was closed");
	else if (engine->now >= sound_due_at(dialog))
		lose(dialog, "it has been silent for %llu ms",
			 (unsigned long long) dialog->given->liveness_timeout);
	else if (engine->now >= next_due_at(dialog))
		lose(dialog, "%s has not answered {hello, Map} for %llu ms",
			 dialog->peer->process,
			 (unsigned long long) dialog->given->connect_timeout);
	dialog->input.take_at = next_due_at(dialog);
	if (engine->phase == ENGINE_DONE || dialog->lost.class != FAIL_NONE)
	{
		dialog->input.fd = -1;
		dialog->input.take_at = 0;
	}
}

static void
monitor(Dialog *dialog)
{
	uint8_t *packet = malloc(INBOX_HEADER + DIST_CONTROL_MAX);
	size_t len = 0;

	if (packet != NULL)
	{
		len = message_monitor(packet + INBOX_HEADER, &dialog->sender,
							  dialog->peer->process);
		memcpy(packet, (uint8_t[]){0, 0, (uint8_t) (len >> 8), (uint8_t) len},
			   INBOX_HEADER);
	}
	outbox_put(&dialog->beam.outbox, (char *) packet, 0, INBOX_HEADER + len);
}

/* The monitor comes first: where nobody is, the rest is for nobody. */
static void
offer(Dialog *dialog)
{
	const Field fields[] = {field_text("slot", dialog->given->slot),
							field_text("version", ETF_VERSION)};
	size_t len = 0;
	char *hello = event_report("hello", NULL, fields, 2, &len);

	monitor(dialog);
	message_envelope(&dialog->beam.envelope, &dialog->sender,
					 dialog->peer->process);
	beam_put(&dialog->beam, hello, len);
}

void
dialog_run(Dialog *dialog, int fd)
{
	Beam *beam = &dialog->beam;

	dialog->lost = (Failure){.class = FAIL_NONE};
	dialog->warned = false;
	beam_init(beam, fd);
	beam->outbox.is_socket = true;
	dialog->began_at = dialog->heard_at = clock_ms();
	dialog->input = (LoopInput){.fd = fd,
								.take = dialog_take,
								.arg = dialog,
								.take_at = next_due_at(dialog)};
	offer(dialog);
	loop_run(&beam->engine, &beam->outbox, &dialog->input);
	if (outbox_has_no_reader(&beam->outbox))
		lose(dialog, "the connection was lost: %s",
			 strerror(beam->outbox.error));
	tcp_close(fd, clock_ms() + PARTING_MS);
}

/* It lasted, or something was acknowledged. */
bool
dialog_got_somewhere(const Dialog *dialog)
{
	return dialog->beam.engine.feedback.flushed >
			   dialog->beam.settings.startpos ||
		   clock_ms() - dialog->began_at >
			   (int64_t) dialog->given->reconnect_max;
}
