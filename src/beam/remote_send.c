/*
 * remote_send.c
 *		Send to a process of a node.
 */
#include "postgres.h"

#include "beam/packet.h"
#include "beam/remote_parts.h"

TermOut *
remote_begin_send(RemoteCall *call, const char *node, const char *process)
{
	call->node = node_find(node);
	target_check_send(call->node->target, process);
	return remote_begin_packet(call);
}

static size_t
write_send(BeamNode *node, DistTerm name, uint8 *control)
{
	RemoteCaller caller;

	remote_caller(node, &caller);
	return dist_write_reg_send(control, caller.pid_term, name);
}

/* Nothing comes back, so the wire is busy only while we write. */
static void
send_message(RemoteCall *call, DistTerm name, DistTerm pid)
{
	BeamNode *node = call->node;
	WireDeadline deadline = remote_deadline(node, -1);
	uint8 control[DIST_CONTROL_MAX];
	size_t len;

	node_connect(node, deadline);
	len = pid.len > 0 ? dist_write_send(control, pid)
					  : write_send(node, name, control);
	wire_begin(node->wire, deadline);
	node->wire->message = true;
	remote_send_packet(call, control, len);
	wire_end(node->wire);
	node_used(node);
}

static void
send_guarded(RemoteCall *call, DistTerm name, DistTerm pid)
{
	remote_check_size(call);
	PG_TRY();
	{
		send_message(call, name, pid);
	}
	PG_CATCH();
	{
		node_fail(call->node);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

DistTerm
remote_name(const char *process)
{
	StringInfo bytes = makeStringInfo();
	TermOut out;

	etf_out_attach(&out, bytes, packet_forms());
	remote_put_name(&out, process);
	return (DistTerm){(uint8 *) out.data, out.len};
}

void
remote_send(RemoteCall *call, const char *process)
{
	send_guarded(call, remote_name(process), (DistTerm){NULL, 0});
}

void
remote_send_pid(RemoteCall *call, FailBytes pid)
{
	send_guarded(call, (DistTerm){NULL, 0}, (DistTerm){pid.bytes, pid.len});
}

const char *
remote_payload(const RemoteCall *call, Size *len)
{
	*len = call->out.len - REMOTE_FRONT;
	return call->out.data + REMOTE_FRONT;
}

Size
remote_packed_max(DistTerm name, Size len)
{
	uint8 pid[DIST_IDENTIFIER_MAX];
	uint8 control[DIST_CONTROL_MAX];
	DistTerm from = {pid, dist_put_pid(pid, node_longest_name(), 0, 0, 0)};

	return PACKET_HEAD + dist_write_reg_send(control, from, name) + len;
}

void
remote_pack(BeamNode *node, DistTerm name, const char *payload, Size len,
			StringInfo packets)
{
	uint8 control[DIST_CONTROL_MAX];
	size_t control_len = write_send(node, name, control);
	char head[PACKET_HEAD];

	store_uint32(head, (uint32) (control_len + len));
	appendBinaryStringInfo(packets, head, PACKET_HEAD);
	appendBinaryStringInfo(packets, (char *) control, (int) control_len);
	appendBinaryStringInfo(packets, payload, (int) len);
}
