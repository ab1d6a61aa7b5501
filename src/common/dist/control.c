/*
 * control.c
 *		What connected Erlang nodes say to each other: the bytes alone.
 *
 * Below remote.c of the extension.  Reading goes over every byte once with
 * term/read.c, so whoever looks into the fields meets whole terms.
 */
#include "common/dist/control.h"

#include <string.h>

#include "common/term/read.h"
#include "common/term/token.h"

#define PASS_THROUGH 'p'

/* What stands behind the number of an operation, in this order. */
typedef struct Layout
{
	DistOperation operation;
	uint32_t arity;
	DistField fields[4];
} Layout;

static const Layout layouts[] = {
	{DIST_SEND, 3, {DIST_UNUSED, DIST_TO}},
	{DIST_EXIT, 4, {DIST_FROM, DIST_TO, DIST_REASON}},
	{DIST_REG_SEND, 4, {DIST_FROM, DIST_UNUSED, DIST_TO}},
	{DIST_EXIT2, 4, {DIST_FROM, DIST_TO, DIST_REASON}},
	{DIST_MONITOR_P_EXIT, 5, {DIST_FROM, DIST_TO, DIST_REF, DIST_REASON}},
	{DIST_SPAWN_REPLY, 5, {DIST_REF, DIST_TO, DIST_UNUSED, DIST_RESULT}},
	{DIST_UNLINK_ID, 4, {DIST_ID, DIST_FROM, DIST_TO}},
};

static const Layout *
find_layout(int64_t operation, uint32_t arity)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].operation == operation && layouts[i].arity == arity)
			return &layouts[i];
	return NULL;
}

static bool
read_term(TermReader *reader, DistTerm *term)
{
	term->bytes = reader->pos;
	if (!term_skip(reader))
		return false;
	term->len = (size_t) (reader->pos - term->bytes);
	return true;
}

static bool
read_tuple(TermReader *reader, DistControl *control)
{
	const Layout *layout;
	DistTerm ignored;
	Term tuple;

	if (!term_read_version(reader) || !term_next(reader, &tuple))
		return false;
	if (tuple.kind != TERM_TUPLE || tuple.count == 0)
		return term_fail(reader, "a control message is a tuple");
	if (!term_next_int64(reader, &control->operation,
						 "a control message begins with its number"))
		return false;
	layout = find_layout(control->operation, tuple.count);
	for (uint32_t i = 0; i + 1 < tuple.count; i++)
		if (!read_term(reader, layout == NULL
								   ? &ignored
								   : &control->fields[layout->fields[i]]))
			return false;
	return true;
}

static bool
read_payload(TermReader *reader, DistControl *control)
{
	if (term_at_end(reader))
		return true;
	if (!term_read_version(reader) || !read_term(reader, &control->payload))
		return false;
	return term_at_end(reader) ||
		   term_fail(reader, "more bytes follow the payload");
}

bool
dist_read_control(const uint8_t *packet, size_t len, DistControl *control)
{
	TermReader reader;

	memset(control, 0, sizeof(*control));
	control->tick = len == 0;
	if (control->tick)
		return true;
	if (packet[0] != PASS_THROUGH)
	{
		control->error = "a packet that does not begin with 'p'";
		return false;
	}
	term_read_init(&reader, packet + 1, len - 1);
	if (read_tuple(&reader, control) && read_payload(&reader, control))
		return true;
	control->error = reader.error;
	return false;
}

bool
dist_is_pid(DistTerm term, uint32_t id, uint32_t serial)
{
	TermReader reader;
	Term pid;

	term_read_init(&reader, term.bytes, term.len);
	return term_next(&reader, &pid) && pid.kind == TERM_PID && pid.id == id &&
		   pid.serial == serial;
}

static uint8_t *
put32(uint8_t *out, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*out++ = (uint8_t) (value >> shift);
	return out;
}

static uint8_t *
put_atom(uint8_t *out, const char *name)
{
	size_t len = strlen(name);

	*out++ = TAG_SMALL_ATOM_UTF8;
	*out++ = (uint8_t) len;
	memcpy(out, name, len);
	return out + len;
}

static uint8_t *
put_term(uint8_t *out, DistTerm term)
{
	memcpy(out, term.bytes, term.len);
	return out + term.len;
}

size_t
dist_put_atom(uint8_t *out, const char *name)
{
	return (size_t) (put_atom(out, name) - out);
}

size_t
dist_put_pid(uint8_t *out, const char *node, uint32_t id, uint32_t serial,
			 uint32_t creation)
{
	uint8_t *end = out;

	*end++ = TAG_NEW_PID;
	end = put_atom(end, node);
	end = put32(put32(put32(end, id), serial), creation);
	return (size_t) (end - out);
}

size_t
dist_put_ref(uint8_t *out, const char *node, uint32_t creation,
			 const uint32_t ids[3])
{
	uint8_t *end = out;

	*end++ = TAG_NEWER_REFERENCE;
	*end++ = 0;
	*end++ = 3;
	end = put32(put_atom(end, node), creation);
	for (int i = 0; i < 3; i++)
		end = put32(end, ids[i]);
	return (size_t) (end - out);
}

/* 'p' 131 {Operation, */
static uint8_t *
begin(uint8_t *out, DistOperation operation, uint8_t arity)
{
	const uint8_t head[] = {PASS_THROUGH,	   TERM_VERSION,
							TAG_SMALL_TUPLE,   arity,
							TAG_SMALL_INTEGER, (uint8_t) operation};

	memcpy(out, head, sizeof(head));
	return out + sizeof(head);
}

size_t
dist_write_send(uint8_t *out, DistTerm to)
{
	uint8_t *end = put_atom(begin(out, DIST_SEND, 3), "");

	return (size_t) (put_term(end, to) - out);
}

size_t
dist_write_reg_send(uint8_t *out, DistTerm from, DistTerm name)
{
	uint8_t *end = put_term(begin(out, DIST_REG_SEND, 4), from);

	return (size_t) (put_term(put_atom(end, ""), name) - out);
}

static size_t
write_three(uint8_t *out, DistOperation operation, DistTerm first,
			DistTerm second, DistTerm third)
{
	uint8_t *end = put_term(begin(out, operation, 4), first);

	return (size_t) (put_term(put_term(end, second), third) - out);
}

size_t
dist_write_exit2(uint8_t *out, DistTerm from, DistTerm to, DistTerm reason)
{
	return write_three(out, DIST_EXIT2, from, to, reason);
}

size_t
dist_write_monitor(uint8_t *out, DistTerm from, DistTerm to, DistTerm ref)
{
	return write_three(out, DIST_MONITOR_P, from, to, ref);
}

size_t
dist_write_unlink_ack(uint8_t *out, DistTerm id, DistTerm from, DistTerm to)
{
	return write_three(out, DIST_UNLINK_ID_ACK, id, from, to);
}

size_t
dist_write_call(uint8_t *out, DistTerm ref, DistTerm from, DistTerm leader)
{
	static const uint8_t arity_and_options[] = {
		TAG_SMALL_INTEGER, 4, TAG_LIST, 0, 0, 0, 1};
	uint8_t *end = begin(out, DIST_SPAWN_REQUEST, 6);

	end = put_term(put_term(put_term(end, ref), from), leader);
	*end++ = TAG_SMALL_TUPLE;
	*end++ = 3;
	end = put_atom(put_atom(end, "erpc"), "execute_call");
	memcpy(end, arity_and_options, sizeof(arity_and_options));
	end = put_atom(end + sizeof(arity_and_options), "link");
	*end++ = TAG_NIL;
	return (size_t) (end - out);
}
