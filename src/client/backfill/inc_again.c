/*
 * inc_again.c
 *		What the consumer wants to be read again: a chunk.
 */
#include <string.h>

#include "client/backfill/inc_parts.h"
#include "client/backfill/incremental.h"

bool
incremental_retry(Incremental *inc, uint64_t chunk, const char *reason)
{
	Window *window = inc_window_find(inc, chunk);
	Failure failure;

	if (window == NULL || window->state == WINDOW_AGAIN)
		return chunk <= inc->state.chunk;
	if (strcmp(reason, "no_key") == 0)
	{
		failure_set(
			&failure, FAIL_CONFIG, "rows of \"%s.%s\" come without a key",
			inc_table_of(inc, window)->schema, inc_table_of(inc, window)->name);
		failure_hint(&failure, "Read the table in mode exact, or let its key "
							   "columns through.");
		inc_fail(inc, &failure);
		return true;
	}
	if (strcmp(reason, "busy") == 0)
		pace_halve(&inc->pace);
	inc_window_again(inc, window, "again", true);
	if (strcmp(reason, "schema") == 0)
		inc_desk_replan(inc);
	return true;
}
