/*
 * field.c
 *		Columns of tables and attributes of composites: names, keys, types.
 *
 * plan.c and type.c build them with their plans; describe.c tells their
 * names, row.c and datum_nested.c write their keys.
 */
#include "postgres.h"

#include "common/term/unique_keys.h"
#include "common/term/utf8.h"
#include "plugin/datum.h"
#include "plugin/encoding.h"

/* What a key can take at most: a character may become four bytes of UTF-8. */
#define KEY_MAX (4 * NAMEDATALEN + 64)

/* What SMALL_ATOM_UTF8_EXT can hold. */
#define ATOM_MAX 255

/* The name as an atom if possible; else as everywhere. */
static void
put_key(TermOut *out, const EtfField *field)
{
	Size len = strlen(field->name.text);
	const char *text = etf_to_utf8(field->name.text, &len);

	if (out->forms->keys == KEYS_ATOM && !field->name.taken && text != NULL &&
		len <= ATOM_MAX && utf8_check((const uint8 *) text, len, NULL))
		etf_put_atom_len(out, text, len);
	else
		etf_put_field_name(out, field->name);
}

static void
build_key(const Forms *forms, EtfField *field)
{
	char space[KEY_MAX];
	TermOut out = {.data = space,
				   .size = sizeof(space),
				   .forms = forms,
				   .host = &etf_host};

	put_key(&out, field);
	field->key = memcpy(palloc(out.len), space, out.len);
	field->key_len = (int) out.len;
}

static bool
key_is_taken(const EtfField *fields, int n)
{
	const EtfField *field = &fields[n];

	for (int i = 0; i < n; i++)
		if (fields[i].key_len == field->key_len &&
			memcmp(fields[i].key, field->key, field->key_len) == 0)
			return true;
	return false;
}

void
etf_field_build(EtfTypeBuilder *builder, EtfField *fields, int n,
				Form_pg_attribute attribute)
{
	EtfField *field = &fields[n];
	EtfType *type;

	builder->fields++;
	field->name.text = pstrdup(NameStr(attribute->attname));
	field->name.taken = false;
	build_key(builder->forms, field);
	if (etf_keys_may_repeat() && key_is_taken(fields, n))
	{
		field->name.taken = true;
		build_key(builder->forms, field);
	}
	field->attindex = field->column = attribute->attnum - 1;
	field->always = false;
	type = etf_type_build(builder, attribute->atttypid, attribute->atttypmod);
	type->typlen = attribute->attlen; /* known also where the type is gone */
	field->type = type;
}

void
etf_fields_build(EtfTypeBuilder *builder, EtfType *type)
{
	TupleDesc tupdesc = type->tupdesc;

	type->fields = palloc(sizeof(EtfField) * Max(tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);

		if (!attribute->attisdropped)
			etf_field_build(builder, type->fields, type->nfields++, attribute);
	}
}
