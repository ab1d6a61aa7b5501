/*
 * event.h
 *		Packets to the BEAM, encoded.
 *
 * Each function returns a malloc()ed block that holds a whole packet, length
 * included, and its size; NULL when there is no memory.
 */
#ifndef ETF_EVENT_H
#define ETF_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "client/base/consumer.h"

extern char *event_position(const char *tag, uint64_t lsn, size_t *len);
extern char *event_report(const char *tag, const char *name,
						  const Field *fields, size_t count, size_t *len);
extern char *event_backfill(const char *name, const char *id,
							const Field *fields, size_t count, size_t *len);
extern char *event_backfill_bytes(const char *name, const char *id,
								  const char *bytes, size_t size, size_t *len);
extern char *event_log(const char *level, const char *text, size_t *len);

/*
 * What stands before "count" frames of together "bytes" bytes in a packet:
 * the length, then the opening of a list.  After them comes one byte,
 * event_list_end.  However many there are, what is around them, without the
 * length, has EVENT_FRAMES_AROUND bytes.
 */
#define EVENT_FRAMES_AROUND 7
extern const char event_list_end;
extern char *event_frames(uint32_t count, uint64_t bytes, size_t *len);

#endif
