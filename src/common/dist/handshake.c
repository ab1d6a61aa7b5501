/*
 * handshake.c
 *		How two Erlang nodes greet each other: the bytes alone.
 *
 * Below node.c of the extension, which has the socket.  Only the handshake of
 * OTP 23 and later: 64 bits of flags, and a creation of 32 bits.
 */
#include "common/dist/handshake.h"

#include <stdio.h>
#include <string.h>

/* Names as in OTP's kernel, dist.hrl. */
#define EXTENDED_REFERENCES 0x4
#define DIST_MONITOR 0x8
#define FUN_TAGS 0x10
#define DIST_MONITOR_NAME 0x20
#define NEW_FUN_TAGS 0x80
#define EXTENDED_PIDS_PORTS 0x100
#define EXPORT_PTR_TAG 0x200
#define BIT_BINARIES 0x400
#define NEW_FLOATS 0x800
#define SMALL_ATOM_TAGS 0x4000
#define UTF8_ATOMS 0x10000
#define MAP_TAG 0x20000
#define BIG_CREATION 0x40000
#define HANDSHAKE_23 0x1000000
#define UNLINK_ID 0x2000000
#define MANDATORY_25_DIGEST 0x4000000
#define SPAWN (UINT64_C(1) << 32)
#define V4_NC (UINT64_C(1) << 34)

/* What the flag MANDATORY_25_DIGEST stands for. */
#define MANDATORY_25                                                       \
	(EXTENDED_REFERENCES | FUN_TAGS | EXTENDED_PIDS_PORTS | NEW_FUN_TAGS | \
	 EXPORT_PTR_TAG | BIT_BINARIES | NEW_FLOATS | UTF8_ATOMS | MAP_TAG |   \
	 BIG_CREATION | HANDSHAKE_23)

/*
 * Not PUBLISHED, so we are hidden; no FRAGMENTS, no atom cache and no
 * EXIT_PAYLOAD, so each message comes whole and its atoms with it.
 */
#define OFFERED                                                              \
	(MANDATORY_25 | MANDATORY_25_DIGEST | DIST_MONITOR | DIST_MONITOR_NAME | \
	 SMALL_ATOM_TAGS | UNLINK_ID | SPAWN | V4_NC)

#define NEEDED                                                             \
	(EXTENDED_REFERENCES | EXTENDED_PIDS_PORTS | NEW_FLOATS | UTF8_ATOMS | \
	 MAP_TAG | BIG_CREATION | HANDSHAKE_23 | SPAWN)

#define EPMD_REQUEST 'z'
#define EPMD_ANSWER 'w'
#define DIST_VERSION 6

static uint8_t *
put16(uint8_t *out, size_t value)
{
	*out++ = (uint8_t) (value >> 8);
	*out++ = (uint8_t) value;
	return out;
}

static uint8_t *
put32(uint8_t *out, uint32_t value)
{
	return put16(put16(out, value >> 16), value & 0xFFFF);
}

static uint8_t *
put64(uint8_t *out, uint64_t value)
{
	return put32(put32(out, (uint32_t) (value >> 32)), (uint32_t) value);
}

static uint8_t *
put_bytes(uint8_t *out, const void *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

/* The length of what stands behind it. */
static size_t
finish(uint8_t *out, const uint8_t *end)
{
	size_t len = (size_t) (end - out);

	put16(out, len - 2);
	return len;
}

static uint32_t
get16(const uint8_t *bytes)
{
	return (uint32_t) bytes[0] << 8 | bytes[1];
}

static uint32_t
get32(const uint8_t *bytes)
{
	return get16(bytes) << 16 | get16(bytes + 2);
}

bool
dist_name_is_valid(const char *name)
{
	const char *at = strchr(name, '@');

	return at != NULL && at > name && at[1] != '\0' &&
		   strchr(at + 1, '@') == NULL && strlen(name) <= DIST_NAME_MAX;
}

bool
dist_flags_suffice(uint64_t flags)
{
	if (flags & MANDATORY_25_DIGEST)
		flags |= MANDATORY_25;
	return (flags & NEEDED) == NEEDED;
}

size_t
epmd_write_request(uint8_t *out, const char *alive, size_t alive_len)
{
	uint8_t *end = out + 2;

	*end++ = EPMD_REQUEST;
	return finish(out, put_bytes(end, alive, alive_len));
}

/* 'w' Result Port:16 Type Protocol Highest:16 Lowest:16 */
bool
epmd_read_answer(const uint8_t *bytes, size_t len, uint16_t *port)
{
	if (len < EPMD_ANSWER_SIZE || bytes[0] != EPMD_ANSWER || bytes[1] != 0)
		return false;
	*port = (uint16_t) get16(bytes + 2);
	return *port != 0 && get16(bytes + 6) >= DIST_VERSION &&
		   get16(bytes + 8) <= DIST_VERSION;
}

/* 'N' Flags:64 Creation:32 NameLength:16 Name */
size_t
dist_write_name(uint8_t *out, const char *name, uint32_t creation)
{
	size_t len = strlen(name);
	uint8_t *end = out + 2;

	*end++ = 'N';
	end = put64(end, OFFERED);
	end = put32(end, creation);
	end = put16(end, len);
	return finish(out, put_bytes(end, name, len));
}

bool
dist_read_status(const uint8_t *bytes, size_t len, DistStatus *status)
{
	static const struct
	{
		const char *text;
		DistStatus status;
	} known[] = {
		{"ok", DIST_OK},
		{"ok_simultaneous", DIST_OK},
		{"alive", DIST_ALIVE},
		{"nok", DIST_REFUSED},
		{"not_allowed", DIST_REFUSED},
	};

	if (len < 1 || bytes[0] != 's')
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].text) == len - 1 &&
			memcmp(bytes + 1, known[i].text, len - 1) == 0)
		{
			*status = known[i].status;
			return true;
		}
	return false;
}

size_t
dist_write_true(uint8_t *out)
{
	return finish(out, put_bytes(out + 2, "strue", 5));
}

/* 'N' Flags:64 Challenge:32 Creation:32 NameLength:16 Name */
bool
dist_read_challenge(const uint8_t *bytes, size_t len, DistChallenge *challenge)
{
	const size_t head = 19;
	size_t name_len;

	if (len < head || bytes[0] != 'N')
		return false;
	name_len = get16(bytes + 17);
	if (name_len > DIST_NAME_MAX || name_len > len - head)
		return false;
	challenge->flags = (uint64_t) get32(bytes + 1) << 32 | get32(bytes + 5);
	challenge->challenge = get32(bytes + 9);
	challenge->creation = get32(bytes + 13);
	memcpy(challenge->name, bytes + head, name_len);
	challenge->name[name_len] = '\0';
	return strlen(challenge->name) == name_len;
}

size_t
dist_digest_input(uint8_t *out, const char *cookie, uint32_t challenge)
{
	char text[11];
	size_t cookie_len = strlen(cookie);
	size_t text_len =
		(size_t) snprintf(text, sizeof(text), "%lu", (unsigned long) challenge);

	put_bytes(put_bytes(out, cookie, cookie_len), text, text_len);
	return cookie_len + text_len;
}

size_t
dist_write_answer(uint8_t *out, uint32_t challenge,
				  const uint8_t digest[DIST_DIGEST_SIZE])
{
	uint8_t *end = out + 2;

	*end++ = 'r';
	end = put32(end, challenge);
	return finish(out, put_bytes(end, digest, DIST_DIGEST_SIZE));
}

bool
dist_read_answer(const uint8_t *bytes, size_t len,
				 uint8_t digest[DIST_DIGEST_SIZE])
{
	if (len != 1 + DIST_DIGEST_SIZE || bytes[0] != 'a')
		return false;
	memcpy(digest, bytes + 1, DIST_DIGEST_SIZE);
	return true;
}
