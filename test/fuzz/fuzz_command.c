/*
 * fuzz_command.c
 *		What a BEAM, or whoever took its place, may send to the port.
 *
 * The first byte decides how the rest, a stream of packets, is split.
 */
#include <string.h>

#include "client/consumer/command.h"
#include "client/consumer/inbox.h"
#include "fuzz.h"

static void
check_settings(const Settings *settings)
{
	for (size_t i = 0; i < settings_count; i++)
	{
		const Setting *setting = &settings_table[i];
		const char *place = (const char *) settings + setting->offset;

		if (setting->type == SETTING_COUNT || setting->type == SETTING_TIME)
			HOLDS(*(const uint64_t *) place >= setting->min &&
				  *(const uint64_t *) place <= setting->max);
	}
	HOLDS(settings->create >= CREATE_NONE &&
		  settings->create <= CREATE_TEMPORARY);
	HOLDS(settings->connection.count <= PAIRS_MAX);
	HOLDS(settings->options.count <= PAIRS_MAX);
}

static void
decode(const char *packet, size_t len)
{
	char *copy = fuzz_copy(packet, len);
	char error[256] = "";
	Command command;
	Settings settings;

	settings_init(&settings);
	if (command_decode(copy, len, &command, &settings, error, sizeof(error)))
		HOLDS((error[0] != '\0') == command.backfill.refused &&
			  command.kind <= COMMAND_BACKFILL_STOP);
	else
		HOLDS(error[0] != '\0');
	request_free(&command.backfill.request);
	check_settings(&settings);
	settings_free(&settings);
	free(copy);
}

/* How long a packet the bytes that are left begin with; -1: none is whole. */
static long
packet_length(const uint8_t *bytes, size_t left)
{
	size_t len;

	if (left < INBOX_HEADER)
		return -1;
	len = (size_t) bytes[0] << 24 | (size_t) bytes[1] << 16 |
		  (size_t) bytes[2] << 8 | bytes[3];
	return len > left - INBOX_HEADER ? -1 : (long) len;
}

/* Take the packets that are there; they must be the next ones of "stream". */
static bool
take_packets(Inbox *inbox, const uint8_t *stream, size_t fed, size_t *taken)
{
	const char *packet;
	size_t len;
	InboxResult result;

	while ((result = inbox_next(inbox, &packet, &len)) == INBOX_PACKET)
	{
		HOLDS(packet_length(stream + *taken, fed - *taken) == (long) len);
		HOLDS(len == 0 ||
			  memcmp(packet, stream + *taken + INBOX_HEADER, len) == 0);
		*taken += INBOX_HEADER + len;
		decode(packet, len);
	}
	HOLDS(packet_length(stream + *taken, fed - *taken) == -1 ||
		  result == INBOX_TOO_LONG);
	HOLDS(inbox->size <= 2 * (INBOX_PACKET_MAX + INBOX_HEADER));
	return result == INBOX_EMPTY;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Inbox inbox;
	uint32_t state;
	size_t fed = 0;
	size_t taken = 0;

	if (size == 0)
		return 0;
	state = *data++ * UINT32_C(2654435761);
	size--;
	inbox_init(&inbox);
	while (fed < size)
	{
		size_t len = fuzz_piece(&state, size - fed);

		inbox_feed(&inbox, data + fed, len);
		fed += len;
		if (!take_packets(&inbox, data, fed, &taken))
			break;
	}
	inbox_free(&inbox);
	return 0;
}
