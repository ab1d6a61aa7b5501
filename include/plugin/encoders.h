/*
 * encoders.h
 *		The encoder functions that value.c chooses from.
 *
 * Each writes exactly one term for a Datum that is not NULL; the EtfType is
 * the one it was chosen for.  None raises an ERROR for any value of its type.
 */
#ifndef ETF_ENCODERS_H
#define ETF_ENCODERS_H

#include "compat.h"
#include "plugin/value.h"

/* Fill in a composite's fields from its tupdesc, without dropped columns. */
extern void etf_fields_build(EtfTypeBuilder *builder, EtfType *type);

/* value_text.c */
extern void encode_text(EtfOut *out, const EtfType *type, Datum value);
extern void encode_char(EtfOut *out, const EtfType *type, Datum value);
extern void encode_name(EtfOut *out, const EtfType *type, Datum value);
extern void encode_bytea(EtfOut *out, const EtfType *type, Datum value);
extern void encode_money(EtfOut *out, const EtfType *type, Datum value);
extern void encode_by_output(EtfOut *out, const EtfType *type, Datum value);

/* value_number.c */
extern void encode_bool(EtfOut *out, const EtfType *type, Datum value);
extern void encode_int2(EtfOut *out, const EtfType *type, Datum value);
extern void encode_int4(EtfOut *out, const EtfType *type, Datum value);
extern void encode_int8(EtfOut *out, const EtfType *type, Datum value);
extern void encode_oid(EtfOut *out, const EtfType *type, Datum value);
extern void encode_uint8(EtfOut *out, const EtfType *type, Datum value);
extern void encode_float4(EtfOut *out, const EtfType *type, Datum value);
extern void encode_float8(EtfOut *out, const EtfType *type, Datum value);
extern void encode_tid(EtfOut *out, const EtfType *type, Datum value);

/* value_numeric.c */
extern void encode_numeric(EtfOut *out, const EtfType *type, Datum value);

/* value_time.c */
extern void encode_date(EtfOut *out, const EtfType *type, Datum value);
extern void encode_time(EtfOut *out, const EtfType *type, Datum value);
extern void encode_timetz(EtfOut *out, const EtfType *type, Datum value);
extern void encode_timestamp(EtfOut *out, const EtfType *type, Datum value);
extern void encode_timestamptz(EtfOut *out, const EtfType *type, Datum value);

/* value_interval.c */
extern void encode_interval(EtfOut *out, const EtfType *type, Datum value);

/* value_bits.c */
extern void encode_uuid(EtfOut *out, const EtfType *type, Datum value);
extern void encode_bits(EtfOut *out, const EtfType *type, Datum value);

/* value_array.c, value_composite.c, value_enum.c, value_range.c */
extern void encode_array(EtfOut *out, const EtfType *type, Datum value);
extern void encode_composite(EtfOut *out, const EtfType *type, Datum value);
extern void encode_record(EtfOut *out, const EtfType *type, Datum value);
extern void encode_enum(EtfOut *out, const EtfType *type, Datum value);
extern void encode_range(EtfOut *out, const EtfType *type, Datum value);
extern void encode_multirange(EtfOut *out, const EtfType *type, Datum value);

/* value_json.c */
extern void encode_json(EtfOut *out, const EtfType *type, Datum value);
extern void encode_jsonb(EtfOut *out, const EtfType *type, Datum value);

/* value_net.c */
extern void encode_inet(EtfOut *out, const EtfType *type, Datum value);
extern void encode_macaddr(EtfOut *out, const EtfType *type, Datum value);
extern void encode_macaddr8(EtfOut *out, const EtfType *type, Datum value);

/* value_geometric.c */
extern void encode_point(EtfOut *out, const EtfType *type, Datum value);
extern void encode_line(EtfOut *out, const EtfType *type, Datum value);
extern void encode_lseg(EtfOut *out, const EtfType *type, Datum value);
extern void encode_box(EtfOut *out, const EtfType *type, Datum value);
extern void encode_path(EtfOut *out, const EtfType *type, Datum value);
extern void encode_polygon(EtfOut *out, const EtfType *type, Datum value);
extern void encode_circle(EtfOut *out, const EtfType *type, Datum value);

/* value_search.c */
extern void encode_tsvector(EtfOut *out, const EtfType *type, Datum value);

/* value_extension.c */
extern void encode_hstore(EtfOut *out, const EtfType *type, Datum value);
extern void encode_vector(EtfOut *out, const EtfType *type, Datum value);

#endif
