/*
 * message.c
 *		What we and a registered process say to each other: the bytes alone.
 *
 * Below dialog.c, above dist/control.c.
 */
#include "client/node/message.h"

#include <string.h>

#include "common/term/read.h"
#include "common/term/token.h"

static DistTerm
put_pid(uint8_t *out, const Sender *sender)
{
	size_t len = dist_put_pid(out, sender->node, MESSAGE_PID, sender->dialog,
							  sender->creation);

	return (DistTerm){out, len};
}

static DistTerm
put_name(uint8_t *out, const char *process)
{
	return (DistTerm){out, dist_put_atom(out, process)};
}

void
message_envelope(Envelope *envelope, const Sender *sender, const char *process)
{
	uint8_t *bytes = (uint8_t *) envelope->bytes;
	uint8_t from[DIST_IDENTIFIER_MAX];
	uint8_t to[DIST_IDENTIFIER_MAX];
	DistTerm pid = put_pid(from, sender);
	uint8_t *end =
		bytes + dist_write_reg_send(bytes, pid, put_name(to, process));

	*end++ = TERM_VERSION;
	*end++ = TAG_SMALL_TUPLE;
	*end++ = 3;
	end += dist_put_atom(end, "pg_etf");
	memcpy(end, pid.bytes, pid.len);
	end += pid.len;
	*end++ = TAG_BINARY;
	envelope->len = (size_t) (end - bytes);
}

size_t
message_monitor(uint8_t *out, const Sender *sender, const char *process)
{
	static const uint32_t ids[3] = {1, 0, 0};
	uint8_t from[DIST_IDENTIFIER_MAX];
	uint8_t to[DIST_IDENTIFIER_MAX];
	uint8_t ref[DIST_IDENTIFIER_MAX];
	size_t ref_len = dist_put_ref(ref, sender->node, sender->creation, ids);

	return dist_write_monitor(out, put_pid(from, sender), put_name(to, process),
							  (DistTerm){ref, ref_len});
}

bool
message_is_ours(const DistControl *control, uint32_t dialog)
{
	return control->operation == DIST_SEND &&
		   dist_is_pid(control->fields[DIST_TO], MESSAGE_PID, dialog);
}

bool
message_read(DistTerm message, DistTerm *packet)
{
	static const char error[] = "not {pg_etf, Packet}";
	TermReader reader;
	Term name;
	Term bytes;

	term_read_init(&reader, message.bytes, message.len);
	if (!term_next_tuple(&reader, 2, error) ||
		!term_next_atom(&reader, &name, error) ||
		!term_is_atom(&name, "pg_etf") || !term_next(&reader, &bytes) ||
		bytes.kind != TERM_BINARY)
		return false;
	*packet = (DistTerm){bytes.bytes, bytes.len};
	return true;
}
