/*
 * state_term.h
 *		The state of a backfill as a term: what writer and reader share.
 *
 * state_write.c and state_read.c, called by way of backfill_state.h.
 *
 *	{1, Mode, Slot, SystemIdentifier, Timeline, Patterns, Chunk,
 *	 [{Oid, ToldAs, Filenode, Schema, Name, Identity, [Column], Collation,
 *	   Where, Pages, ToastPages, KnownRows, Order, Status, Ranges, NextBlock, [Last],
 *	   Keyed, [Bound], [Moved], Horizon, Rows, Bytes, Starts}]}
 *
 *	Ranges = none | {Blocks, Step, Count, Done}		-- Done: a bit for each
 */
#ifndef ETF_STATE_TERM_H
#define ETF_STATE_TERM_H

#define STATE_VERSION 1
#define STATE_ARITY 8
#define TABLE_ARITY 24
#define RANGES_ARITY 4

#define STATE_NO_RANGES "none"

#endif
