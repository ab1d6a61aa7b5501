/*
 * test_packets.c
 *		Packets in and out: framing, events, batches, messages of the stream.
 *
 * libei is the oracle: it reads what the client writes.
 */
#include "client/consumer/batch.h"
#include "client/consumer/event.h"
#include "client/consumer/inbox.h"
#include "client/consumer/outbox.h"
#include "client/link/copydata.h"

#include <ei.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

static void
put_packet(char *stream, size_t *len, const char *packet, uint32_t size)
{
	char header[] = {(char) (size >> 24), (char) (size >> 16),
					 (char) (size >> 8), (char) size};

	memcpy(stream + *len, header, 4);
	memcpy(stream + *len + 4, packet, size);
	*len += 4 + size;
}

/* Take all packets that are there, and compare them with what was sent. */
static int
take(Inbox *inbox, int seen)
{
	static const char *const packets[] = {"", "a", "hello", "0123456789"};
	const char *packet;
	size_t len;

	while (inbox_next(inbox, &packet, &len) == INBOX_PACKET)
	{
		CHECK(seen < 4 && len == strlen(packets[seen]));
		CHECK(memcmp(packet, packets[seen], len) == 0);
		seen++;
	}
	return seen;
}

/* Every way to split the stream into three pieces. */
static void
test_every_split(void)
{
	char stream[64];
	size_t len = 0;

	put_packet(stream, &len, "", 0);
	put_packet(stream, &len, "a", 1);
	put_packet(stream, &len, "hello", 5);
	put_packet(stream, &len, "0123456789", 10);
	for (size_t i = 0; i <= len; i++)
	{
		for (size_t j = i; j <= len; j++)
		{
			Inbox inbox;
			int seen = 0;

			inbox_init(&inbox);
			inbox_feed(&inbox, stream, i);
			seen = take(&inbox, seen);
			inbox_feed(&inbox, stream + i, j - i);
			seen = take(&inbox, seen);
			inbox_feed(&inbox, stream + j, len - j);
			CHECK(take(&inbox, seen) == 4);
			CHECK(!inbox.failed);
			inbox_free(&inbox);
		}
	}
}

static void
test_long_packets(void)
{
	Inbox inbox;
	const char *packet;
	size_t len;
	char *large = calloc(1, 100000 + 4);
	size_t size = 0;
	char *bytes = calloc(1, 100000);

	put_packet(large, &size, bytes, 100000);
	inbox_init(&inbox);
	for (size_t i = 0; i < size; i += 777)
		inbox_feed(&inbox, large + i, size - i < 777 ? size - i : 777);
	CHECK(inbox_next(&inbox, &packet, &len) == INBOX_PACKET && len == 100000);
	inbox_feed(&inbox, "\x00\x40\x00\x01", 4);
	CHECK(inbox_next(&inbox, &packet, &len) == INBOX_TOO_LONG);
	CHECK(len == INBOX_PACKET_MAX + 1);
	CHECK(inbox.size < 300000);
	inbox_free(&inbox);
	free(bytes);
	free(large);
}

/* A packet that libei reads back; returns the index behind its version. */
static int
open_packet(const char *packet, size_t len)
{
	int index = 4;
	int version;

	CHECK(len > 5 && ((unsigned char) packet[2] << 8 |
					  (unsigned char) packet[3]) == (int) len - 4);
	CHECK(ei_decode_version(packet, &index, &version) == 0);
	return index;
}

static void
test_events(void)
{
	const Field fields[] = {field_number("lag", UINT64_MAX),
							field_text("message", "no such slot"),
							field_atom("class", "network")};
	size_t len = 0;
	int arity;
	char name[MAXATOMLEN];
	char *packet = event_report("status", "reconnecting", fields, 3, &len);
	int index = open_packet(packet, len);
	EI_ULONGLONG lag;

	CHECK(ei_decode_tuple_header(packet, &index, &arity) == 0 && arity == 3);
	CHECK(ei_decode_atom(packet, &index, name) == 0 &&
		  strcmp(name, "status") == 0);
	CHECK(ei_decode_atom(packet, &index, name) == 0 &&
		  strcmp(name, "reconnecting") == 0);
	CHECK(ei_decode_map_header(packet, &index, &arity) == 0 && arity == 3);
	CHECK(ei_decode_atom(packet, &index, name) == 0 &&
		  strcmp(name, "lag") == 0);
	CHECK(ei_decode_ulonglong(packet, &index, &lag) == 0 && lag == UINT64_MAX);
	for (int i = 0; i < 4; i++)
		CHECK(ei_skip_term(packet, &index) == 0);
	CHECK((size_t) index == len);
	free(packet);
}

/* A list spliced around frames is a term. */
static void
test_frames(void)
{
	ei_x_buff x;
	size_t len = 0;
	char *open;
	char packet[256];
	int index;
	int count;

	ei_x_new(&x);
	ei_x_format_wo_ver(&x, "{tx, whole, [1, 2]}");
	ei_x_format_wo_ver(&x, "{message, 5}");
	open = event_frames(2, (uint64_t) x.index, &len);
	memcpy(packet, open, len);
	memcpy(packet + len, x.buff, (size_t) x.index);
	packet[len + (size_t) x.index] = event_list_end;
	len += (size_t) x.index + 1;
	index = open_packet(packet, len);
	CHECK(ei_decode_list_header(packet, &index, &count) == 0 && count == 2);
	CHECK(ei_skip_term(packet, &index) == 0);
	CHECK(ei_skip_term(packet, &index) == 0);
	CHECK(ei_decode_list_header(packet, &index, &count) == 0 && count == 0);
	CHECK((size_t) index == len);
	free(open);
	ei_x_free(&x);
}

/* Blocks of all sizes through a pipe that takes a little at a time. */
static void
test_outbox(void)
{
	int fds[2];
	Outbox outbox;
	uint64_t read_back = 0;
	char buffer[3000];

	CHECK(pipe(fds) == 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	outbox_init(&outbox, fds[1]);
	for (int i = 0; i < 500; i++)
	{
		size_t size = 1 + chance_below(4000);
		size_t offset = chance_below((uint32_t) size);
		char *block = malloc(size);

		for (size_t j = 0; j < size; j++)
			block[j] = (char) (outbox.queued + j - offset);
		outbox_put(&outbox, block, offset, size);
		CHECK(outbox_write(&outbox));
	}
	while (outbox_waiting(&outbox) > 0 || read_back < outbox.queued)
	{
		ssize_t len = read(fds[0], buffer, 1 + chance_below(sizeof(buffer)));

		for (ssize_t i = 0; i < len; i++, read_back++)
			CHECK(buffer[i] == (char) read_back);
		CHECK(outbox_write(&outbox));
	}
	CHECK(read_back == outbox.queued);
	close(fds[0]);
	outbox_put(&outbox, calloc(1, 1), 0, 1);
	CHECK(!outbox_write(&outbox) && outbox_waiting(&outbox) == 0);
	outbox_put(&outbox, calloc(1, 1), 0, 1);
	outbox_free(&outbox);
	close(fds[1]);
}

/* The lengths of all packets that wait, as the BEAM counts them. */
static uint64_t
packet_lengths(const Outbox *outbox)
{
	Inbox inbox;
	const char *packet;
	size_t len;
	uint64_t sum = 0;

	inbox_init(&inbox);
	for (uint32_t i = 0; i < outbox->chunks.count; i++)
	{
		const OutboxChunk *chunk =
			ring_at(&outbox->chunks, sizeof(OutboxChunk), i);

		inbox_feed(&inbox, chunk->block + chunk->offset,
				   chunk->end - chunk->offset);
		while (inbox_next(&inbox, &packet, &len) == INBOX_PACKET)
			sum += len;
	}
	inbox_free(&inbox);
	return sum;
}

/* Frames of all sizes, many or few in a packet: both sides count the same. */
static void
test_batch_costs(void)
{
	for (int round = 0; round < 300; round++)
	{
		Outbox outbox;
		static const Envelope none;
		Batch batch = {.outbox = &outbox, .envelope = &none};
		uint64_t costs = 0;
		uint32_t frames = chance_below(1000);

		outbox_init(&outbox, -1);
		for (uint32_t i = 0; i < frames; i++)
		{
			size_t size = 1 + chance_below(200);

			costs += batch_add(&batch, calloc(1, size),
							   chance_below((uint32_t) size), size);
			if (chance_below((uint32_t) round + 1) == 0)
				batch_close(&batch);
		}
		batch_close(&batch);
		batch_close(&batch);
		CHECK(packet_lengths(&outbox) == costs);
		outbox_free(&outbox);
	}
}

static void
test_copy_messages(void)
{
	static const char keepalive[] = "k\0\0\0\x16\xB3\x74\xD8\x48"
									"\0\0\0\0\0\0\0\1\1";
	char frame[26] = "w";
	char status[COPY_STATUS_SIZE];
	CopyMessage message;

	CHECK(copy_read(keepalive, 18, &message));
	CHECK(message.kind == COPY_KEEPALIVE && message.reply_requested &&
		  message.wal_end == UINT64_C(0x16B374D848));
	CHECK(copy_read(frame, 26, &message));
	CHECK(message.kind == COPY_FRAME && message.payload == 25);
	for (size_t len = 0; len < 18; len++)
		CHECK(!copy_read(keepalive, len, &message));
	for (size_t len = 0; len < 25; len++)
		CHECK(!copy_read(frame, len, &message));
	CHECK(!copy_read("x12345678901234567", 18, &message));
	copy_status(status, 0x0102, UINT64_C(0x0304) << 48, -1, true);
	CHECK(status[0] == 'r' && status[7] == 1 && status[8] == 2);
	CHECK(status[9] == 3 && status[10] == 4 && status[17] == 3);
	CHECK(status[25] == -1 && status[32] == -1 && status[33] == 1);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_every_split();
	test_long_packets();
	test_events();
	test_frames();
	test_outbox();
	test_batch_costs();
	test_copy_messages();
	return check_done();
}
