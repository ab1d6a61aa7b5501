/*
 * lsn.h
 *		Log sequence numbers as people write them: "16/B374D848".
 */
#ifndef ETF_LSN_H
#define ETF_LSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "FFFFFFFF/FFFFFFFF" and its terminator. */
#define LSN_TEXT_SIZE 18

/*
 * Read the whole of "text": one to eight hexadecimal digits, a slash, one to
 * eight hexadecimal digits, and nothing else.
 */
extern bool lsn_from_text(const char *text, size_t len, uint64_t *lsn);

/* Write the terminated text; returns its length without the terminator. */
extern size_t lsn_to_text(uint64_t lsn, char text[LSN_TEXT_SIZE]);

#endif
