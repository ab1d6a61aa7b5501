/*
 * stream_frame.h
 *		Frames of streams, written without a server.
 */
#ifndef ETF_TEST_STREAM_FRAME_H
#define ETF_TEST_STREAM_FRAME_H

#include "host.h"

/* Forget what is there, and begin a frame. */
static inline void
stream_frame_begin(TermOut *out, uint32_t arity)
{
	if (out->host == NULL)
		out->host = &test_host;
	out->len = 0;
	etf_put_version(out);
	etf_put_tuple(out, arity);
}

/* {stream, Part, {Xid, SubXid, 1}, First, Count, #{}, [Number, ...]} */
static inline void
put_stream(TermOut *out, bool first, uint32_t xid, uint32_t subxid,
		   uint64_t index, uint32_t count, uint64_t number)
{
	stream_frame_begin(out, 7);
	etf_put_atom(out, "stream");
	if (first)
		etf_put_atom(out, "first");
	else
		etf_put_atom(out, "more");
	etf_put_tuple(out, 3);
	etf_put_uint(out, xid);
	etf_put_uint(out, subxid);
	etf_put_uint(out, 1);
	etf_put_uint(out, index);
	etf_put_uint(out, count);
	etf_put_map(out, 0);
	etf_put_list(out, count);
	for (uint32_t i = 0; i < count; i++)
		etf_put_uint(out, number + i);
	etf_put_list_end(out);
}

/* {stream_abort, {Xid, SubXid, 1, 0}} */
static inline void
put_stream_abort(TermOut *out, uint32_t xid, uint32_t subxid)
{
	stream_frame_begin(out, 2);
	etf_put_atom(out, "stream_abort");
	etf_put_tuple(out, 4);
	etf_put_uint(out, xid);
	etf_put_uint(out, subxid);
	etf_put_uint(out, 1);
	etf_put_uint(out, 0);
}

/* {stream_commit, {Xid, 100, 200, 300}, #{}}, or stream_prepare */
static inline void
put_stream_end(TermOut *out, bool prepare, uint32_t xid)
{
	stream_frame_begin(out, 3);
	if (prepare)
		etf_put_atom(out, "stream_prepare");
	else
		etf_put_atom(out, "stream_commit");
	etf_put_tuple(out, 4);
	etf_put_uint(out, xid);
	etf_put_uint(out, 100);
	etf_put_uint(out, 200);
	etf_put_uint(out, 300);
	etf_put_map(out, 0);
}

#endif
