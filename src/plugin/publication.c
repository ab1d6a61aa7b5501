/*
 * publication.c
 *		What the publications of a session say of a table.
 *
 * plan.c asks once for each plan, so publications are looked up by name each
 * time: what is done to them, and what is made of a name that is missing, is
 * known as soon as the plan is stale.  row_filter.c has their conditions,
 * publication_rows.c the catalogs.
 *
 * A table is published as itself or, with publish_via_partition_root, as the
 * topmost of its ancestors that is published.  Where publications differ in
 * that, the topmost of all wins, and only those that publish the table as it
 * decide of columns and rows.  All of them decide of actions.
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "parser/scansup.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "common/option/names.h"
#include "compat/publications.h"
#include "compat/values.h"
#include "plugin/publication.h"
#include "plugin/publication_rows.h"

#define ALL_ACTIONS \
	(ACTION_INSERT | ACTION_UPDATE | ACTION_DELETE | ACTION_TRUNCATE)

/* Once in a session. */
static void
warn_of_missing(EtfSession *session, const char *name)
{
	MemoryContext caller;
	ListCell *cell;

	foreach (cell, session->missing)
		if (strcmp(lfirst(cell), name) == 0)
			return;
	caller = MemoryContextSwitchTo(session->context);
	session->missing = lappend(session->missing, pstrdup(name));
	MemoryContextSwitchTo(caller);
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("publication \"%s\" does not exist", name),
			 errdetail("It did not exist at the point in the WAL that is "
					   "being decoded."),
			 errhint("Its changes come from the point on where CREATE "
					 "PUBLICATION is decoded.")));
}

/* Those that exist at this point of the WAL, or as of the snapshot. */
static List *
current_publications(EtfSession *session)
{
	const char *text = session->options->publication_names;
	char *name = palloc(strlen(text) + 1);
	List *publications = NIL;

	while (text != NULL && sql_names_next(&text, name))
	{
		Publication *publication;

		truncate_identifier(name, strlen(name), false);
		publication = etf_publication_row(name, session->snapshot);
		if (publication != NULL)
			publications = lappend(publications, publication);
		else
			warn_of_missing(session, name);
	}
	return publications;
}

int
etf_publication_actions(const Publication *publication)
{
	const PublicationActions *actions = &publication->pubactions;

	return (actions->pubinsert ? ACTION_INSERT : 0) |
		   (actions->pubupdate ? ACTION_UPDATE : 0) |
		   (actions->pubdelete ? ACTION_DELETE : 0) |
		   (actions->pubtruncate ? ACTION_TRUNCATE : 0);
}

static bool
names_table(const Publication *publication, Oid relid, Snapshot snapshot)
{
	EtfPublicationTable table;

	return (etf_publication_table(publication, relid, snapshot, &table) &&
			!table.excepted) ||
		   etf_publication_covers(publication, relid, snapshot);
}

/* The topmost ancestor that is named, counted from 1; 0: none is. */
static int
named_level(const Publication *publication, const List *ancestors,
			Snapshot snapshot)
{
	int level = 0;
	int topmost = 0;
	ListCell *cell;

	foreach (cell, ancestors)
	{
		level++;
		if (names_table(publication, lfirst_oid(cell), snapshot))
			topmost = level;
	}
	return topmost;
}

/* As for its topmost ancestor. */
static bool
excepts_table(const Publication *publication, Oid relid, const List *ancestors,
			  Snapshot snapshot)
{
	Oid topmost = ancestors != NIL ? llast_oid(ancestors) : relid;
	EtfPublicationTable table;

	return etf_publication_table(publication, topmost, snapshot, &table) &&
		   table.excepted;
}

/*
 * At which level the table is published: 0 as itself, 1 as its parent and so
 * on; -1: it is not.
 */
static int
published_level(const Publication *publication, Oid relid,
				const EtfPublished *published)
{
	const List *ancestors = published->ancestors;
	Snapshot snapshot = published->snapshot;
	int level;

	if (publication->alltables)
	{
		if (excepts_table(publication, relid, ancestors, snapshot))
			return -1;
		level = list_length(ancestors);
	}
	else
	{
		level = named_level(publication, ancestors, snapshot);
		if (level == 0 && !names_table(publication, relid, snapshot))
			return -1;
	}
	return publication->pubviaroot ? level : 0;
}

static bool
publishes(const Publication *publication, Relation relation, int level)
{
	return level >= 0 &&
		   (publication->pubviaroot ||
			relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE);
}

/* A partition that is being detached has no ancestors any more. */
static List *
ancestors_of(Relation relation)
{
	return relation->rd_rel->relispartition
			   ? get_partition_ancestors(RelationGetRelid(relation))
			   : NIL;
}

static void
ask_publications(EtfPublished *published, Relation relation, List *publications)
{
	int highest = 0;
	ListCell *cell;

	foreach (cell, publications)
	{
		Publication *publication = lfirst(cell);
		int level =
			published_level(publication, RelationGetRelid(relation), published);

		if (!publishes(publication, relation, level))
			continue;
		published->actions |= etf_publication_actions(publication);
		if (level > highest)
			published->publications = NIL;
		if (level >= highest)
			published->publications =
				lappend(published->publications, publication);
		highest = Max(highest, level);
	}
	if (highest > 0)
		published->relid = list_nth_oid(published->ancestors, highest - 1);
}

/*
 * A TRUNCATE of a partition is not one of its root.  Since 19 a publication can
 * contain sequences, whose rows do not come from here.
 */
void
etf_published_find(EtfSession *session, Relation relation,
				   EtfPublished *published)
{
	*published = (EtfPublished){.relid = RelationGetRelid(relation),
								.snapshot = session->snapshot};
	if (!is_publishable_relation(relation) ||
		relation->rd_rel->relkind == RELKIND_SEQUENCE)
		return;
	if (session->options->publication_names == NULL)
	{
		published->actions = ALL_ACTIONS;
		return;
	}
	published->ancestors = ancestors_of(relation);
	ask_publications(published, relation, current_publications(session));
	if (published->relid != RelationGetRelid(relation))
		published->actions &= ~ACTION_TRUNCATE;
}

/* All that the WAL carries, or all but what is generated. */
static Bitmapset *
table_columns(TupleDesc desc, bool generated)
{
	Bitmapset *columns = NULL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute_in_tuple(attribute) &&
			(generated || attribute->attgenerated == '\0'))
			columns = bms_add_member(columns, attribute->attnum);
	}
	return columns;
}

/* NULL: no list. */
static Bitmapset *
column_list(const Publication *publication, const EtfPublished *published)
{
	EtfPublicationTable table;

	return !publication->alltables &&
				   etf_publication_table(publication, published->relid,
										 published->snapshot, &table)
			   ? table.columns
			   : NULL;
}

static void
disagree(Relation described, const char *what)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("cannot use different %s for table \"%s.%s\" in different "
				"publications",
				what, get_namespace_name(RelationGetNamespace(described)),
				RelationGetRelationName(described)),
		 errhint("Name only one of them in \"publication_names\", or let them "
				 "publish the same columns.")));
}

/*
 * A union of lists would show what the other's condition hides, what is in
 * both would lose data.  Without any list only generated columns can differ.
 */
Bitmapset *
etf_published_columns(const EtfPublished *published, Relation described)
{
	TupleDesc desc = RelationGetDescr(described);
	Bitmapset *columns = NULL;
	bool lists = false;
	ListCell *cell;

	if (published->publications == NIL)
		return table_columns(desc, true);
	foreach (cell, published->publications)
	{
		const Publication *publication = lfirst(cell);
		Bitmapset *list = column_list(publication, published);
		Bitmapset *more = table_columns(
			desc, list != NULL || publication_has_generated(publication));

		if (list != NULL)
			more = bms_int_members(more, list);
		lists |= list != NULL;
		if (cell != list_head(published->publications) &&
			!bms_equal(columns, more))
			disagree(described, lists ? "column lists"
									  : "values of publish_generated_columns");
		columns = more;
	}
	return columns;
}

/* As a rule the place is the same. */
int
etf_published_place(TupleDesc tuple, Form_pg_attribute column)
{
	for (int i = 0; i < tuple->natts; i++)
	{
		int place = (column->attnum - 1 + i) % tuple->natts;
		Form_pg_attribute attribute = TupleDescAttr(tuple, place);

		if (strcmp(NameStr(attribute->attname), NameStr(column->attname)) == 0)
			return place;
	}
	return -1;
}
