/*
 * ranges.c
 *		A table's blocks in ranges: which are done, how far, how fast.
 */
#include "client/backfill/ranges.h"

#include <string.h>

void
ranges_plan(Ranges *ranges, uint64_t blocks, uint32_t block_size)
{
	uint64_t step = RANGE_BYTES / block_size;

	if (blocks > step * RANGES_MAX)
		step = (blocks + RANGES_MAX - 1) / RANGES_MAX;
	*ranges = (Ranges){.blocks = blocks,
					   .step = step,
					   .count = (uint32_t) ((blocks + step - 1) / step)};
	if (ranges->count == 0)
		ranges->count = 1;
}

BlockRange
ranges_at(const Ranges *ranges, uint32_t number)
{
	return (BlockRange){.from = number * ranges->step,
						.blocks =
							number + 1 < ranges->count ? ranges->step : 0};
}

uint32_t
ranges_next(const Ranges *ranges, uint32_t number)
{
	while (number < ranges->count && ranges_is_done(ranges, number))
		number++;
	return number < ranges->count ? number : ranges->count;
}

void
ranges_set_done(Ranges *ranges, uint32_t number)
{
	if (ranges_is_done(ranges, number))
		return;
	ranges->done[number / 8] |= (uint8_t) (1u << (number % 8));
	ranges->ndone++;
}

void
ranges_clear(Ranges *ranges, uint32_t number)
{
	if (!ranges_is_done(ranges, number))
		return;
	ranges->done[number / 8] &= (uint8_t) ~(1u << (number % 8));
	ranges->ndone--;
}

void
ranges_restart(Ranges *ranges)
{
	memset(ranges->done, 0, sizeof(ranges->done));
	ranges->ndone = 0;
}

uint64_t
ranges_blocks_done(const Ranges *ranges)
{
	uint64_t last = (ranges->count - 1) * ranges->step;
	uint64_t whole = ranges->ndone;

	if (!ranges_is_done(ranges, ranges->count - 1))
		return whole * ranges->step;
	return (whole - 1) * ranges->step + (ranges->blocks - last);
}

/* The part of the table that is done; below 0: nobody knows. */
static double
part_done(const TableRead *read)
{
	if (read->done > 0 && read->blocks > 0)
		return read->done < read->blocks
				   ? (double) read->done / (double) read->blocks
				   : 1;
	if (read->known > 0)
		return (double) read->rows < read->known
				   ? (double) read->rows / read->known
				   : 1;
	return -1;
}

static uint64_t
rows_of_table(const TableRead *read, double part)
{
	double rows = part > 0 && read->done > 0 ? (double) read->rows / part
				  : read->known > 0			 ? read->known
											 : 0;

	return rows > (double) read->rows ? (uint64_t) rows : read->rows;
}

Estimate
estimate_of(const TableRead *read)
{
	double part = part_done(read);
	Estimate estimate = {.rows = rows_of_table(read, part),
						 .percent = part > 0 ? (uint32_t) (part * 100) : 0};

	if (read->ms > 0)
		estimate.rate = read->here * 1000 / (uint64_t) read->ms;
	if (estimate.rate > 0)
		estimate.eta =
			(estimate.rows - read->rows + estimate.rate - 1) / estimate.rate;
	return estimate;
}
