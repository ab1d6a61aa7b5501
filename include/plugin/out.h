/*
 * out.h
 *		Where terms are written: a StringInfo with a limit.
 *
 * Encoders reserve space and let libei write into it:
 *
 *		out_reserve(out, ETF_INTEGER_SIZE);
 *		ei_encode_longlong(out->buf->data, &out->buf->len, value);
 *
 * or call the etf_put_* functions, which do just that.
 *
 * The limit never raises an ERROR.  When a value does not fit, the writer
 * starts over at "mark", where the value began, and remembers it in
 * "overflow": whatever the encoder still writes goes into space that is
 * there, and whoever set the mark replaces the value (see etf_put_value).
 * Between values there is no limit but StringInfo's own.
 * Hence an encoder needs no check of its own, and may patch what it wrote at
 * a remembered offset: the buffer never shrinks below it meanwhile.
 */
#ifndef ETF_OUT_H
#define ETF_OUT_H

#include "lib/stringinfo.h"

#include "plugin/options.h"

/*
 * A frame above this size cannot be sent: StringInfo, libpq's send buffer
 * and bytea end at 1 GB.  What is left up to there is for what must follow
 * an oversized value: the row's other columns, each at worst a marker.
 */
#define ETF_FRAME_LIMIT (1024 * 1024 * 1024 - 4 * 1024 * 1024)

/* Bytes that libei may write for one term of this kind. */
#define ETF_INTEGER_SIZE 11
#define ETF_FLOAT_SIZE 9
#define ETF_HEADER_SIZE 5 /* tuple, list, map, binary */

typedef struct EtfOut
{
	StringInfo buf;
	const EtfOptions *options;
	int mark;	   /* where the current value began; -1: in none */
	bool overflow; /* the current value did not fit */
} EtfOut;

#define ETF_OUT(buf, options)       \
	{                               \
		(buf), (options), -1, false \
	}

/* From here on the limit applies, ... */
static inline void
out_value_begin(EtfOut *out)
{
	out->mark = out->buf->len;
}

/* ... until here.  False: the value did not fit, and nothing of it is left. */
static inline bool
out_value_end(EtfOut *out)
{
	bool fits = !out->overflow && out->buf->len <= ETF_FRAME_LIMIT;

	if (unlikely(!fits))
		out->buf->len = out->mark;
	out->overflow = false;
	out->mark = -1;
	return fits;
}

extern void out_grow(EtfOut *out, Size size);

/* Give up the current value: it would not fit. */
extern void out_overflow(EtfOut *out);

/* Make room for "size" bytes (below 64 kB; larger: etf_put_raw). */
static inline char *
out_reserve(EtfOut *out, Size size)
{
	StringInfo buf = out->buf;

	if (unlikely(size >= (Size) (buf->maxlen - buf->len)))
		out_grow(out, size);
	return buf->data + buf->len;
}

/* Bytes that are already in external format. */
static inline void
etf_put_small(EtfOut *out, const char *bytes, int len)
{
	memcpy(out_reserve(out, len), bytes, len);
	out->buf->len += len;
}

/* An atom that is a literal: etf_put_atom(out, "true"). */
#define etf_put_atom(out, name) etf_put_atom_len(out, name, sizeof(name) - 1)

static inline void
etf_put_atom_len(EtfOut *out, const char *name, int len)
{
	char *p = out_reserve(out, len + 2);

	p[0] = 'w'; /* SMALL_ATOM_UTF8_EXT, which libei does not name */
	p[1] = (char) len;
	memcpy(p + 2, name, len);
	out->buf->len += len + 2;
}

static inline void
etf_put_null(EtfOut *out)
{
	etf_put_atom_len(out, out->options->null, out->options->null_len);
}

extern void etf_put_int(EtfOut *out, int64 value);
extern void etf_put_uint(EtfOut *out, uint64 value);
extern void etf_put_bool(EtfOut *out, bool value);

/* Non-finite floats become atoms: in NEW_FLOAT_EXT they break the frame. */
extern void etf_put_float(EtfOut *out, double value);

/* The dialect's atom for an infinite float, date, timestamp or interval. */
extern void etf_put_infinity(EtfOut *out, bool negative);

/* Raw bytes of any length, as they are, without a header. */
extern void etf_put_raw(EtfOut *out, const char *bytes, Size len);

/* A binary with these bytes. */
extern void etf_put_binary(EtfOut *out, const char *bytes, Size len);

/*
 * A binary with this text of the server encoding, as UTF-8.  Text that has no
 * UTF-8 form becomes {unconverted, Bytes}; SQL_ASCII passes through.
 */
extern void etf_put_text(EtfOut *out, const char *text, Size len);

extern void etf_put_tuple(EtfOut *out, int arity);
extern void etf_put_map(EtfOut *out, int pairs);

/*
 * A proper list of known length: header, elements, etf_put_list_end.  An
 * empty list has no header, so its count cannot be patched.
 */
extern void etf_put_list(EtfOut *out, int length);
extern void etf_put_list_end(EtfOut *out);

/* {oversized, Bytes}: instead of a value that takes so much on the server */
extern void etf_put_oversized(EtfOut *out, Size bytes);

/* Overwrite 4 bytes, big endian: a count that was not known before. */
extern void out_patch_uint32(EtfOut *out, int offset, uint32 value);

#endif
