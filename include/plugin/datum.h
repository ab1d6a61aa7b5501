/*
 * datum.h
 *		Values of the server, read for the encoders of the shared ring.
 *
 * Each writes exactly one term for a Datum that is not NULL; the EtfType is
 * the one it was chosen for.  None raises an ERROR for any value of its type.
 */
#ifndef ETF_DATUM_H
#define ETF_DATUM_H

#include "plugin/type.h"

/* datum_text.c */
extern void encode_text(TermOut *out, const EtfType *type, Datum value);
extern void encode_char(TermOut *out, const EtfType *type, Datum value);
extern void encode_name(TermOut *out, const EtfType *type, Datum value);
extern void encode_bytea(TermOut *out, const EtfType *type, Datum value);
extern void encode_by_output(TermOut *out, const EtfType *type, Datum value);

/*
 * What an output function prints with display settings that no client can
 * change; NULL where that exceeds a limit of the server.
 */
extern char *etf_output_text(const FmgrInfo *output, Datum value);

/* datum_number.c */
extern void encode_bool(TermOut *out, const EtfType *type, Datum value);
extern void encode_int2(TermOut *out, const EtfType *type, Datum value);
extern void encode_int4(TermOut *out, const EtfType *type, Datum value);
extern void encode_int8(TermOut *out, const EtfType *type, Datum value);
extern void encode_uint4(TermOut *out, const EtfType *type, Datum value);
extern void encode_uint8(TermOut *out, const EtfType *type, Datum value);
extern void encode_float4(TermOut *out, const EtfType *type, Datum value);
extern void encode_float8(TermOut *out, const EtfType *type, Datum value);
extern void encode_numeric(TermOut *out, const EtfType *type, Datum value);
extern void encode_money(TermOut *out, const EtfType *type, Datum value);
extern void encode_tid(TermOut *out, const EtfType *type, Datum value);

/* A number of jsonb, and no less than the bytes that numeric_out makes of it. */
extern void etf_put_json_numeric(TermOut *out, Datum value);
extern Size etf_numeric_text_size(Datum value);

/* datum_time.c */
extern void encode_date(TermOut *out, const EtfType *type, Datum value);
extern void encode_time(TermOut *out, const EtfType *type, Datum value);
extern void encode_timetz(TermOut *out, const EtfType *type, Datum value);
extern void encode_timestamp(TermOut *out, const EtfType *type, Datum value);
extern void encode_timestamptz(TermOut *out, const EtfType *type, Datum value);
extern void encode_interval(TermOut *out, const EtfType *type, Datum value);

/* datum_other.c */
extern void encode_uuid(TermOut *out, const EtfType *type, Datum value);
extern void encode_bits(TermOut *out, const EtfType *type, Datum value);
extern void encode_inet(TermOut *out, const EtfType *type, Datum value);
extern void encode_macaddr(TermOut *out, const EtfType *type, Datum value);
extern void encode_macaddr8(TermOut *out, const EtfType *type, Datum value);
extern void encode_point(TermOut *out, const EtfType *type, Datum value);
extern void encode_line(TermOut *out, const EtfType *type, Datum value);
extern void encode_lseg(TermOut *out, const EtfType *type, Datum value);
extern void encode_box(TermOut *out, const EtfType *type, Datum value);
extern void encode_path(TermOut *out, const EtfType *type, Datum value);
extern void encode_polygon(TermOut *out, const EtfType *type, Datum value);
extern void encode_circle(TermOut *out, const EtfType *type, Datum value);
extern void encode_tsvector(TermOut *out, const EtfType *type, Datum value);

/* datum_nested.c, datum_enum.c */
extern void encode_array(TermOut *out, const EtfType *type, Datum value);
extern void encode_composite(TermOut *out, const EtfType *type, Datum value);
extern void encode_record(TermOut *out, const EtfType *type, Datum value);
extern void encode_enum(TermOut *out, const EtfType *type, Datum value);
extern void encode_range(TermOut *out, const EtfType *type, Datum value);
extern void encode_multirange(TermOut *out, const EtfType *type, Datum value);

/* datum_json.c */
extern void encode_json(TermOut *out, const EtfType *type, Datum value);
extern void encode_jsonb(TermOut *out, const EtfType *type, Datum value);

/* datum_extension.c */
extern void encode_hstore(TermOut *out, const EtfType *type, Datum value);
extern void encode_vector(TermOut *out, const EtfType *type, Datum value);
extern void encode_etf(TermOut *out, const EtfType *type, Datum value);

#endif
