/*
 * column_type.c
 *		What the values of a column are made of, as its relation event says.
 *
 * Of show_relation.c.  Built-in types made of others come without a shape.
 */
#include "client/show/column_type.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS_MAX 1000 /* the plugin's */

/* Only those whose values are not shown as they come. */
static const struct
{
	uint32_t oid;
	TypeForm form;
	uint32_t part;
} built_in[] = {
	{1001, TYPE_ARRAY, 17},		   {1021, TYPE_ARRAY, 700},
	{1022, TYPE_ARRAY, 701},	   {1182, TYPE_ARRAY, 1082},
	{1183, TYPE_ARRAY, 1083},	   {1270, TYPE_ARRAY, 1266},
	{1115, TYPE_ARRAY, 1114},	   {1185, TYPE_ARRAY, 1184},
	{1187, TYPE_ARRAY, 1186},	   {1041, TYPE_ARRAY, 869},
	{651, TYPE_ARRAY, 650},		   {1040, TYPE_ARRAY, 829},
	{775, TYPE_ARRAY, 774},		   {1017, TYPE_ARRAY, 600},
	{3643, TYPE_ARRAY, 3614},	   {1561, TYPE_ARRAY, 1560},
	{1563, TYPE_ARRAY, 1562},	   {3904, TYPE_RANGE, 23},
	{3906, TYPE_RANGE, 1700},	   {3908, TYPE_RANGE, 1114},
	{3910, TYPE_RANGE, 1184},	   {3912, TYPE_RANGE, 1082},
	{3926, TYPE_RANGE, 20},		   {3905, TYPE_ARRAY, 3904},
	{3907, TYPE_ARRAY, 3906},	   {3909, TYPE_ARRAY, 3908},
	{3911, TYPE_ARRAY, 3910},	   {3913, TYPE_ARRAY, 3912},
	{3927, TYPE_ARRAY, 3926},	   {4451, TYPE_MULTIRANGE, 23},
	{4532, TYPE_MULTIRANGE, 1700}, {4533, TYPE_MULTIRANGE, 1114},
	{4534, TYPE_MULTIRANGE, 1184}, {4535, TYPE_MULTIRANGE, 1082},
	{4536, TYPE_MULTIRANGE, 20},   {6150, TYPE_ARRAY, 4451},
	{6151, TYPE_ARRAY, 4532},	   {6152, TYPE_ARRAY, 4533},
	{6153, TYPE_ARRAY, 4534},	   {6155, TYPE_ARRAY, 4535},
	{6157, TYPE_ARRAY, 4536},
};

void
column_type_free(ColumnType *type)
{
	for (uint32_t i = 0; i < type->parts; i++)
	{
		column_type_free(&type->part[i]);
		free(type->part[i].name);
	}
	free(type->part);
	type->part = NULL;
	type->parts = 0;
}

static bool
add_part(TermReader *reader, ColumnType *type, TypeForm form)
{
	type->form = form;
	type->part = calloc(1, sizeof(ColumnType));
	if (type->part == NULL)
		return term_fail(reader, "out of memory");
	type->parts = 1;
	type->part->typmod = type->typmod;
	return true;
}

/* A built-in type is made of built-in types. */
static bool
set_oid(TermReader *reader, ColumnType *type, uint32_t oid)
{
	type->oid = oid;
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		if (built_in[i].oid == oid)
			return add_part(reader, type, built_in[i].form) &&
				   set_oid(reader, type->part, built_in[i].part);
	return true;
}

bool
column_type_read(TermReader *reader, ColumnType *type)
{
	uint64_t oid;
	int64_t typmod;
	Term name;

	if (!term_next_uint64(reader, &oid, "type is not a number") ||
		!term_next(reader, &name))
		return false;
	/* {unconverted, Bytes} is nobody's. */
	if (name.kind == TERM_TUPLE)
		for (uint32_t i = 0; i < name.count; i++)
			if (!term_skip(reader))
				return false;
	if (!term_next_int64(reader, &typmod, "typmod is not a number"))
		return false;
	type->typmod = (int32_t) typmod;
	if (!set_oid(reader, type, (uint32_t) oid))
		return false;
	type->hstore = name.kind == TERM_BINARY && name.len == strlen("hstore") &&
				   memcmp(name.bytes, "hstore", name.len) == 0;
	return true;
}

static bool read_shape(TermReader *reader, ColumnType *type, int levels);

/* A name that has no form in UTF-8 is left out: its number stands for it. */
static bool
read_name(TermReader *reader, ColumnType *field)
{
	TermReader ahead = *reader;
	Term name;

	if (!term_next(&ahead, &name) || !term_skip(reader))
		return false;
	if (name.kind != TERM_BINARY)
		return true;
	field->name = malloc(name.len + 1);
	if (field->name == NULL)
		return term_fail(reader, "out of memory");
	memcpy(field->name, name.bytes, name.len);
	field->name_len = name.len;
	return true;
}

/* {Name, Shape, Typmod} */
static bool
read_field(TermReader *reader, ColumnType *field, int levels)
{
	TermReader ahead = *reader;
	int64_t typmod;

	if (!term_next_tuple(&ahead, 3, "field is not a tuple of 3") ||
		!term_skip(&ahead) || !term_skip(&ahead) ||
		!term_next_int64(&ahead, &typmod, "typmod is not a number"))
		return term_fail(reader, "a field of a shape is none");
	field->typmod = (int32_t) typmod;
	return term_next_tuple(reader, 3, "field is not a tuple of 3") &&
		   read_name(reader, field) && read_shape(reader, field, levels) &&
		   term_skip(reader);
}

static bool
read_fields(TermReader *reader, ColumnType *type, int levels)
{
	Term fields;

	type->form = TYPE_COMPOSITE;
	if (!term_next(reader, &fields))
		return false;
	if (fields.kind != TERM_LIST)
		return fields.kind == TERM_NIL;
	type->part = calloc(fields.count, sizeof(ColumnType));
	if (type->part == NULL)
		return term_fail(reader, "out of memory");
	for (; type->parts < fields.count; type->parts++)
		if (!read_field(reader, &type->part[type->parts], levels))
		{
			type->parts++;
			return false;
		}
	return term_skip(reader);
}

static bool
read_made_type(TermReader *reader, ColumnType *type, int levels)
{
	static const struct
	{
		const char *name;
		TypeForm form;
	} forms[] = {{"array", TYPE_ARRAY},
				 {"range", TYPE_RANGE},
				 {"multirange", TYPE_MULTIRANGE}};
	Term name;

	if (!term_next_atom(reader, &name, "a shape has no name"))
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (term_is_atom(&name, forms[i].name))
			return add_part(reader, type, forms[i].form) &&
				   read_shape(reader, type->part, levels - 1);
	return read_fields(reader, type, levels - 1);
}

static bool
read_shape(TermReader *reader, ColumnType *type, int levels)
{
	Term shape;

	if (levels == 0)
		return term_fail(reader, "a shape is nested too deep");
	if (!term_next(reader, &shape))
		return false;
	if (shape.kind == TERM_INTEGER)
		return set_oid(reader, type, (uint32_t) shape.integer);
	if (shape.kind != TERM_TUPLE || shape.count != 2)
		return term_fail(reader, "a shape is neither an OID nor a pair");
	return read_made_type(reader, type, levels);
}

bool
column_type_read_shape(TermReader *reader, ColumnType *type)
{
	column_type_free(type);
	*type = (ColumnType){.typmod = type->typmod};
	return read_shape(reader, type, LEVELS_MAX);
}
