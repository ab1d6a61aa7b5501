/*
 * gather.c
 *		When to read a flood of small messages.
 */
#include "client/engine/gather.h"

void
gather_message(Gather *gather, int64_t now)
{
	if (gather->now != now)
		gather->messages = 0;
	gather->now = now;
	gather->messages++;
}

void
gather_rest(Gather *gather, int64_t now)
{
	if (gather->now == now && gather->messages > GATHER_FLOOD)
		gather->listen_at = now + 1;
}
