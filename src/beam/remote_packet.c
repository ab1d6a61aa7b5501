/*
 * remote_packet.c
 *		What is sent to a node, for a call or a message: a packet whose front
 *		is filled in when the connection is there.
 */
#include "postgres.h"

#include "beam/packet.h"
#include "beam/remote_parts.h"
#include "common/term/utf8.h"
#include "plugin/encoding.h"

/* Pids and references of every release have so many bits for a number. */
#define ID_BITS 15
#define SERIAL_BITS 13
#define REF_BITS 18

#define MAX_ATOM 255

void
remote_caller(BeamNode *node, RemoteCaller *caller)
{
	uint32 number = ++node->serial;
	uint32 ids[3] = {number & ((1 << REF_BITS) - 1), number >> REF_BITS, 0};

	caller->id = number & ((1 << ID_BITS) - 1);
	caller->serial = number >> ID_BITS & ((1 << SERIAL_BITS) - 1);
	caller->pid_term.bytes = caller->pid;
	caller->pid_term.len = dist_put_pid(caller->pid, node->our_name, caller->id,
										caller->serial, node->creation);
	caller->ref_term.bytes = caller->ref;
	caller->ref_term.len =
		dist_put_ref(caller->ref, node->our_name, node->creation, ids);
}

void
remote_put_name(TermOut *out, const char *name)
{
	Size len = strlen(name);
	const char *utf8 = etf_to_utf8(name, &len);

	if (utf8 == NULL || len == 0 || len > MAX_ATOM ||
		!utf8_check((const uint8 *) utf8, len, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot be a name in Erlang", name),
				 errdetail("Names have 1 to %d bytes of UTF-8.", MAX_ATOM)));
	etf_put_atom_len(out, utf8, (int) len);
}

TermOut *
remote_begin_packet(RemoteCall *call)
{
	initStringInfo(&call->packet);
	enlargeStringInfo(&call->packet, 2 * REMOTE_FRONT);
	call->packet.len = REMOTE_FRONT;
	etf_out_attach(&call->out, &call->packet, packet_forms());
	etf_put_version(&call->out);
	return &call->out;
}

void
remote_check_size(const RemoteCall *call)
{
	int limit = node_max_reply(call->node);
	int size = (int) call->out.len - REMOTE_FRONT;

	if (size > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%d bytes are too many to send to %s, at most %d are "
						"allowed",
						size, call->node->target->label, limit),
				 errhint("See erlang.max_reply_bytes, and option "
						 "\"max_reply\" of the server.")));
}

void
remote_send_packet(RemoteCall *call, const uint8 *control, size_t control_len)
{
	char *start = call->out.data + REMOTE_FRONT - control_len - PACKET_HEAD;
	char *end = call->out.data + call->out.len;

	store_uint32(start, (uint32) (end - start) - PACKET_HEAD);
	memcpy(start + PACKET_HEAD, control, control_len);
	wire_send(call->node->wire, start, end - start);
}
