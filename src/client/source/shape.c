/*
 * shape.c
 *		The relation event of a plan.
 *
 * The ring makes it, of structures that stand for the types; they are needed
 * for that moment only.
 */
#include "client/source/shape.h"

#include <stdlib.h>

#include "client/source/host.h"

/*
 * Types can be built of types without end, and each level can multiply what
 * there is to tell.  As in the plugin, what is beyond is left out.
 */
#define MAX_FIELDS 30000

/* How much has been made of one column. */
typedef struct Extent
{
	int depth;
	int fields;
} Extent;

static void fill_shape(TypeShape *shape, const WireType *type, int32_t typmod,
					   Extent *extent);

static TypeShape *
element_shape(const WireType *element, int32_t typmod, Extent *extent)
{
	TypeShape *shape = source_scratch(NULL, sizeof(TypeShape));

	fill_shape(shape, element, typmod, extent);
	return shape;
}

static ShapeField *
shape_fields(const WireType *type, Extent *extent)
{
	ShapeField *fields =
		source_scratch(NULL, sizeof(ShapeField) * (size_t) (type->nfields + 1));

	extent->fields += type->nfields;
	for (int i = 0; i < type->nfields; i++)
	{
		fields[i].name = type->fields[i].name;
		fill_shape(&fields[i].type, type->fields[i].type,
				   type->fields[i].typmod, extent);
	}
	return fields;
}

static void
fill_parts(TypeShape *shape, const WireType *type, Extent *extent)
{
	bool has_fields = type->kind == KIND_COMPOSITE;

	if (extent->depth > WIRE_MAX_LEVELS ||
		(has_fields && extent->fields + type->nfields > MAX_FIELDS))
	{
		shape->kind = KIND_NONE;
		return;
	}
	extent->depth++;
	if (type->element != NULL)
		shape->element = element_shape(
			type->element, type->kind == KIND_ARRAY ? shape->typmod : -1,
			extent);
	if (has_fields)
	{
		shape->fields = shape_fields(type, extent);
		shape->nfields = type->nfields;
	}
	extent->depth--;
}

/* A domain's own modifier counts; an array has that of its elements. */
static void
fill_shape(TypeShape *shape, const WireType *type, int32_t typmod,
		   Extent *extent)
{
	*shape =
		(TypeShape){.kind = type->kind,
					.typid = type->base,
					.typmod = type->oid != type->base ? type->typmod : typmod};
	fill_parts(shape, type, extent);
}

static void
free_shape(const TypeShape *shape)
{
	if (shape->element != NULL)
		free_shape(shape->element);
	free((TypeShape *) shape->element);
	for (int i = 0; i < shape->nfields; i++)
		free_shape(&shape->fields[i].type);
	free((ShapeField *) shape->fields);
}

static void
fill_column(ColumnDescription *description, const PlanContext *context,
			const Plan *plan, const PlanColumn *column)
{
	const TableFacts *facts = &context->catalog->tables;
	Extent extent = {0, 0};

	*description = (ColumnDescription){
		.name = column->name,
		.typid = column->type->oid,
		.type_name = column->type->name,
		.key = column->key,
		.primary =
			plan->identity == 'd'
				? column->key
				: table_facts_primary(facts, plan->relid, column->name.text),
		.generated =
			table_facts_generated(facts, plan->relid, column->name.text)};
	fill_shape(&description->type, column->type, column->typmod, &extent);
}

char *
shape_relation(const PlanContext *context, const Plan *plan, size_t *len)
{
	ColumnDescription *columns = source_scratch(
		NULL, sizeof(ColumnDescription) * (size_t) (plan->ncolumns + 1));
	RelationDescription relation = {.relid = plan->relid,
									.schema = plan->schema,
									.name = plan->name,
									.identity = plan->identity,
									.ncolumns = plan->ncolumns,
									.columns = columns};
	TermOut out = {.forms = &context->options->forms, .host = context->host};

	for (int i = 0; i < plan->ncolumns; i++)
		fill_column(&columns[i], context, plan, &plan->columns[i]);
	etf_put_relation(&out, &relation);
	for (int i = 0; i < plan->ncolumns; i++)
		free_shape(&columns[i].type);
	free(columns);
	*len = out.len;
	return out.data;
}
