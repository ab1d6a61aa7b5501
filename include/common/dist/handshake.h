/*
 * handshake.h
 *		How two Erlang nodes greet each other: the bytes alone.
 *
 *		EPMD	-> 'z' Alive			<- 'w' 0 Port ...
 *		node	-> 'N' our name			<- 's' status
 *				-> 's' "true"			after DIST_ALIVE only
 *										<- 'N' challenge
 *				-> 'r' our challenge and the answer to theirs
 *										<- 'a' the answer to ours
 *
 * Messages to a node stand behind two bytes of length, those to EPMD too;
 * EPMD's answer does not.  An answer is the MD5 of what dist_digest_input
 * writes.  Writers return how much they wrote, never more than DIST_MESSAGE_MAX
 * bytes, the length included; readers return false for what is no such message.
 */
#ifndef ETF_DIST_HANDSHAKE_H
#define ETF_DIST_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIST_NAME_MAX 255
#define DIST_COOKIE_MAX 255
#define DIST_DIGEST_SIZE 16
#define DIST_MESSAGE_MAX (DIST_NAME_MAX + 32)
#define DIST_DIGEST_INPUT_MAX (DIST_COOKIE_MAX + 10)

/* The fixed part of EPMD's answer; a failure has only the first two bytes. */
#define EPMD_ANSWER_SIZE 10
#define EPMD_FAILURE_SIZE 2

typedef enum DistStatus
{
	DIST_OK,
	DIST_ALIVE, /* a predecessor of our name seems to be connected */
	DIST_REFUSED
} DistStatus;

typedef struct DistChallenge
{
	uint64_t flags;
	uint32_t challenge;
	uint32_t creation;
	char name[DIST_NAME_MAX + 1];
} DistChallenge;

/* Does a node of these flags understand what we say? */
extern bool dist_flags_suffice(uint64_t flags);

/* Is it "alive@host", and not too long? */
extern bool dist_name_is_valid(const char *name);

extern size_t epmd_write_request(uint8_t *out, const char *alive,
								 size_t alive_len);

/* False: EPMD knows no such node, or none that speaks our version. */
extern bool epmd_read_answer(const uint8_t *bytes, size_t len, uint16_t *port);

extern size_t dist_write_name(uint8_t *out, const char *name,
							  uint32_t creation);
extern bool dist_read_status(const uint8_t *bytes, size_t len,
							 DistStatus *status);
extern size_t dist_write_true(uint8_t *out);
extern bool dist_read_challenge(const uint8_t *bytes, size_t len,
								DistChallenge *challenge);
extern size_t dist_digest_input(uint8_t *out, const char *cookie,
								uint32_t challenge);
extern size_t dist_write_answer(uint8_t *out, uint32_t challenge,
								const uint8_t digest[DIST_DIGEST_SIZE]);
extern bool dist_read_answer(const uint8_t *bytes, size_t len,
							 uint8_t digest[DIST_DIGEST_SIZE]);

#endif
