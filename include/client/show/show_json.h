/*
 * show_json.h
 *		Changes as lines of JSON.
 */
#ifndef ETF_SHOW_JSON_H
#define ETF_SHOW_JSON_H

#include "client/show/show_term.h"

/* A frame, of which "reader" is at the events. */
extern bool show_json_frame(Show *show, const FrameHead *head,
							TermReader *reader);

#endif
