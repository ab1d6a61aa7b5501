/*
 * control.c
 *		The channel between the worker and the BEAM that it runs.
 *
 * A pipe takes a short packet as a whole or not at all, so nothing is kept
 * for a BEAM that does not read.
 */
#include "postgres.h"

#include <unistd.h>

#include "port/pg_bswap.h"

#include "beam/control.h"
#include "beam/packet.h"
#include "beam/settings.h"
#include "common/term/read.h"

void
control_init(Control *control, int to, int from)
{
	*control = (Control){.to = to, .from = from};
}

static bool
send_packet(Control *control, TermOut *out, StringInfo bytes)
{
	ssize_t written;

	packet_end(out);
	do
		written = write(control->to, bytes->data, bytes->len);
	while (written < 0 && errno == EINTR);
	pfree(bytes->data);
	return written == bytes->len;
}

static void
put_int(TermOut *out, const char *key, int64 value)
{
	etf_put_atom_len(out, key, strlen(key));
	etf_put_int(out, value);
}

static void
put_text(TermOut *out, const char *key, const char *value)
{
	etf_put_atom_len(out, key, strlen(key));
	packet_put_text(out, value);
}

bool
control_send_start(Control *control, const char *socket)
{
	StringInfoData bytes;
	TermOut out;

	packet_begin(&out, &bytes);
	etf_put_tuple(&out, 2);
	etf_put_atom(&out, "start");
	etf_put_map(&out, 6);
	put_text(&out, "socket", socket);
	put_text(&out, "code_path", elixir.code_path);
	put_int(&out, "max_message_bytes", elixir.max_message);
	put_int(&out, "call_memory_mb", elixir.call_memory);
	put_int(&out, "result_ttl", elixir.result_ttl);
	etf_put_atom(&out, "allow_load_code");
	etf_put_bool(&out, elixir.allow_load_code);
	return send_packet(control, &out, &bytes);
}

bool
control_send_ping(Control *control)
{
	StringInfoData bytes;
	TermOut out;

	packet_begin(&out, &bytes);
	etf_put_tuple(&out, 2);
	etf_put_atom(&out, "ping");
	etf_put_int(&out, ++control->pings);
	return send_packet(control, &out, &bytes);
}

bool
control_send_stop(Control *control)
{
	StringInfoData bytes;
	TermOut out;

	packet_begin(&out, &bytes);
	etf_put_atom(&out, "stop");
	return send_packet(control, &out, &bytes);
}

/* Bytes of the packet that the buffer begins with, or 0. */
static size_t
whole_packet(const Control *control)
{
	uint32 len;

	if (control->used < PACKET_HEAD)
		return 0;
	memcpy(&len, control->buffer, PACKET_HEAD);
	len = pg_ntoh32(len);
	if (len > CONTROL_MAX - PACKET_HEAD)
		return SIZE_MAX;
	return control->used < PACKET_HEAD + len ? 0 : PACKET_HEAD + len;
}

static void
copy_text(const Term *term, char *place)
{
	size_t len = term->kind == TERM_BINARY ? term->len : 0;

	len = Min(len, STATE_NAME_LEN - 1);
	memcpy(place, term->bytes, len);
	place[len] = '\0';
}

/* Of the maps of ready and pong, what the report has a place for. */
static bool
read_pair(TermReader *reader, SidecarReport *report)
{
	Term key;
	Term value;

	if (!term_next(reader, &key))
		return false;
	if (!term_is_atom(&key, "pid") && !term_is_atom(&key, "otp") &&
		!term_is_atom(&key, "boot") && !term_is_atom(&key, "run_queue") &&
		!term_is_atom(&key, "request_count"))
		return term_skip(reader);
	if (!term_next(reader, &value))
		return false;
	if (term_is_atom(&key, "pid"))
		report->pid = value.kind == TERM_INTEGER ? (int) value.integer : 0;
	else if (term_is_atom(&key, "otp"))
		copy_text(&value, report->otp);
	else if (term_is_atom(&key, "boot"))
		copy_text(&value, report->boot);
	else if (value.kind != TERM_INTEGER)
		return false;
	else if (term_is_atom(&key, "run_queue"))
		report->run_queue = value.integer;
	else
		report->request_count = value.integer;
	return true;
}

static bool
read_map(TermReader *reader, SidecarReport *report)
{
	Term map;

	if (!term_next(reader, &map) || map.kind != TERM_MAP)
		return false;
	for (uint32 i = 0; i < map.count; i++)
		if (!read_pair(reader, report))
			return false;
	return true;
}

static ControlEvent
read_event(TermReader *reader, SidecarReport *report)
{
	Term tuple;
	Term name;

	if (!term_read_version(reader) || !term_next(reader, &tuple) ||
		tuple.kind != TERM_TUPLE || !term_next_atom(reader, &name, ""))
		return CONTROL_BAD;
	if (tuple.count == 2 && term_is_atom(&name, "ready") &&
		read_map(reader, report))
		return CONTROL_READY;
	if (tuple.count == 3 && term_is_atom(&name, "pong") && term_skip(reader) &&
		read_map(reader, report))
		return CONTROL_PONG;
	return CONTROL_BAD;
}

static ControlEvent
take_packet(Control *control, size_t size, SidecarReport *report)
{
	TermReader reader;
	ControlEvent event;

	if (size == SIZE_MAX)
		return CONTROL_BAD;
	term_read_init(&reader, control->buffer + PACKET_HEAD, size - PACKET_HEAD);
	event = read_event(&reader, report);
	control->used -= size;
	memmove(control->buffer, control->buffer + size, control->used);
	return event;
}

ControlEvent
control_next(Control *control, SidecarReport *report)
{
	for (;;)
	{
		size_t size = whole_packet(control);
		ssize_t got;

		if (size > 0)
			return take_packet(control, size, report);
		got = read(control->from, control->buffer + control->used,
				   CONTROL_MAX - control->used);
		if (got == 0)
			return CONTROL_CLOSED;
		if (got < 0 && errno != EINTR)
			return errno == EAGAIN ? CONTROL_NOTHING : CONTROL_CLOSED;
		control->used += Max(got, 0);
	}
}
