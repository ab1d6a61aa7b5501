/*
 * fuzz_dist.c
 *		Whatever a node, EPMD or who pretends to be one may send.
 *
 * The first byte chooses the message, so that the others are the same bytes
 * that stand on the wire.
 */
#include <string.h>

#include "client/node/message.h"
#include "common/dist/control.h"
#include "common/dist/handshake.h"
#include "common/term/read.h"
#include "fuzz.h"

static void
check_greeting(uint8_t which, const uint8_t *data, size_t size)
{
	DistChallenge challenge;
	DistStatus status;
	uint8_t digest[DIST_DIGEST_SIZE];
	uint16_t port;

	switch (which)
	{
		case 0:
			HOLDS(!epmd_read_answer(data, size, &port) || port != 0);
			break;
		case 1:
			HOLDS(!dist_read_status(data, size, &status) ||
				  status <= DIST_REFUSED);
			break;
		case 2:
			if (dist_read_challenge(data, size, &challenge))
				HOLDS(strlen(challenge.name) + 19 <= size);
			break;
		default:
			HOLDS(!dist_read_answer(data, size, digest) || size == 17);
			break;
	}
}

/* Exactly one term, inside of the packet. */
static void
check_term(DistTerm term, const uint8_t *data, size_t size)
{
	TermReader reader;

	if (term.bytes == NULL)
		return;
	HOLDS(term.bytes > data && term.len > 0);
	HOLDS(term.bytes + term.len <= data + size);
	term_read_init(&reader, term.bytes, term.len);
	HOLDS(term_skip(&reader) && term_at_end(&reader));
	(void) dist_is_pid(term, 1, 1);
}

/* What the client takes as a command, which lies inside of the message. */
static void
check_message(const DistControl *control)
{
	DistTerm message = control->payload;
	DistTerm packet;

	(void) message_is_ours(control, 1);
	if (!message_read(message, &packet))
		return;
	HOLDS(packet.bytes > message.bytes);
	HOLDS(packet.bytes + packet.len <= message.bytes + message.len);
}

static void
check_control(const uint8_t *data, size_t size)
{
	DistControl control;

	if (!dist_read_control(data, size, &control))
	{
		HOLDS(control.error != NULL);
		return;
	}
	HOLDS(control.error == NULL && control.tick == (size == 0));
	for (int i = 0; i < DIST_FIELDS; i++)
		check_term(control.fields[i], data, size);
	check_term(control.payload, data, size);
	check_message(&control);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] < 4)
		check_greeting(data[0], data + 1, size - 1);
	else
		check_control(data + 1, size - 1);
	return 0;
}
