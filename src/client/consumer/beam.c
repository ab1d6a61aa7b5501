/*
 * beam.c
 *		A consumer that speaks docs/port.md, whatever carries the packets.
 *
 * Between inbox.c and obey.c on the way in, and between the engine, event.c,
 * batch.c and outbox.c on the way out.  Frames that are
 * delivered in one turn leave as one packet.
 */
#include "client/consumer/beam.h"

#include <stdio.h>

#include "client/consumer/event.h"
#include "client/consumer/obey.h"

static bool
beam_has_room(Consumer *consumer)
{
	const Beam *beam = (const Beam *) consumer;

	return outbox_waiting(&beam->outbox) + beam->batch.bytes <
		   beam->settings.packet_bytes;
}

static void
beam_end_batch(Consumer *consumer)
{
	batch_close(&((Beam *) consumer)->batch);
}

/* Only the term goes into the list, without its version byte. */
static size_t
beam_deliver(Consumer *consumer, const FrameHead *head, char *block,
			 size_t offset, size_t end)
{
	return batch_add(&((Beam *) consumer)->batch, block, offset + head->payload,
					 end);
}

void
beam_put(Beam *beam, char *packet, size_t len)
{
	batch_close(&beam->batch);
	envelope_put(&beam->outbox, &beam->envelope, packet, len);
}

static void
beam_position(Consumer *consumer, const char *tag, uint64_t lsn)
{
	size_t len = 0;
	char *packet = event_position(tag, lsn, &len);

	beam_put((Beam *) consumer, packet, len);
}

static void
beam_report(Consumer *consumer, const char *tag, const char *name,
			const Field *fields, size_t count)
{
	size_t len = 0;
	char *packet = event_report(tag, name, fields, count, &len);

	beam_put((Beam *) consumer, packet, len);
}

static void
beam_backfill(Consumer *consumer, const char *name, const char *id,
			  const Field *fields, size_t count)
{
	size_t len = 0;
	char *packet = event_backfill(name, id, fields, count, &len);

	beam_put((Beam *) consumer, packet, len);
}

static void
beam_backfill_bytes(Consumer *consumer, const char *name, const char *id,
					const char *bytes, size_t size)
{
	size_t len = 0;
	char *packet = event_backfill_bytes(name, id, bytes, size, &len);

	beam_put((Beam *) consumer, packet, len);
}

static void
beam_log(Consumer *consumer, const char *level, const char *text)
{
	size_t len = 0;
	char *packet = event_log(level, text, &len);

	beam_put((Beam *) consumer, packet, len);
}

static const ConsumerOps beam_ops = {
	.has_room = beam_has_room,
	.deliver = beam_deliver,
	.end_batch = beam_end_batch,
	.position = beam_position,
	.report = beam_report,
	.backfill = beam_backfill,
	.backfill_bytes = beam_backfill_bytes,
	.log = beam_log,
	.answers = true,
	.folds = true,
};

void
beam_init(Beam *beam, int fd)
{
	beam->consumer = (Consumer){&beam_ops};
	beam->envelope.len = 0;
	inbox_init(&beam->inbox);
	outbox_init(&beam->outbox, fd);
	beam->batch = (Batch){.outbox = &beam->outbox, .envelope = &beam->envelope};
	engine_init(&beam->engine, &beam->consumer);
}

void
beam_free(Beam *beam)
{
	engine_free(&beam->engine);
	inbox_free(&beam->inbox);
	outbox_free(&beam->outbox);
	settings_free(&beam->settings);
}

bool
beam_read(Beam *beam, int fd,
		  void (*take)(Beam *beam, const char *packet, size_t len))
{
	const char *packet;
	size_t len;
	InboxResult result;
	char error[96];

	inbox_read(&beam->inbox, fd);
	while ((result = inbox_next(&beam->inbox, &packet, &len)) == INBOX_PACKET &&
		   beam->engine.phase != ENGINE_DONE)
		take(beam, packet, len);
	if (result == INBOX_TOO_LONG)
	{
		snprintf(error, sizeof(error),
				 "a packet of %zu bytes is announced, the limit is %u", len,
				 INBOX_PACKET_MAX);
		obey_refuse(&beam->engine, FAIL_PROTOCOL, error);
	}
	return !beam->inbox.eof && !beam->inbox.failed &&
		   beam->engine.phase != ENGINE_DONE;
}

void
beam_obey(Beam *beam, const char *packet, size_t len)
{
	obey_packet(&beam->engine, &beam->settings, packet, len);
}
