/*
 * place.h
 *		Where the stream is: all that a backfill has to know of it.
 */
#ifndef ETF_BACKFILL_PLACE_H
#define ETF_BACKFILL_PLACE_H

#include "client/link/stream_state.h"

typedef struct StreamPlace
{
	int64_t now;
	bool streaming;		  /* there is a stream */
	bool snapshot;		  /* it waits for a round of another backfill */
	bool between;		  /* no transaction is partly delivered */
	bool caught_up;		  /* or nearly: nothing else has to come first */
	uint64_t reached;	  /* what commits before this was delivered */
	uint64_t delivered;	  /* the end of what was handed over */
	int64_t changed_at;	  /* when a change was, last; 0: none was so far */
	const Stream *stream; /* of which server, cluster and timeline */
	const Hosts *hosts;	  /* where that server is */
} StreamPlace;

#endif
