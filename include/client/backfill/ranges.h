/*
 * ranges.h
 *		A table's blocks in ranges: which are done, how far, how fast.
 *
 * Pure: no clock, no connection.
 */
#ifndef ETF_RANGES_H
#define ETF_RANGES_H

#include <stdbool.h>
#include <stdint.h>

/* Of the heap; larger where a table would have more than RANGES_MAX. */
#define RANGE_BYTES (64u << 20)
#define RANGES_MAX 1024

typedef struct Ranges
{
	uint64_t blocks; /* that the table had when it was planned */
	uint64_t step;	 /* blocks of one range */
	uint32_t count;	 /* at least 1: the table may have grown */
	uint32_t ndone;
	uint8_t done[RANGES_MAX / 8];
} Ranges;

typedef struct BlockRange
{
	uint64_t from;
	uint64_t blocks; /* 0: up to the end, wherever that is by then */
} BlockRange;

extern void ranges_plan(Ranges *ranges, uint64_t blocks, uint32_t block_size);

/* The last one ends with the table, whatever was planned. */
extern BlockRange ranges_at(const Ranges *ranges, uint32_t number);

static inline bool
ranges_is_done(const Ranges *ranges, uint32_t number)
{
	return (ranges->done[number / 8] >> (number % 8) & 1) != 0;
}

/* The first one from "number" on that is not done; "count": there is none. */
extern uint32_t ranges_next(const Ranges *ranges, uint32_t number);

extern void ranges_set_done(Ranges *ranges, uint32_t number);

/* It is to be done again. */
extern void ranges_clear(Ranges *ranges, uint32_t number);

/* Nothing is done. */
extern void ranges_restart(Ranges *ranges);

static inline bool
ranges_all_done(const Ranges *ranges)
{
	return ranges->ndone == ranges->count;
}

/* Blocks that lie in ranges that are done. */
extern uint64_t ranges_blocks_done(const Ranges *ranges);

/* What has been read of a table, for an estimate. */
typedef struct TableRead
{
	uint64_t rows; /* read, by all that worked on it */
	uint64_t here; /* of these, by this process */
	int64_t ms;	   /* that it took for them */
	uint64_t done; /* blocks; read by key: 0 */
	uint64_t blocks;
	double known; /* rows, as the server estimates them; below 0: it does not */
} TableRead;

typedef struct Estimate
{
	uint64_t rows;	  /* of the table; at least those that were read */
	uint32_t percent; /* 0 to 100 */
	uint64_t rate;	  /* rows a second; 0: not known yet */
	uint64_t eta;	  /* seconds; 0: none left, or not known */
} Estimate;

/*
 * By blocks where these are known, else by what the server estimates, else
 * (a table that nobody has analyzed) nothing is known before the end.
 */
extern Estimate estimate_of(const TableRead *read);

#endif
