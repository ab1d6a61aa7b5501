/*
 * remote_parts.h
 *		Between remote.c, remote_packet.c, remote_serve.c and remote_send.c.
 */
#ifndef ETF_REMOTE_PARTS_H
#define ETF_REMOTE_PARTS_H

#include "beam/packet.h"
#include "beam/remote.h"

/* In front of a payload: the length and the control message. */
#define REMOTE_FRONT (PACKET_HEAD + DIST_CONTROL_MAX)

/* Our side of a call: a pid and a reference that no other call has. */
typedef struct RemoteCaller
{
	uint32 id;
	uint32 serial;
	uint8 pid[DIST_IDENTIFIER_MAX];
	uint8 ref[DIST_IDENTIFIER_MAX];
	DistTerm pid_term;
	DistTerm ref_term;
} RemoteCaller;

extern void remote_caller(BeamNode *node, RemoteCaller *caller);

/* Begin a packet; its payload is written behind. */
extern TermOut *remote_begin_packet(RemoteCall *call);

/* A name as an atom, or 22023. */
extern void remote_put_name(TermOut *out, const char *name);

/* 54000 if the payload is longer than the node's max_reply. */
extern void remote_check_size(const RemoteCall *call);

/* Put length and control in front of the payload, and send it all at once. */
extern void remote_send_packet(RemoteCall *call, const uint8 *control,
							   size_t control_len);

/* Of a call that begins now; "timeout_ms" is as in remote_call. */
extern WireDeadline remote_deadline(const BeamNode *node, int timeout_ms);

/* The reason with which the process ended, in the current context. */
extern FailBytes remote_await_exit(BeamNode *node, const RemoteCaller *caller);

#endif
