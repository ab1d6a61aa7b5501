/*
 * encode.c
 *		SQL values as terms for Elixir, by the plugin's encoders.
 */
#include "postgres.h"

#include "beam/encode.h"
#include "beam/packet.h"
#include "compat/values.h"
#include "plugin/type.h"

struct EncodeType
{
	EtfType *type;	  /* NULL: a row */
	EtfField *fields; /* of a row */
	int nfields;
};

EncodeType *
encode_type_build(Oid typid, List **relations)
{
	EtfTypeBuilder builder = {.forms = packet_forms(),
							  .relation_oids = *relations};
	EncodeType *encode = palloc0(sizeof(EncodeType));

	encode->type = etf_type_build(&builder, typid, -1);
	*relations = builder.relation_oids;
	return encode;
}

/* Without what is dropped, and what a row does not store. */
EncodeType *
encode_row_build(TupleDesc tupdesc, List **relations)
{
	EtfTypeBuilder builder = {.forms = packet_forms(),
							  .relation_oids = *relations};
	EncodeType *row = palloc0(sizeof(EncodeType));

	row->fields = palloc(sizeof(EtfField) * Max(tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
		if (attribute_in_tuple(TupleDescAttr(tupdesc, i)))
			etf_field_build(&builder, row->fields, row->nfields++,
							TupleDescAttr(tupdesc, i));
	*relations = builder.relation_oids;
	return row;
}

void
encode_put(TermOut *out, const EncodeType *type, Datum value, bool isnull)
{
	if (isnull)
		etf_put_null(out);
	else
		etf_put_value(out, type->type, value);
}

/* Unlike in the WAL, what is stored out of line can be fetched here. */
void
encode_put_row(TermOut *out, const EncodeType *row, const Datum *values,
			   const bool *nulls)
{
	etf_put_map(out, row->nfields);
	for (int i = 0; i < row->nfields; i++)
	{
		const EtfField *field = &row->fields[i];

		etf_put_small(out, field->key, field->key_len);
		if (nulls[field->attindex])
			etf_put_null(out);
		else
			etf_put_value(out, field->type, values[field->attindex]);
	}
}
