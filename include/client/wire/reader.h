/*
 * reader.h
 *		Between put.c, which knows who reads what, and the readers.
 *
 * A reader is called with a value that is all there is between pos and end.
 * It writes one term and leaves pos at the end; where it does not, the value
 * is not what it should be, as after wire_fail().  An error is kept, and what
 * was written is void then.
 */
#ifndef ETF_WIRE_READER_H
#define ETF_WIRE_READER_H

#include "client/base/strbuf.h"
#include "client/wire/wire.h"

typedef struct WireReader WireReader;

typedef void (*WireRead)(WireReader *in);

/* A format: who reads which kind, and what geometric.c reads by in both. */
typedef struct WireReaders
{
	WireRead read[KIND_COUNT];
	void (*take_floats)(WireReader *in, double *values, uint32_t n);
	uint32_t (*count_points)(WireReader *in); /* before they are taken */
	bool (*is_closed)(WireReader *in);		  /* a path, before that */
} WireReaders;

extern const WireReaders wire_binary_readers;
extern const WireReaders wire_text_readers;

struct WireReader
{
	const char *pos;
	const char *end;
	const WireType *type;
	int32_t typmod; /* of the value, a domain's perhaps */
	int depth;
	WireResult result;
	bool older; /* WIRE_OLDER, if there is no other result */
	TermOut *out;
	const WireReaders *readers;
};

/* A value inside of a value; its type may be a domain. */
extern void wire_read(WireReader *in, const WireType *type, int32_t typmod,
					  const char *bytes, size_t len);

/* Is there no reason to go on? */
static inline bool
wire_stopped(const WireReader *in)
{
	return in->result != WIRE_DONE || in->out->overflow;
}

static inline size_t
wire_left(const WireReader *in)
{
	return (size_t) (in->end - in->pos);
}

static inline void
wire_fail(WireReader *in)
{
	if (in->result == WIRE_DONE)
		in->result = WIRE_UNPARSED;
}

/* All that is left, its length in *len. */
static inline const char *
wire_take_rest(WireReader *in, size_t *len)
{
	const char *rest = in->pos;

	*len = wire_left(in);
	in->pos = in->end;
	return rest;
}

/* Text, in the encoding that the host knows of. */
static inline void
wire_put_text(WireReader *in, const char *text, size_t len)
{
	in->out->host->put_text(in->out, text, len);
}

/* A text that was put together; frees it. */
extern void wire_put_strbuf(WireReader *in, StrBuf *text);

/* shared.c: what both formats end in, with the checks that both need */

/* All that is left, as text. */
extern void wire_rest_text(WireReader *in);
extern void wire_rest_json(WireReader *in);
extern void wire_rest_unknown(WireReader *in);
extern void wire_rest_none(WireReader *in);

/*
 * Groups of four digits, which need not begin or end with one that counts;
 * "weight" is the place of the first.
 */
extern void wire_put_numeric(WireReader *in, bool negative, int weight,
							 int scale, const uint16_t *groups, int ngroups);
extern void wire_put_special_numeric(WireReader *in, bool nan, bool negative);

extern void wire_put_date(WireReader *in, int64_t days);
extern void wire_put_time(WireReader *in, int64_t usecs);
extern void wire_put_timetz(WireReader *in, int64_t usecs, int32_t west);
extern void wire_put_timestamp(WireReader *in, int64_t usecs, bool utc);

/* geometric.c */
extern void wire_point(WireReader *in);
extern void wire_line(WireReader *in);
extern void wire_lseg(WireReader *in);
extern void wire_box(WireReader *in);
extern void wire_path(WireReader *in);
extern void wire_polygon(WireReader *in);
extern void wire_circle(WireReader *in);

/* composite.c */

/*
 * A composite of these fields, which may be fewer, or others, than those of
 * in->type: which of these is to be written next.
 */
typedef struct WireFields
{
	const WireField *fields;
	int nfields;
	int written;
} WireFields;

/* Could these, of which there may be more, be those of the value? */
typedef bool (*WireFieldsFit)(const WireReader *value, const WireType *type,
							  int nfields);

/*
 * Those that a value of so many has, of the type as it is or was; the first
 * ones of the type, if those that are missing may have been added since.
 */
extern bool wire_find_fields(WireReader *in, int nfields, WireFieldsFit fit,
							 WireFields *found);

extern void wire_begin_composite(WireReader *in, const WireFields *value);

/* Is it to be written?  Then what stands before it is. */
extern bool wire_put_field(WireReader *in, WireFields *value,
						   const WireField *field);
extern void wire_end_composite(WireReader *in, WireFields *value);

#endif
