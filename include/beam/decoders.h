/*
 * decoders.h
 *		The decoder functions that decode.c chooses from, and their helpers.
 *
 * Each is given the first token of a term that is not nil, reads what follows
 * it, and returns the value of type->typid; decode.c applies type modifiers
 * and the constraints of domains.
 */
#ifndef ETF_DECODERS_H
#define ETF_DECODERS_H

#include "lib/stringinfo.h"
#include "utils/typcache.h"

#include "beam/decode.h"

typedef Datum (*Decode)(Decoding *in, const DecodeType *type, const Term *term);

typedef struct DecodeField
{
	const char *name; /* UTF-8 */
	int attindex;
	DecodeType *type;
} DecodeField;

struct DecodeType
{
	Decode decode;
	Oid typid; /* domains are looked through */
	int32 typmod;
	Oid named; /* as messages name it: the domain, if it is one */
	int16 typlen;
	bool typbyval;
	char typalign;
	bool takes_lists;	 /* a list may be one value of it */
	FmgrInfo *coerce;	 /* to the type modifier; NULL: there is none */
	FmgrInfo input;		 /* of the base type */
	Oid input_param;	 /* its second argument */
	MemoryContext cache; /* of what is found out later */
	void **domain_state; /* of domain_check; NULL: no domain */
	DecodeType *element; /* of an array, a range, a multirange */
	DecodeField *fields; /* of a composite, dropped attributes left out */
	int nfields;
	TupleDesc tupdesc;
	TypeCacheEntry *typcache; /* of a range */
};

/* 42804: this term is no value of the type.  None of these three returns. */
extern void decode_mismatch(Decoding *in, const DecodeType *type,
							const Term *term) __attribute__((noreturn));
/* 22003 */
extern void decode_out_of_range(Decoding *in, const DecodeType *type,
								const Term *term) __attribute__((noreturn));
/* 08P01: the data end, or are no term. */
extern void decode_malformed(Decoding *in) __attribute__((noreturn));

/* The next token. */
extern void decode_next(Decoding *in, Term *term);

/* Pass over the rest of a term whose first token this is. */
extern void decode_skip(Decoding *in, const Term *term);

extern bool decode_is_nil(const Term *term);

/* decode_value, its first token read. */
extern Datum decode_token(Decoding *in, const DecodeType *type,
						  const Term *term, bool *isnull);

/* Through the input function of the type. */
extern Datum decode_input(const DecodeType *type, const char *text);

/* A binary's text in the server encoding; an ERROR where it has no such. */
extern char *decode_text_of(const Term *term);

/* An atom's name as a binary; any other term as it is. */
extern Term decode_name_of(const Term *term);

/*
 * decode_struct.c
 *
 * Elements of a list one by one, whatever form it has: strings of small
 * integers and the empty list too.
 */
typedef struct ListReader
{
	const Term *list;
	uint32 index;
	uint32 count;
} ListReader;

/* False: it is no list. */
extern bool list_begin(ListReader *list, const Term *term);
/* The first token of the next element; false behind the last one. */
extern bool list_next(Decoding *in, ListReader *list, Term *element);

/*
 * decode_struct.c
 *
 * Fields of an Elixir struct.  All are looked for at once; then each is read
 * from where it stands.
 */
#define STRUCT_MAX_FIELDS 12

typedef struct StructReader
{
	const uint8_t *at[STRUCT_MAX_FIELDS]; /* NULL: it is not there */
} StructReader;

/*
 * Is the map a struct of this module, with all of these names, which end with
 * NULL?  The reader then stands behind it; else nothing has been read.
 */
extern bool struct_begin(Decoding *in, const Term *map, const char *module,
						 const char *const *names, StructReader *fields);

/* A reader for one of them. */
extern Decoding struct_at(const Decoding *in, const StructReader *fields,
						  int field);
extern bool struct_int(const Decoding *in, const StructReader *fields,
					   int field, int64 min, int64 max, int64 *value);
extern bool struct_bool(const Decoding *in, const StructReader *fields,
						int field, bool *value);
/* {Number, Digits} */
extern bool struct_microsecond(const Decoding *in, const StructReader *fields,
							   int field, int64 *value);

/* A tuple of so many integers up to "max". */
extern bool tuple_of_ints(Decoding *in, const Term *term, int count, int64 max,
						  int64 *values);

/* decode_number.c */
extern Datum decode_bool(Decoding *, const DecodeType *, const Term *);
extern Datum decode_int2(Decoding *, const DecodeType *, const Term *);
extern Datum decode_int4(Decoding *, const DecodeType *, const Term *);
extern Datum decode_int8(Decoding *, const DecodeType *, const Term *);
extern Datum decode_oid(Decoding *, const DecodeType *, const Term *);
extern Datum decode_uint8(Decoding *, const DecodeType *, const Term *);
extern Datum decode_float4(Decoding *, const DecodeType *, const Term *);
extern Datum decode_float8(Decoding *, const DecodeType *, const Term *);
extern Datum decode_numeric(Decoding *, const DecodeType *, const Term *);
extern Datum decode_money(Decoding *, const DecodeType *, const Term *);
extern Datum decode_tid(Decoding *, const DecodeType *, const Term *);

/*
 * The text of an integer, a float or a %Decimal{}, as numeric_in reads it;
 * NULL for any other term, of which nothing has been read then.
 */
extern char *decode_number_text(Decoding *in, const Term *term);

/* A float, an integer, or an atom of one that is not finite. */
extern bool decode_real(const Term *term, double *value);

/* decode_text.c */
extern Datum decode_text(Decoding *, const DecodeType *, const Term *);
extern Datum decode_name(Decoding *, const DecodeType *, const Term *);
extern Datum decode_char(Decoding *, const DecodeType *, const Term *);
extern Datum decode_bytea(Decoding *, const DecodeType *, const Term *);
extern Datum decode_bits(Decoding *, const DecodeType *, const Term *);
extern Datum decode_uuid(Decoding *, const DecodeType *, const Term *);
extern Datum decode_enum(Decoding *, const DecodeType *, const Term *);
extern Datum decode_by_input(Decoding *, const DecodeType *, const Term *);

/* decode_time.c */
extern Datum decode_date(Decoding *, const DecodeType *, const Term *);
extern Datum decode_time(Decoding *, const DecodeType *, const Term *);
extern Datum decode_timetz(Decoding *, const DecodeType *, const Term *);
extern Datum decode_timestamp(Decoding *, const DecodeType *, const Term *);
extern Datum decode_timestamptz(Decoding *, const DecodeType *, const Term *);
extern Datum decode_interval(Decoding *, const DecodeType *, const Term *);

/* decode_json.c */
extern Datum decode_json(Decoding *, const DecodeType *, const Term *);
extern Datum decode_jsonb(Decoding *, const DecodeType *, const Term *);

/* decode_array.c, decode_composite.c, decode_range.c */
extern Datum decode_array(Decoding *, const DecodeType *, const Term *);
extern Datum decode_int_vector(Decoding *, const DecodeType *, const Term *);
extern Datum decode_composite(Decoding *, const DecodeType *, const Term *);
extern Datum decode_range(Decoding *, const DecodeType *, const Term *);
extern Datum decode_multirange(Decoding *, const DecodeType *, const Term *);

/* decode_net.c, decode_geometric.c, decode_extension.c */
extern Datum decode_inet(Decoding *, const DecodeType *, const Term *);
extern Datum decode_macaddr(Decoding *, const DecodeType *, const Term *);
extern Datum decode_point(Decoding *, const DecodeType *, const Term *);
extern Datum decode_line(Decoding *, const DecodeType *, const Term *);
extern Datum decode_lseg(Decoding *, const DecodeType *, const Term *);
extern Datum decode_box(Decoding *, const DecodeType *, const Term *);
extern Datum decode_path(Decoding *, const DecodeType *, const Term *);
extern Datum decode_polygon(Decoding *, const DecodeType *, const Term *);
extern Datum decode_circle(Decoding *, const DecodeType *, const Term *);
extern Datum decode_tsvector(Decoding *, const DecodeType *, const Term *);
extern Datum decode_hstore(Decoding *, const DecodeType *, const Term *);
extern Datum decode_vector(Decoding *, const DecodeType *, const Term *);
extern Datum decode_etf(Decoding *, const DecodeType *, const Term *);

#endif
