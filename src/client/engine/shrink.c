/*
 * shrink.c
 *		When to reconnect only to release memory.
 *
 * flow.c reports messages, watch.c asks whether it is time.
 */
#include "client/engine/shrink.h"

#define LIMIT_MIN ((size_t) 8 << 20)

/* At most once in this many times "after". */
#define SPACING 10

void
shrink_init(Shrink *shrink, size_t frame_bytes, int64_t after)
{
	*shrink = (Shrink){.limit = LIMIT_MIN, .after = after};
	if (frame_bytes > LIMIT_MIN / 2)
		shrink->limit = 2 * frame_bytes;
}

void
shrink_message(Shrink *shrink, size_t len, int64_t now)
{
	if (len > shrink->limit)
		shrink->last = now;
}

int64_t
shrink_due(const Shrink *shrink)
{
	int64_t due = shrink->last + shrink->after;
	int64_t spaced = shrink->done_at + SPACING * shrink->after;

	if (shrink->after == 0 || shrink->last == 0)
		return INT64_MAX;
	return shrink->done_at != 0 && spaced > due ? spaced : due;
}

void
shrink_closed(Shrink *shrink, bool for_this, int64_t now)
{
	shrink->last = 0;
	if (for_this)
		shrink->done_at = now;
}
