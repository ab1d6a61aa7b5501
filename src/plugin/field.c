/*
 * field.c
 *		Columns of tables and attributes of composites: names, keys, types.
 *
 * relation.c and value.c build them with their plans; describe.c tells their
 * names, row.c and value_composite.c write their keys.
 */
#include "postgres.h"

#include "common/utf8.h"
#include "plugin/encoders.h"
#include "plugin/encoding.h"
#include "plugin/pairs.h"

/* What a key can take at most: a character may become four bytes of UTF-8. */
#define KEY_MAX (4 * NAMEDATALEN + 64)

/* What SMALL_ATOM_UTF8_EXT can hold. */
#define ATOM_MAX 255

static void
put_unconverted(EtfOut *out, const char *name)
{
	etf_put_tuple(out, 2);
	etf_put_atom(out, "unconverted");
	etf_put_binary(out, name, strlen(name));
}

void
etf_put_field_name(EtfOut *out, const EtfField *field)
{
	if (field->name_taken)
		put_unconverted(out, field->name);
	else
		etf_put_text(out, field->name, strlen(field->name));
}

/* The name as an atom where it can be one; else as it is told everywhere. */
static void
put_key(EtfOut *out, const EtfField *field)
{
	Size len = strlen(field->name);
	const char *text = etf_to_utf8(field->name, &len);

	if (out->options->keys == KEYS_ATOM && !field->name_taken && text != NULL &&
		len <= ATOM_MAX && utf8_check((const uint8 *) text, len, NULL))
		etf_put_atom_len(out, text, len);
	else
		etf_put_field_name(out, field);
}

static void
build_key(const EtfOptions *options, EtfField *field)
{
	char space[KEY_MAX];
	StringInfoData buf = {space, 0, sizeof(space), 0};
	EtfOut out = ETF_OUT(&buf, options);

	put_key(&out, field);
	field->key = memcpy(palloc(buf.len), space, buf.len);
	field->key_len = buf.len;
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
	field->name = pstrdup(NameStr(attribute->attname));
	field->name_taken = false;
	build_key(builder->options, field);
	if (pairs_may_repeat() && key_is_taken(fields, n))
	{
		field->name_taken = true;
		build_key(builder->options, field);
	}
	field->attindex = attribute->attnum - 1;
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
