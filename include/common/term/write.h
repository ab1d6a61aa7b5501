/*
 * write.h
 *		Write terms into memory of the host, up to a limit.
 *
 * The host is the caller of the encoders: the plugin or the client.
 * Encoders reserve space and write into it, or call the etf_put_* functions,
 * which do just that.
 *
 * The limit never raises an error.  When a value does not fit, the writer
 * starts over at "mark", where the value began, and remembers it in
 * "overflow": whatever the encoder still writes goes into space that is
 * there, and whoever set the mark replaces the value (see etf_put_value).
 * Between values there is no limit but the host's own.
 * Hence an encoder needs no check of its own, and may patch what it wrote at
 * a remembered offset: the buffer never shrinks below it meanwhile.
 */
#ifndef ETF_WRITE_H
#define ETF_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/term/tags.h"
#include "common/value/forms.h"

/*
 * A frame above this size cannot be sent: StringInfo, the server's send buffer
 * and bytea end at 1 GB.  What is left up to there is for what must follow an
 * oversized value: the row's other columns, each at worst a marker.
 */
#define ETF_FRAME_LIMIT (1024 * 1024 * 1024 - 4 * 1024 * 1024)

/* Up to here out_reserve() may be asked. */
#define OUT_RESERVE_MAX (64 * 1024)

/* Bytes that one term of this kind takes at most. */
#define ETF_INTEGER_SIZE 11
#define ETF_FLOAT_SIZE 9
#define ETF_HEADER_SIZE 5 /* tuple, list, map, binary */

#define term_unlikely(condition) __builtin_expect((condition), 0)

typedef struct TermOut TermOut;

/* Where memory comes from.  A function that finds none does not return. */
typedef struct TermHost
{
	/* Make room for this many bytes behind out->len; may move out->data. */
	void (*grow)(TermOut *out, size_t size);
	/* Resize "memory"; NULL: allocate; a size of 0: free. */
	void *(*scratch)(void *memory, size_t size);
	/* A binary with this text, which need not be in UTF-8 where it stands. */
	void (*put_text)(TermOut *out, const char *text, size_t len);
	/* Called now and then by what may take long; may not return, either. */
	void (*tick)(void);
} TermHost;

struct TermOut
{
	char *data;
	size_t len;
	size_t size;
	size_t mark;   /* where the current value began, ... */
	bool in_value; /* ... if there is one */
	bool overflow; /* it did not fit */
	const Forms *forms;
	const TermHost *host;
	void *owner; /* whose data it is: for the host */
};

/* From here on the limit applies, ... */
static inline void
out_value_begin(TermOut *out)
{
	out->mark = out->len;
	out->in_value = true;
}

/* ... until here.  False: the value did not fit, and nothing of it is left. */
static inline bool
out_value_end(TermOut *out)
{
	bool fits = !out->overflow && out->len <= ETF_FRAME_LIMIT;

	if (term_unlikely(!fits))
		out->len = out->mark;
	out->overflow = false;
	out->in_value = false;
	return fits;
}

/* Make room; false if the current value does not fit and was given up. */
extern bool out_grow(TermOut *out, size_t size);

/* Give up the current value: it would not fit. */
extern void out_overflow(TermOut *out);

/* Make room for "size" bytes (up to OUT_RESERVE_MAX; more: etf_put_raw). */
static inline char *
out_reserve(TermOut *out, size_t size)
{
	if (term_unlikely(size > out->size - out->len))
		out_grow(out, size);
	return out->data + out->len;
}

/* Big endian, as all numbers of the format. */
static inline void
store_uint32(char *p, uint32_t value)
{
	p[0] = (char) (value >> 24);
	p[1] = (char) (value >> 16);
	p[2] = (char) (value >> 8);
	p[3] = (char) value;
}

/* Bytes that are already in external format. */
static inline void
etf_put_small(TermOut *out, const char *bytes, size_t len)
{
	memcpy(out_reserve(out, len), bytes, len);
	out->len += len;
}

/* An atom that is a literal: etf_put_atom(out, "true"). */
#define etf_put_atom(out, name) etf_put_atom_len(out, name, sizeof(name) - 1)

static inline void
etf_put_atom_len(TermOut *out, const char *name, size_t len)
{
	char *p = out_reserve(out, len + 2);

	p[0] = TAG_SMALL_ATOM_UTF8;
	p[1] = (char) len;
	memcpy(p + 2, name, len);
	out->len += len + 2;
}

static inline void
etf_put_null(TermOut *out)
{
	etf_put_atom_len(out, out->forms->null, (size_t) out->forms->null_len);
}

/* What every frame and every other term on its own begins with. */
extern void etf_put_version(TermOut *out);

extern void etf_put_int(TermOut *out, int64_t value);
extern void etf_put_uint(TermOut *out, uint64_t value);
extern void etf_put_bool(TermOut *out, bool value);

/* Non-finite floats become atoms: as floats they break the frame. */
extern void etf_put_float(TermOut *out, double value);

/* The dialect's atom for an infinite float, date, timestamp or interval. */
extern void etf_put_infinity(TermOut *out, bool negative);

/* Raw bytes of any length, as they are, without a header. */
extern void etf_put_raw(TermOut *out, const char *bytes, size_t len);

/* A binary with these bytes. */
extern void etf_put_binary(TermOut *out, const char *bytes, size_t len);

extern void etf_put_tuple(TermOut *out, uint32_t arity);
extern void etf_put_map(TermOut *out, uint32_t pairs);

/*
 * A proper list of known length: header, elements, etf_put_list_end.  An
 * empty list has no header, so its count cannot be patched.
 */
extern void etf_put_list(TermOut *out, uint32_t length);
extern void etf_put_list_end(TermOut *out);

/* {oversized, Bytes}: instead of a value that takes so much on the server */
extern void etf_put_oversized(TermOut *out, uint64_t bytes);

/* Overwrite 4 bytes, big endian: a count that was not known before. */
extern void out_patch_uint32(TermOut *out, size_t offset, uint32_t value);

/* Scratch memory, of which "memory" may be NULL. */
static inline void
out_scratch_free(TermOut *out, void *memory)
{
	if (memory != NULL)
		out->host->scratch(memory, 0);
}

/* An array twice as large, or a first one; it may exceed 1 GB. */
extern void *out_scratch_array(TermOut *out, void *array, size_t *allocated,
							   size_t element);

#endif
