/*
 * put.c
 *		One value from the wire as a term, whatever its bytes are.
 */
#include "client/wire/reader.h"

/* Only types that consist of themselves are this deep. */
#define MAX_DEPTH (2 * WIRE_MAX_LEVELS)

static inline int32_t
typmod_of(const WireType *type, int32_t typmod)
{
	return type->oid == type->base ? typmod : type->typmod;
}

static inline void
read_all(WireReader *in)
{
	in->readers->read[in->type->kind](in);
	if (in->pos != in->end)
		wire_fail(in);
}

void
wire_read(WireReader *in, const WireType *type, int32_t typmod,
		  const char *bytes, size_t len)
{
	WireReader inner = *in;

	if (in->depth >= MAX_DEPTH)
		out_overflow(in->out);
	if (wire_stopped(in))
		return;
	inner.type = type;
	inner.typmod = typmod_of(type, typmod);
	inner.pos = bytes;
	inner.end = bytes + len;
	inner.depth++;
	read_all(&inner);
	in->result = inner.result;
	in->older = inner.older;
}

static void
put_unparsed(TermOut *out, const char *bytes, size_t len)
{
	if (out->overflow)
		return;
	out->len = out->mark;
	etf_put_tuple(out, 2);
	etf_put_atom(out, "unparsed");
	etf_put_binary(out, bytes, len);
}

WireResult
wire_put_value(TermOut *out, const WireType *type, int32_t typmod,
			   WireFormat format, const char *bytes, size_t len)
{
	WireReader in = {.pos = bytes,
					 .end = bytes + len,
					 .type = type,
					 .typmod = typmod_of(type, typmod),
					 .result = WIRE_DONE,
					 .out = out,
					 .readers = format == WIRE_BINARY ? &wire_binary_readers
													  : &wire_text_readers};

	out_value_begin(out);
	read_all(&in);
	if (in.result != WIRE_DONE)
		put_unparsed(out, bytes, len);
	if (!out_value_end(out))
	{
		etf_put_oversized(out, len);
		return WIRE_DONE;
	}
	return in.result == WIRE_DONE && in.older ? WIRE_OLDER : in.result;
}

void
wire_put_strbuf(WireReader *in, StrBuf *text)
{
	if (text->failed)
		out_overflow(in->out);
	else
		wire_put_text(in, strbuf_text(text), text->len);
	strbuf_free(text);
}
