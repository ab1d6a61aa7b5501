/*
 * describe.c
 *		The relation event: a table's description for its readers.
 *
 *		{relation, Rel, Schema, Table, Identity,
 *		 [{Name, TypeOid, TypeName, Typmod, Flags}]}
 *
 * relation.c encodes it once per plan; txn.c writes the bytes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "plugin/describe.h"
#include "plugin/encoders.h"

static void
put_identity(EtfOut *out, char identity)
{
	switch (identity)
	{
		case REPLICA_IDENTITY_FULL:
			etf_put_atom(out, "full");
			break;
		case REPLICA_IDENTITY_INDEX:
			etf_put_atom(out, "index");
			break;
		case REPLICA_IDENTITY_NOTHING:
			etf_put_atom(out, "nothing");
			break;
		default:
			etf_put_atom(out, "default");
			break;
	}
}

static void
put_type_name(EtfOut *out, Oid typid)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	const char *name;

	if (!HeapTupleIsValid(tuple))
	{
		etf_put_binary(out, "", 0);
		return;
	}
	name = NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname);
	etf_put_text(out, name, strlen(name));
	ReleaseSysCache(tuple);
}

/* The modifier that applies to the scalars a value is made of. */
static int32
scalar_typmod(const EtfType *type)
{
	while (type->element != NULL)
		type = type->element;
	return type->typmod;
}

static void put_shape(EtfOut *out, const EtfType *type);

static void
put_element_shape(EtfOut *out, const char *kind, const EtfType *type)
{
	etf_put_tuple(out, 2);
	etf_put_atom_len(out, kind, strlen(kind));
	put_shape(out, type->element);
}

static void
put_composite_shape(EtfOut *out, const EtfType *type)
{
	etf_put_tuple(out, 2);
	etf_put_atom(out, "composite");
	etf_put_list(out, type->nfields);
	for (int i = 0; i < type->nfields; i++)
	{
		const EtfField *field = &type->fields[i];

		etf_put_tuple(out, 3);
		etf_put_field_name(out, field);
		put_shape(out, field->type);
		etf_put_int(out, scalar_typmod(field->type));
	}
	etf_put_list_end(out);
}

/*
 * What a value is made of, down to types that stand for themselves:
 * Oid | {array | range | multirange, Shape} |
 * {composite, [{Name, Shape, Typmod}]}
 */
static void
put_shape(EtfOut *out, const EtfType *type)
{
	if (type->encode == encode_array)
		put_element_shape(out, "array", type);
	else if (type->encode == encode_range)
		put_element_shape(out, "range", type);
	else if (type->encode == encode_multirange)
		put_element_shape(out, "multirange", type->element);
	else if (type->encode == encode_composite)
		put_composite_shape(out, type);
	else
		etf_put_uint(out, type->typid);
}

static bool
is_key(const EtfRelation *plan, const EtfField *field)
{
	for (int i = 0; i < plan->nkeys; i++)
		if (plan->keys[i].attindex == field->attindex)
			return true;
	return false;
}

/* [key, primary, generated, {as, Shape}], those that apply */
static void
put_flags(EtfOut *out, const EtfRelation *plan, const EtfField *field,
		  Form_pg_attribute attribute, const Bitmapset *primary)
{
	bool key = is_key(plan, field);
	bool in_primary = bms_is_member(
		attribute->attnum - FirstLowInvalidHeapAttributeNumber, primary);
	bool generated = attribute->attgenerated != '\0';
	bool shaped = field->type->typid != attribute->atttypid ||
				  field->type->element != NULL || field->type->fields != NULL;
	int count = key + in_primary + generated + shaped;

	etf_put_list(out, count);
	if (key)
		etf_put_atom(out, "key");
	if (in_primary)
		etf_put_atom(out, "primary");
	if (generated)
		etf_put_atom(out, "generated");
	if (shaped)
	{
		etf_put_tuple(out, 2);
		etf_put_atom(out, "as");
		put_shape(out, field->type);
	}
	etf_put_list_end(out);
}

static void
put_columns(EtfOut *out, const EtfRelation *plan, Relation relation)
{
	Bitmapset *primary = relation_primary_key(relation);

	etf_put_list(out, plan->nfields);
	for (int i = 0; i < plan->nfields; i++)
	{
		const EtfField *field = &plan->fields[i];
		Form_pg_attribute attribute =
			TupleDescAttr(RelationGetDescr(relation), field->attindex);

		etf_put_tuple(out, 5);
		etf_put_field_name(out, field);
		etf_put_uint(out, attribute->atttypid);
		put_type_name(out, attribute->atttypid);
		etf_put_int(out, scalar_typmod(field->type));
		put_flags(out, plan, field, attribute, primary);
	}
	etf_put_list_end(out);
}

const char *
etf_describe_relation(const EtfOptions *options, const EtfRelation *plan,
					  Relation relation, int *len)
{
	StringInfoData buf;
	EtfOut out = ETF_OUT(&buf, options);

	initStringInfo(&buf);
	etf_put_tuple(&out, 6);
	etf_put_atom(&out, "relation");
	etf_put_uint(&out, plan->entry->relid);
	etf_put_text(&out, plan->schema, strlen(plan->schema));
	etf_put_text(&out, plan->name, strlen(plan->name));
	put_identity(&out, relation->rd_rel->relreplident);
	put_columns(&out, plan, relation);
	*len = buf.len;
	return buf.data;
}
