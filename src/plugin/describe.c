/*
 * describe.c
 *		A table's description, from the catalogs and its plan.
 *
 * The ring makes the relation event of it; plan.c keeps the bytes with the
 * plan; change.c writes them.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/tupdesc_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "common/frame/describe.h"
#include "plugin/describe.h"
#include "plugin/key_columns.h"

/* A type that no longer exists has no name. */
static const char *
type_name(Oid typid)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	const char *name;

	if (!HeapTupleIsValid(tuple))
		return "";
	name = pstrdup(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname));
	ReleaseSysCache(tuple);
	return name;
}

static void fill_shape(TypeShape *shape, const EtfType *type);

static const TypeShape *
element_shape(const EtfType *element)
{
	TypeShape *shape = palloc(sizeof(TypeShape));

	fill_shape(shape, element);
	return shape;
}

static const ShapeField *
shape_fields(const EtfType *type)
{
	ShapeField *fields = palloc(sizeof(ShapeField) * Max(type->nfields, 1));

	for (int i = 0; i < type->nfields; i++)
	{
		fields[i].name = type->fields[i].name;
		fill_shape(&fields[i].type, type->fields[i].type);
	}
	return fields;
}

static void
fill_shape(TypeShape *shape, const EtfType *type)
{
	shape->kind = type->kind;
	shape->typid = type->typid;
	shape->typmod = type->typmod;
	shape->element = type->element ? element_shape(type->element) : NULL;
	shape->fields = type->fields ? shape_fields(type) : NULL;
	shape->nfields = type->nfields;
}

static bool
is_key(const EtfPlan *plan, const EtfField *field)
{
	for (int i = 0; i < plan->nkeys; i++)
		if (plan->keys[i].attindex == field->attindex)
			return true;
	return false;
}

/* These masks make a text of any type. */
static bool
is_text(const EtfField *field)
{
	return field->type->masked == MASK_HASH ||
		   field->type->masked == MASK_FIXED;
}

static void
fill_column(ColumnDescription *column, const EtfPlan *plan,
			const EtfField *field, Form_pg_attribute attribute)
{
	column->name = field->name;
	column->typid = is_text(field) ? TEXTOID : attribute->atttypid;
	column->type_name = type_name(column->typid);
	column->masked = etf_mask_atom(field->type->masked);
	column->key = is_key(plan, field);
	column->generated = attribute->attgenerated != '\0';
	fill_shape(&column->type, field->type);
}

static ColumnDescription *
describe_columns(const EtfPlan *plan, Relation relation)
{
	TupleDesc desc = RelationGetDescr(relation);
	Bitmapset *primary = etf_primary_columns(relation);
	ColumnDescription *columns =
		palloc0(sizeof(ColumnDescription) * Max(plan->nfields, 1));

	for (int i = 0; i < plan->nfields; i++)
	{
		Form_pg_attribute attribute =
			TupleDescAttr(desc, plan->fields[i].column);

		fill_column(&columns[i], plan, &plan->fields[i], attribute);
		columns[i].primary = bms_is_member(
			attribute->attnum - FirstLowInvalidHeapAttributeNumber, primary);
	}
	return columns;
}

static RelationDescription
describe(const EtfPlan *plan, const ColumnDescription *columns)
{
	return (RelationDescription){.relid = plan->relid,
								 .schema = plan->schema,
								 .name = plan->name,
								 .identity = plan->identity,
								 .ncolumns = plan->nfields,
								 .columns = columns};
}

const char *
etf_describe_relation(const Forms *forms, const EtfPlan *plan,
					  Relation relation, int *len)
{
	RelationDescription description =
		describe(plan, describe_columns(plan, relation));
	StringInfoData buf;
	TermOut out;

	initStringInfo(&buf);
	etf_out_attach(&out, &buf, forms);
	etf_put_relation(&out, &description);
	*len = (int) out.len;
	return out.data;
}

/* A column that was added with a constant default is not in older rows. */
static void
describe_missing(const Forms *forms, ColumnDescription *column,
				 const EtfField *field, const TupleConstr *constr)
{
	const AttrMissing *missing = constr->missing;
	StringInfoData buf;
	TermOut out;

	if (missing == NULL || !missing[field->column].am_present)
		return;
	initStringInfo(&buf);
	etf_out_attach(&out, &buf, forms);
	etf_put_value(&out, field->type, missing[field->column].am_value);
	column->missing = out.data;
	column->missing_len = out.len;
}

static void
describe_constraints(const Forms *forms, const EtfPlan *plan, Relation relation,
					 ColumnDescription *columns)
{
	TupleDesc desc = RelationGetDescr(relation);

	for (int i = 0; i < plan->nfields; i++)
	{
		const EtfField *field = &plan->fields[i];
		Form_pg_attribute attribute = TupleDescAttr(desc, field->column);

		columns[i].attnum = attribute->attnum;
		columns[i].not_null = attribute->attnotnull;
		columns[i].identity = attribute->attidentity != '\0';
		columns[i].defaulted =
			attribute->atthasdef && attribute->attgenerated == '\0';
		if (desc->constr != NULL)
			describe_missing(forms, &columns[i], field, desc->constr);
	}
}

static void
forget_missing(ColumnDescription *columns, int ncolumns)
{
	for (int i = 0; i < ncolumns; i++)
		columns[i].missing = NULL;
}

static const char *
put_state(const Forms *forms, const RelationDescription *description, int *len)
{
	StringInfoData buf;
	TermOut out;

	initStringInfo(&buf);
	etf_out_attach(&out, &buf, forms);
	etf_put_table_state(&out, description);
	*len = (int) out.len;
	return out.data;
}

/* VACUUM FULL gives a table a new file, and older rows what they were missing. */
EtfTableState
etf_describe_state(const Forms *forms, const EtfPlan *plan, Relation relation)
{
	ColumnDescription *columns = describe_columns(plan, relation);
	RelationDescription description = describe(plan, columns);
	EtfTableState state;
	const char *shape;
	int len;

	describe_constraints(forms, plan, relation, columns);
	description.filenode = relation->rd_rel->relfilenode;
	state.term = put_state(forms, &description, &state.len);
	description.filenode = 0;
	forget_missing(columns, plan->nfields);
	shape = put_state(forms, &description, &len);
	state.shape = hash_bytes_extended((const uint8 *) shape, len, 0);
	return state;
}
