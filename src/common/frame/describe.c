/*
 * describe.c
 *		A table's description for its readers: in relation and schema events.
 */
#include "common/frame/describe.h"

static void
put_name(TermOut *out, const char *name)
{
	out->host->put_text(out, name, strlen(name));
}

void
etf_put_field_name(TermOut *out, FieldName name)
{
	if (!name.taken)
	{
		put_name(out, name.text);
		return;
	}
	etf_put_tuple(out, 2);
	etf_put_atom(out, "unconverted");
	etf_put_binary(out, name.text, strlen(name.text));
}

static void
put_identity(TermOut *out, char identity)
{
	switch (identity)
	{
		case 'f':
			etf_put_atom(out, "full");
			break;
		case 'i':
			etf_put_atom(out, "index");
			break;
		case 'n':
			etf_put_atom(out, "nothing");
			break;
		default:
			etf_put_atom(out, "default");
			break;
	}
}

/* The modifier that applies to the scalars a value is made of. */
static int32_t
scalar_typmod(const TypeShape *type)
{
	while (type->element != NULL)
		type = type->element;
	return type->typmod;
}

static void put_shape(TermOut *out, const TypeShape *type);

static void
put_element_shape(TermOut *out, const char *kind, const TypeShape *element)
{
	etf_put_tuple(out, 2);
	etf_put_atom_len(out, kind, strlen(kind));
	put_shape(out, element);
}

static void
put_composite_shape(TermOut *out, const TypeShape *type)
{
	etf_put_tuple(out, 2);
	etf_put_atom(out, "composite");
	etf_put_list(out, (uint32_t) type->nfields);
	for (int i = 0; i < type->nfields; i++)
	{
		const ShapeField *field = &type->fields[i];

		etf_put_tuple(out, 3);
		etf_put_field_name(out, field->name);
		put_shape(out, &field->type);
		etf_put_int(out, scalar_typmod(&field->type));
	}
	etf_put_list_end(out);
}

/*
 * What a value is made of, down to types that stand for themselves:
 * Oid | {array | range | multirange, Shape} |
 * {composite, [{Name, Shape, Typmod}]}
 */
static void
put_shape(TermOut *out, const TypeShape *type)
{
	switch (type->kind)
	{
		case KIND_ARRAY:
			put_element_shape(out, "array", type->element);
			break;
		case KIND_RANGE:
			put_element_shape(out, "range", type->element);
			break;
		case KIND_MULTIRANGE: /* of what its ranges are made of */
			put_element_shape(out, "multirange", type->element->element);
			break;
		case KIND_COMPOSITE:
			put_composite_shape(out, type);
			break;
		default:
			etf_put_uint(out, type->typid);
			break;
	}
}

static bool
is_shaped(const ColumnDescription *column)
{
	const TypeShape *type = &column->type;

	return type->typid != column->typid || type->element != NULL ||
		   type->kind == KIND_COMPOSITE;
}

static uint32_t
count_flags(const ColumnDescription *column)
{
	return (uint32_t) (column->key + column->primary + column->generated +
					   (column->masked != NULL) + is_shaped(column));
}

/* key, primary, generated, {masked, Mask}, {as, Shape}: those that apply */
static void
put_flags(TermOut *out, const ColumnDescription *column)
{
	if (column->key)
		etf_put_atom(out, "key");
	if (column->primary)
		etf_put_atom(out, "primary");
	if (column->generated)
		etf_put_atom(out, "generated");
	if (column->masked != NULL)
	{
		etf_put_tuple(out, 2);
		etf_put_atom(out, "masked");
		etf_put_atom_len(out, column->masked, strlen(column->masked));
	}
	if (is_shaped(column))
	{
		etf_put_tuple(out, 2);
		etf_put_atom(out, "as");
		put_shape(out, &column->type);
	}
}

static void
put_type(TermOut *out, const ColumnDescription *column)
{
	etf_put_field_name(out, column->name);
	etf_put_uint(out, column->typid);
	put_name(out, column->type_name);
	etf_put_int(out, scalar_typmod(&column->type));
}

static void
put_column(TermOut *out, const ColumnDescription *column)
{
	etf_put_tuple(out, 5);
	put_type(out, column);
	etf_put_list(out, count_flags(column));
	put_flags(out, column);
	etf_put_list_end(out);
}

void
etf_put_relation(TermOut *out, const RelationDescription *relation)
{
	etf_put_tuple(out, 6);
	etf_put_atom(out, "relation");
	etf_put_uint(out, relation->relid);
	put_name(out, relation->schema);
	put_name(out, relation->name);
	put_identity(out, relation->identity);
	etf_put_list(out, (uint32_t) relation->ncolumns);
	for (int i = 0; i < relation->ncolumns; i++)
		put_column(out, &relation->columns[i]);
	etf_put_list_end(out);
}

/* not_null, identity, default, {missing, Value}, and those of a relation */
static void
put_state_flags(TermOut *out, const ColumnDescription *column)
{
	etf_put_list(out, count_flags(column) +
						  (uint32_t) (column->not_null + column->identity +
									  column->defaulted +
									  (column->missing != NULL)));
	if (column->not_null)
		etf_put_atom(out, "not_null");
	if (column->identity)
		etf_put_atom(out, "identity");
	if (column->defaulted)
		etf_put_atom(out, "default");
	if (column->missing != NULL)
	{
		etf_put_tuple(out, 2);
		etf_put_atom(out, "missing");
		etf_put_raw(out, column->missing, column->missing_len);
	}
	put_flags(out, column);
	etf_put_list_end(out);
}

void
etf_put_table_state(TermOut *out, const RelationDescription *relation)
{
	etf_put_tuple(out, 5);
	put_name(out, relation->schema);
	put_name(out, relation->name);
	put_identity(out, relation->identity);
	etf_put_uint(out, relation->filenode);
	etf_put_list(out, (uint32_t) relation->ncolumns);
	for (int i = 0; i < relation->ncolumns; i++)
	{
		etf_put_tuple(out, 6);
		etf_put_int(out, relation->columns[i].attnum);
		put_type(out, &relation->columns[i]);
		put_state_flags(out, &relation->columns[i]);
	}
	etf_put_list_end(out);
}
