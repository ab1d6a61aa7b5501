/*
 * show_place.h
 *		Lines of JSON: what they begin with, and where a change is.
 *
 * "reader" is within the frame, and stays where it is.  False: see its error.
 */
#ifndef ETF_SHOW_PLACE_H
#define ETF_SHOW_PLACE_H

#include "client/show/show_term.h"
#include "common/term/read.h"

/* {"op":"insert" */
extern void show_put_op(Show *show, const char *op);

/* The end of a line: the place of a change. */
extern bool show_put_place(Show *show, const FrameHead *head,
						   TermReader *reader, uint64_t index);

/* A line of its own, about a transaction. */
extern bool show_put_boundary(Show *show, const FrameHead *head,
							  TermReader *reader, const char *op);

/* What became of a prepared one. */
extern bool show_put_decision(Show *show, const FrameHead *head,
							  TermReader *reader);

#endif
