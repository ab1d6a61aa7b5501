/*
 * columns.c
 *		Columns that are not for the reader of a session, or not as they are.
 *
 * plan.c asks while it builds a plan; tables without such columns pay nothing.
 * mask.c has what is sent instead.
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "compat/backend.h"
#include "plugin/columns.h"
#include "plugin/relation.h"

#define PREFIX "pg_etf_decoding"

static char *server_excluded = NULL;
static char *server_masks = NULL;
static char *mask_key = NULL;

static bool
check_excluded(char **value, void **extra, GucSource source)
{
	const char *bad = **value == '\0' ? NULL : patterns_bad(*value, 3);

	if (bad != NULL)
		GUC_check_errdetail("No schema.table.column pattern: \"%s\".", bad);
	return bad == NULL;
}

static bool
check_masks(char **value, void **extra, GucSource source)
{
	const char *bad = **value == '\0' ? NULL : masks_bad(*value);

	if (bad != NULL)
		GUC_check_errdetail("No schema.table.column:mask: \"%s\".", bad);
	return bad == NULL;
}

/*
 * A library that is not preloaded meets settings that were made before it was
 * there.  One that a client made at the start of its connection has taken the
 * place of the server's by then, which is lost.
 */
static void
refuse_client_setting(const char *name)
{
	if (setting_came_with_connection(name))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("\"%s\" cannot be set where a connection "
							   "begins",
							   name)));
}

/* A running session has plans by the settings before. */
static void
settings_changed(const char *value, void *extra)
{
	etf_plans_forget();
}

static void
define(const char *name, const char *help, char **place, int flags,
	   GucStringCheckHook check)
{
	refuse_client_setting(name);
	DefineCustomStringVariable(name, help, NULL, place, "", PGC_SUSET, flags,
							   check, settings_changed, NULL);
}

void
etf_columns_init(void)
{
	define(PREFIX ".exclude_columns",
		   "Columns that no reader of any slot is sent.", &server_excluded, 0,
		   check_excluded);
	define(PREFIX ".mask_columns",
		   "Columns of which every reader is sent something else.",
		   &server_masks, 0, check_masks);
	define(PREFIX ".mask_key", "Secret with which columns are hashed.",
		   &mask_key, GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL, NULL);
	reserve_setting_prefix(PREFIX);
}

static const char *
list_or_null(const char *setting)
{
	return setting == NULL || *setting == '\0' ? NULL : setting;
}

const char *
etf_mask_key(void)
{
	return list_or_null(mask_key);
}

void
etf_columns_check(const EtfOptions *options)
{
	if (etf_mask_key() == NULL &&
		(masks_use(options->mask_columns, MASK_HASH) ||
		 masks_use(list_or_null(server_masks), MASK_HASH)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a column is to be hashed, but there is no key"),
				 errhint("Set \"%s.mask_key\" in postgresql.conf.", PREFIX)));
}

bool
etf_columns_restricted(const EtfOptions *options)
{
	return options->include_columns != NULL ||
		   options->exclude_columns != NULL || options->mask_columns != NULL ||
		   list_or_null(server_excluded) != NULL ||
		   list_or_null(server_masks) != NULL;
}

static void
add_name(EtfTableNames *names, Oid relid)
{
	char *schema = get_namespace_name(get_rel_namespace(relid));
	char *table = get_rel_name(relid);

	names->schemas = lappend(names->schemas, schema != NULL ? schema : "");
	names->tables = lappend(names->tables, table != NULL ? table : "");
}

/* What is said of a table counts for its partitions, however they are sent. */
void
etf_table_names(EtfTableNames *names, const EtfOptions *options,
				Relation relation, Relation described)
{
	ListCell *cell;

	*names = (EtfTableNames){.options = options};
	add_name(names, RelationGetRelid(described));
	names->schema = linitial(names->schemas);
	names->table = linitial(names->tables);
	add_name(names, RelationGetRelid(relation));
	if (relation->rd_rel->relispartition)
		names->ancestors = get_partition_ancestors(RelationGetRelid(relation));
	foreach (cell, names->ancestors)
		add_name(names, lfirst_oid(cell));
}

static bool
server_excludes(const EtfTableNames *names, const char *column)
{
	ListCell *schema;
	ListCell *table;

	forboth(
		schema, names->schemas, table,
		names->tables) if (patterns_match_column(list_or_null(server_excluded),
												 lfirst(schema), lfirst(table),
												 column)) return true;
	return false;
}

static Mask
server_mask(const EtfTableNames *names, const char *column)
{
	ListCell *schema;
	ListCell *table;
	Mask mask = {.kind = MASK_NONE};

	forboth(schema, names->schemas, table, names->tables)
	{
		mask = masks_find(list_or_null(server_masks), lfirst(schema),
						  lfirst(table), column);
		if (mask.kind != MASK_NONE)
			break;
	}
	return mask;
}

static Mask
mask_of_identity(const EtfTableNames *names, const char *column, bool excluded,
				 Mask mask)
{
	if (!excluded && (mask.kind == MASK_NONE || mask.kind == MASK_HASH))
		return mask;
	mask.kind = etf_mask_key() == NULL ? MASK_NULL : MASK_HASH;
	ereport(WARNING,
			(errmsg("column \"%s\" of table \"%s.%s\" is part of the replica "
					"identity and is sent as %s",
					column, names->schema, names->table,
					mask.kind == MASK_HASH ? "a hash" : "NULL"),
			 mask.kind == MASK_HASH
				 ? 0
				 : errhint("Rows cannot be told apart. Set \"%s.mask_key\".",
						   PREFIX)));
	return mask;
}

bool
etf_column_sent(const EtfTableNames *names, const char *column, bool identity,
				Mask *mask)
{
	const EtfOptions *options = names->options;
	bool excluded = server_excludes(names, column) ||
					patterns_match_column(options->exclude_columns,
										  names->schema, names->table, column);

	*mask = server_mask(names, column);
	if (mask->kind == MASK_NONE)
		*mask = masks_find(options->mask_columns, names->schema, names->table,
						   column);
	if (identity)
	{
		*mask = mask_of_identity(names, column, excluded, *mask);
		return true;
	}
	return !excluded &&
		   (options->include_columns == NULL ||
			patterns_match_column(options->include_columns, names->schema,
								  names->table, column));
}
