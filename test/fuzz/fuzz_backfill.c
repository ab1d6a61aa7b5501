/*
 * fuzz_backfill.c
 *		The state of a backfill, from a table that others may have written to.
 */
#include <string.h>

#include "client/backfill/backfill_state.h"
#include "fuzz.h"

static void
check_table(const BackfillTable *table)
{
	const Ranges *ranges = &table->ranges;
	uint32_t done = 0;

	HOLDS(table->status < BACKFILL_STATUSES && table->order < BACKFILL_ORDERS);
	HOLDS(table->key.count <= TEXTS_MAX);
	HOLDS((table->order == ORDER_RANGES) == (ranges->count > 0));
	HOLDS(ranges->count <= RANGES_MAX);
	for (uint32_t i = 0; i < ranges->count; i++)
		done += ranges_is_done(ranges, i);
	HOLDS(done == ranges->ndone);
	HOLDS(ranges->count == 0 || ranges_blocks_done(ranges) <= ranges->blocks);
}

/* What was read is written as what is read. */
static void
check_again(const BackfillState *state)
{
	size_t len = 0;
	size_t again_len = 0;
	char *bytes = backfill_state_encode(state, &len);
	char *again;
	BackfillState back;

	HOLDS(bytes != NULL);
	HOLDS(backfill_state_decode(bytes, len, &back) == NULL);
	again = backfill_state_encode(&back, &again_len);
	HOLDS(again_len == len && memcmp(again, bytes, len) == 0);
	backfill_state_free(&back);
	free(again);
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *copy = fuzz_copy(data, size);
	BackfillState state;

	if (backfill_state_decode(copy, size, &state) == NULL)
	{
		for (uint32_t i = 0; i < state.count; i++)
			check_table(&state.tables[i]);
		check_again(&state);
	}
	HOLDS(state.count <= size);
	backfill_state_free(&state);
	free(copy);
	return 0;
}
