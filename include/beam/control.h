/*
 * control.h
 *		The channel between the worker and the BEAM that it runs.
 */
#ifndef ETF_BEAM_CONTROL_H
#define ETF_BEAM_CONTROL_H

#include "beam/state.h"

/* No packet of the BEAM's is longer. */
#define CONTROL_MAX 8192

typedef struct Control
{
	int to;
	int from;
	int64 pings;
	size_t used;
	char buffer[CONTROL_MAX];
} Control;

typedef enum ControlEvent
{
	CONTROL_NOTHING, /* for the moment */
	CONTROL_READY,
	CONTROL_PONG,
	CONTROL_CLOSED,
	CONTROL_BAD /* what came is none of these */
} ControlEvent;

extern void control_init(Control *control, int to, int from);

/*
 * None of these waits; false: the BEAM does not take it.  The first one also
 * says where its socket shall be, and all settings that it needs.
 */
extern bool control_send_start(Control *control, const char *socket);
extern bool control_send_ping(Control *control);
extern bool control_send_stop(Control *control);

/* The next event, with what it tells in the report. */
extern ControlEvent control_next(Control *control, SidecarReport *report);

#endif
