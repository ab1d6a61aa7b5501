/*
 * clock.h
 *		The time, in milliseconds.
 */
#ifndef ETF_CLOCK_H
#define ETF_CLOCK_H

#include <stdint.h>

/* Of a clock that never goes back: for all that has to happen in time. */
extern int64_t clock_ms(void);

/* Time of day, since 1970: for a reader on another machine. */
extern uint64_t clock_unix_ms(void);

#endif
