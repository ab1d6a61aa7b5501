/*
 * remote_serve.c
 *		Wait for the end of a call, and serve what else the node sends.
 *
 * The caller is a pid of ours that no other call has or will have, so
 * whatever else comes is not taken for the answer.
 */
#include "postgres.h"

#include "beam/packet.h"
#include "beam/remote_parts.h"
#include "common/term/read.h"

static void
send_tick(BeamNode *node)
{
	static const char tick[PACKET_HEAD];

	wire_send(node->wire, tick, PACKET_HEAD);
}

/* Whoever writes to us as a group leader need not wait. */
static void
answer_io(BeamNode *node, DistTerm payload)
{
	TermReader reader;
	Term name;
	DistTerm from;
	DistTerm reply_as;
	RemoteCall answer = {.node = node};
	uint8 control[DIST_CONTROL_MAX];
	TermOut *out;

	term_read_init(&reader, payload.bytes, payload.len);
	if (!term_next_tuple(&reader, 4, "no request") ||
		!term_next_atom(&reader, &name, "no request") ||
		!term_is_atom(&name, "io_request"))
		return;
	from.bytes = reader.pos;
	(void) term_skip(&reader);
	from.len = reader.pos - from.bytes;
	reply_as.bytes = reader.pos;
	(void) term_skip(&reader);
	reply_as.len = reader.pos - reply_as.bytes;
	if (from.len > DIST_IDENTIFIER_MAX)
		return;
	out = remote_begin_packet(&answer);
	etf_put_tuple(out, 3);
	etf_put_atom(out, "io_reply");
	etf_put_raw(out, (const char *) reply_as.bytes, reply_as.len);
	etf_put_atom(out, "ok");
	remote_send_packet(&answer, control, dist_write_send(control, from));
	pfree(answer.out.data);
}

static void
send_control(BeamNode *node, const uint8 *control, size_t control_len)
{
	char packet[REMOTE_FRONT];

	store_uint32(packet, (uint32) control_len);
	memcpy(packet + PACKET_HEAD, control, control_len);
	wire_send(node->wire, packet, PACKET_HEAD + control_len);
}

static void
acknowledge_unlink(BeamNode *node, const DistControl *control)
{
	uint8 answer[DIST_CONTROL_MAX];
	const DistTerm *fields = control->fields;

	if (fields[DIST_ID].len > DIST_IDENTIFIER_MAX ||
		fields[DIST_FROM].len > DIST_IDENTIFIER_MAX)
		return;
	send_control(node, answer,
				 dist_write_unlink_ack(answer, fields[DIST_ID], fields[DIST_TO],
									   fields[DIST_FROM]));
}

/* The process was started, or an atom says why it was not. */
static void
check_spawned(const BeamNode *node, DistTerm result)
{
	TermReader reader;
	Term term;

	term_read_init(&reader, result.bytes, result.len);
	if (!term_next(&reader, &term) || term.kind != TERM_PID)
		ereport(
			ERROR,
			(errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
			 errmsg("%s could not start the call: %s", node->target->label,
					fail_term((FailBytes){result.bytes, result.len}, false))));
}

/* True: it is the end of the call. */
static bool
serve(BeamNode *node, const DistControl *control)
{
	switch (control->operation)
	{
		case DIST_EXIT:
			return true;
		case DIST_SPAWN_REPLY:
			check_spawned(node, control->fields[DIST_RESULT]);
			return false;
		case DIST_SEND:
			answer_io(node, control->payload);
			return false;
		case DIST_UNLINK_ID:
			acknowledge_unlink(node, control);
			return false;
		default:
			return false;
	}
}

FailBytes
remote_await_exit(BeamNode *node, const RemoteCaller *caller)
{
	for (;;)
	{
		size_t len;
		uint8 *packet = (uint8 *) wire_receive(node->wire, PACKET_HEAD, &len);
		DistControl control;

		if (!dist_read_control(packet, len, &control))
			fail_protocol(node->target->label, control.error);
		if (control.tick)
			send_tick(node);
		else if (dist_is_pid(control.fields[DIST_TO], caller->id,
							 caller->serial) &&
				 serve(node, &control))
			return (FailBytes){control.fields[DIST_REASON].bytes,
							   control.fields[DIST_REASON].len};
		pfree(packet);
	}
}
