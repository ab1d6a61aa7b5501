/*
 * plan_make.c
 *		Plans, made of what pgoutput and the catalogs tell.
 *
 * Called by plans.c.  shape.c makes the relation event.
 */
#include "client/source/plan_make.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/source/host.h"
#include "client/source/shape.h"

#define COLUMNS_MAX (sizeof(((PlanQuestion *) NULL)->types) / sizeof(uint32_t))

/*
 * The key's columns are those of the primary key where the identity is the
 * default.  Only since 18 may generated columns be among those that are sent.
 * Of a table by the name of our extension's it must be known whose it is.
 */
static bool
needs_facts(const PlanContext *context, const PgRelation *relation)
{
	return relation->identity != 'd' || context->server_version >= 180000 ||
		   strcmp(relation->name, "etf_backfill") == 0;
}

/* Composites change without a word to us. */
static bool
may_have_changed(const WireType *type)
{
	return type->kind == KIND_COMPOSITE ||
		   (type->element != NULL && may_have_changed(type->element));
}

static void
ask_for(PlanQuestion *question, uint32_t typid)
{
	if (question->ntypes < COLUMNS_MAX)
		question->types[question->ntypes++] = typid;
}

bool
plan_is_possible(const PlanContext *context, const Plan *plan,
				 PgRelation relation, PlanQuestion *question)
{
	bool altered = plan->complete;
	bool possible = !needs_facts(context, &relation) ||
					(!altered && table_facts_known(&context->catalog->tables,
												   relation.relid));
	PgColumn column;

	question->relid = relation.relid;
	question->ntypes = 0;
	for (int i = 0; i < relation.ncolumns; i++)
	{
		const WireType *type;

		pg_next_column(&relation.columns, &column);
		type = catalog_type(context->catalog, column.typid);
		if (type == NULL || (altered && may_have_changed(type)))
		{
			ask_for(question, column.typid);
			possible = false;
		}
	}
	return possible;
}

void
plan_question(const Plan *plan, PlanQuestion *question)
{
	question->relid = plan->relid;
	question->ntypes = 0;
	for (int i = 0; i < plan->ncolumns; i++)
		ask_for(question, plan->columns[i].type->oid);
}

static void
put_map_key(const PlanContext *context, PlanColumn *column)
{
	TermOut out = {.forms = &context->options->forms, .host = context->host};

	wire_put_key(&out, column->name);
	column->map_key = out.data;
	column->map_key_len = out.len;
}

/* Names that differ on the server may be the same in UTF-8. */
static bool
is_taken(const Plan *plan, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(plan->columns[i].name.text, plan->columns[n].name.text) == 0)
			return true;
	return false;
}

static void
make_columns(const PlanContext *context, Plan *plan, PgReader columns)
{
	plan->columns = source_scratch(NULL, sizeof(PlanColumn) *
											 (size_t) (plan->ncolumns + 1));
	plan->nkeys = plan->unread = 0;
	for (int i = 0; i < plan->ncolumns; i++)
	{
		PlanColumn *column = &plan->columns[i];
		PgColumn read;

		pg_next_column(&columns, &read);
		*column =
			(PlanColumn){.name = {source_copy(read.name), false},
						 .type = catalog_type(context->catalog, read.typid),
						 .typmod = read.typmod,
						 .key = read.key && plan->identity != 'f'};
		column->name.taken = is_taken(plan, i);
		put_map_key(context, column);
		plan->nkeys += column->key;
	}
}

void
plan_make(const PlanContext *context, Plan *plan, PgRelation relation)
{
	const EtfOptions *options = context->options;

	plan->version = context->catalog->version;
	plan->schema = source_copy(relation.schema);
	plan->name = source_copy(relation.name);
	plan->identity = relation.identity;
	plan->ncolumns = relation.ncolumns;
	plan->actions =
		!table_facts_ours(&context->catalog->tables, plan->relid) &&
				options_want_table(options, plan->schema, plan->name)
			? options->actions
			: 0;
	make_columns(context, plan, relation.columns);
	plan->event = shape_relation(context, plan, &plan->event_len);
	plan->complete = true;
}

const PlanColumn *
plan_unfit(const Plan *plan)
{
	const WireType *culprit;

	for (int i = 0; i < plan->ncolumns; i++)
		if (!wire_fits_binary(plan->columns[i].type, &culprit))
			return &plan->columns[i];
	return NULL;
}

bool
plan_tell_unread(Plan *plan, char *text, size_t size)
{
	const PlanColumn *column;

	if (plan->unread == 0 || plan->unread_told)
		return false;
	column = &plan->columns[plan->unread - 1];
	plan->unread_told = true;
	snprintf(text, size,
			 "column \"%s\" of table \"%s.%s\": a value is not what type "
			 "\"%s\" is known to have, such ones come as {unparsed, Bytes}",
			 column->name.text, plan->schema, plan->name, column->type->name);
	return true;
}

void
plan_clear(Plan *plan)
{
	for (int i = 0; plan->complete && i < plan->ncolumns; i++)
	{
		free((char *) plan->columns[i].name.text);
		free(plan->columns[i].map_key);
	}
	if (plan->complete)
	{
		free(plan->columns);
		free(plan->schema);
		free(plan->name);
		free(plan->event);
	}
	plan->complete = false;
}
