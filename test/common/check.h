/*
 * check.h
 *		What the unit tests share: checks that count, and chance that repeats.
 *
 * Each test is a program: main() calls its tests and returns check_done(),
 * which prints the last line and is 0 when all passed.
 */
#ifndef ETF_CHECK_H
#define ETF_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long check_passed;
static long check_failed;

#define CHECK(condition) check_note(condition, __FILE__, __LINE__, #condition)

/* With what the values were: CHECK_THAT(a == b, "%d, not %d", a, b). */
#define CHECK_THAT(condition, ...)               \
	do                                           \
	{                                            \
		if (!CHECK(condition))                   \
		{                                        \
			fprintf(stderr, "    " __VA_ARGS__); \
			fputc('\n', stderr);                 \
		}                                        \
	} while (0)

static inline bool
check_note(bool condition, const char *file, int line, const char *text)
{
	if (condition)
		check_passed++;
	else
	{
		check_failed++;
		fprintf(stderr, "%s:%d: not true: %s\n", file, line, text);
	}
	return condition;
}

static inline int
check_done(void)
{
	printf("%ld passed, %ld failed\n", check_passed, check_failed);
	return check_failed == 0 ? 0 : 1;
}

/* The same numbers in every run (splitmix64). */
static uint64_t chance_state = 20260131;

static inline uint64_t
chance(void)
{
	uint64_t value = chance_state += UINT64_C(0x9E3779B97F4A7C15);

	value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
	return value ^ value >> 31;
}

static inline uint32_t
chance_below(uint32_t limit)
{
	return (uint32_t) (chance() % limit);
}

/*
 * A copy in memory of just this size, so that the address sanitizer sees each
 * byte that is read too far.
 */
static inline void *
exact_copy(const void *bytes, size_t len)
{
	void *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

/* Bytes written as hexadecimal digits; the caller frees them. */
static inline uint8_t *
from_hex(const char *hex, size_t *len)
{
	uint8_t *bytes;
	unsigned int byte;

	*len = strlen(hex) / 2;
	bytes = malloc(*len + 1);
	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < *len; i++)
	{
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			abort();
		bytes[i] = (uint8_t) byte;
	}
	return bytes;
}

#endif
