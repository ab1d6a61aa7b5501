/*
 * show_event.h
 *		An event of a frame that becomes lines of JSON.
 *
 * For show_json.c, which goes through them, and envelope.c.
 */
#ifndef ETF_SHOW_EVENT_H
#define ETF_SHOW_EVENT_H

#include "client/show/show_term.h"
#include "common/frame/read.h"

typedef struct Event
{
	Show *show;
	const FrameHead *head;
	TermReader *reader;
	uint64_t index; /* in its transaction */
} Event;

#endif
