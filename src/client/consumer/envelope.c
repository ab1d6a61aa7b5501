/*
 * envelope.c
 *		What stands in front of each packet on its way to the BEAM.
 *
 * Used by beam.c and batch.c; node.c says what it is between nodes.
 */
#include "client/consumer/envelope.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_SIZE 4

static size_t
get_length(const char *block)
{
	const unsigned char *bytes = (const unsigned char *) block;

	return (size_t) bytes[0] << 24 | (size_t) bytes[1] << 16 |
		   (size_t) bytes[2] << 8 | bytes[3];
}

static void
put_length(char *block, size_t len)
{
	for (int i = 0; i < LENGTH_SIZE; i++)
		block[i] = (char) (len >> (24 - 8 * i));
}

void
envelope_put(Outbox *outbox, const Envelope *envelope, char *block, size_t len)
{
	size_t head_len = LENGTH_SIZE + envelope->len + LENGTH_SIZE;
	char *head;

	if (envelope->len == 0 || block == NULL)
	{
		outbox_put(outbox, block, 0, len);
		return;
	}
	head = malloc(head_len);
	if (head != NULL)
	{
		put_length(head, envelope->len + LENGTH_SIZE + get_length(block));
		memcpy(head + LENGTH_SIZE, envelope->bytes, envelope->len);
		memcpy(head + LENGTH_SIZE + envelope->len, block, LENGTH_SIZE);
	}
	outbox_put(outbox, head, 0, head_len);
	outbox_put(outbox, block, LENGTH_SIZE, len);
}
