/*
 * control.h
 *		What connected Erlang nodes say to each other: the bytes alone.
 *
 * Between nodes go packets of four bytes of length, then
 *
 *		'p' 131 Control [131 Payload]
 *
 * or nothing at all, which is a tick.  Control is a tuple of a number, the
 * operation, and of what it concerns; Payload is what is sent.
 *
 * Writers write all of a packet but its length and the payload, at most
 * DIST_CONTROL_MAX bytes, and return how many.  Terms that they put inside are
 * given as bytes, without a version, and must be of one node's name at most:
 * identifiers and atoms.
 */
#ifndef ETF_DIST_CONTROL_H
#define ETF_DIST_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An identifier with the longest node name. */
#define DIST_IDENTIFIER_MAX 320
#define DIST_CONTROL_MAX (5 * DIST_IDENTIFIER_MAX)

typedef enum DistOperation
{
	DIST_LINK = 1,
	DIST_SEND = 2,
	DIST_EXIT = 3,
	DIST_REG_SEND = 6,
	DIST_EXIT2 = 8,
	DIST_MONITOR_P = 19,
	DIST_DEMONITOR_P = 20,
	DIST_MONITOR_P_EXIT = 21,
	DIST_SPAWN_REQUEST = 29,
	DIST_SPAWN_REPLY = 31,
	DIST_UNLINK_ID = 35,
	DIST_UNLINK_ID_ACK = 36
} DistOperation;

/* One term. */
typedef struct DistTerm
{
	const uint8_t *bytes;
	size_t len;
} DistTerm;

typedef enum DistField
{
	DIST_FROM,
	DIST_TO,
	DIST_REF,
	DIST_ID, /* of an unlink */
	DIST_REASON,
	DIST_RESULT, /* of a spawn: the pid, or an atom that says why not */
	DIST_UNUSED,
	DIST_FIELDS
} DistField;

/* A packet that was read; its fields point into it. */
typedef struct DistControl
{
	bool tick;
	int64_t operation;
	DistTerm fields[DIST_FIELDS]; /* no bytes: the operation has no such */
	DistTerm payload;			  /* likewise */
	const char *error;			  /* a constant text */
} DistControl;

/*
 * False if the packet is malformed anywhere.  An operation that is not known
 * is fine and has no fields.
 */
extern bool dist_read_control(const uint8_t *packet, size_t len,
							  DistControl *control);

/* Is it a pid of these numbers, of whichever node? */
extern bool dist_is_pid(DistTerm term, uint32_t id, uint32_t serial);

extern size_t dist_put_pid(uint8_t *out, const char *node, uint32_t id,
						   uint32_t serial, uint32_t creation);
extern size_t dist_put_ref(uint8_t *out, const char *node, uint32_t creation,
						   const uint32_t ids[3]);
extern size_t dist_put_atom(uint8_t *out, const char *name);

/* To a pid: {2, '', To}.  To a name: {6, From, '', Name}. */
extern size_t dist_write_send(uint8_t *out, DistTerm to);
extern size_t dist_write_reg_send(uint8_t *out, DistTerm from, DistTerm name);

/* {8, From, To, Reason} */
extern size_t dist_write_exit2(uint8_t *out, DistTerm from, DistTerm to,
							   DistTerm reason);

/* {19, From, To, Ref} */
extern size_t dist_write_monitor(uint8_t *out, DistTerm from, DistTerm to,
								 DistTerm ref);

/*
 * {29, Ref, From, Leader, {erpc, execute_call, 4}, [link]}; the payload is
 * the list of the four arguments.
 */
extern size_t dist_write_call(uint8_t *out, DistTerm ref, DistTerm from,
							  DistTerm leader);

/* {36, Id, From, To} */
extern size_t dist_write_unlink_ack(uint8_t *out, DistTerm id, DistTerm from,
									DistTerm to);

#endif
