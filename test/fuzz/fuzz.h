/*
 * fuzz.h
 *		What the fuzz targets share.
 *
 * Each fuzz_*.c is one target.  libFuzzer calls it with bytes that it makes
 * up ("make fuzz"); replay.c calls it with those that are kept ("make test").
 * A target aborts when something that must hold does not; the sanitizers
 * abort for it when memory is misused.
 */
#ifndef ETF_FUZZ_H
#define ETF_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                      \
	do                                                                        \
	{                                                                         \
		if (!(condition))                                                     \
		{                                                                     \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
					#condition);                                              \
			abort();                                                          \
		}                                                                     \
	} while (0)

/*
 * A copy in memory of just this size, so that the address sanitizer sees each
 * byte that is read too far.
 */
extern void *fuzz_copy(const void *bytes, size_t len);

/* Is it one JSON value, in UTF-8? */
extern bool fuzz_is_json(const char *text, size_t len);

/* How much of "left" bytes a reader gets at once: by chance, but repeatably. */
extern size_t fuzz_piece(uint32_t *state, size_t left);

#endif
