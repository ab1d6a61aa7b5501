/*
 * decode_composite.c
 *		Rows from maps and tuples.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "beam/decoders.h"
#include "beam/fail.h"

static void
read_field(Decoding *in, const DecodeField *field, Datum *values, bool *nulls)
{
	values[field->attindex] =
		decode_value(in, field->type, &nulls[field->attindex]);
}

static bool
is_named(const DecodeField *field, const Term *name)
{
	return strlen(field->name) == name->len &&
		   memcmp(field->name, name->bytes, name->len) == 0;
}

static const DecodeField *
find_field(Decoding *in, const DecodeType *type, const Term *key)
{
	FailBytes shown = {in->reader.start + key->offset,
					   in->reader.pos - (in->reader.start + key->offset)};
	Term name = decode_name_of(key);

	for (int i = 0; name.kind == TERM_BINARY && i < type->nfields; i++)
		if (is_named(&type->fields[i], &name))
			return &type->fields[i];
	if (key->kind == TERM_ATOM && term_is_atom(key, "__struct__"))
		return NULL;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("%s returned a row with the key %s, which %s does not have",
					in->function,
					term_children(key) == 0 ? fail_term(shown, true) : "...",
					format_type_be(type->named))));
}

static void
read_map(Decoding *in, const DecodeType *type, const Term *map, Datum *values,
		 bool *nulls)
{
	for (uint32 i = 0; i < map->count; i++)
	{
		const DecodeField *field;
		Term key;

		decode_next(in, &key);
		field = find_field(in, type, &key);
		if (field != NULL)
			read_field(in, field, values, nulls);
		else if (!term_skip(&in->reader))
			decode_malformed(in);
	}
}

static void
read_row(Decoding *in, const DecodeType *type, const Term *term, Datum *values,
		 bool *nulls)
{
	if (term->kind == TERM_MAP)
		read_map(in, type, term, values, nulls);
	else if (term->kind == TERM_TUPLE && term->count == (uint32) type->nfields)
		for (int i = 0; i < type->nfields; i++)
			read_field(in, &type->fields[i], values, nulls);
	else
		decode_mismatch(in, type, term);
}

bool
decode_row(Decoding *in, const DecodeType *type, Datum *values, bool *nulls)
{
	Term term;

	decode_next(in, &term);
	if (decode_is_nil(&term))
		return false;
	read_row(in, type, &term, values, nulls);
	return true;
}

/* What a map leaves out is NULL, if the domain of the column has no objection. */
static void
check_missing(const DecodeType *type, const bool *nulls)
{
	for (int i = 0; i < type->nfields; i++)
	{
		const DecodeType *field = type->fields[i].type;

		if (nulls[type->fields[i].attindex] && field->domain_state != NULL)
			domain_check((Datum) 0, true, field->named, field->domain_state,
						 field->cache);
	}
}

Datum
decode_composite(Decoding *in, const DecodeType *type, const Term *term)
{
	int natts = type->tupdesc->natts;
	Datum *values = palloc0(natts * sizeof(Datum));
	bool *nulls = palloc(natts * sizeof(bool));

	memset(nulls, true, natts * sizeof(bool));
	read_row(in, type, term, values, nulls);
	check_missing(type, nulls);
	return HeapTupleGetDatum(heap_form_tuple(type->tupdesc, values, nulls));
}
