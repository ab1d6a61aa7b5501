/*
 * publication_notes.c
 *		What a stream of pgoutput will not have, or not as the plugin has it.
 *
 * Asked once, over the control connection; told by catalogs.c.
 */
#include "client/link/publication_notes.h"

#include <stdio.h>
#include <string.h>

#include "client/link/catalog_query.h"
#include "client/link/table_patterns.h"

/* Names in one sentence. */
#define NAMES_MAX "5"

static void
put_published(const NotesAbout *about, StrBuf *sql)
{
	strbuf_puts(
		sql,
		"WITH RECURSIVE published AS (SELECT c.oid, p.schemaname AS schema, "
		"p.tablename AS name, c.relreplident, "
		"bool_or(q.pubupdate OR q.pubdelete) AS changes "
		"FROM pg_publication_tables AS p "
		"JOIN pg_publication AS q ON q.pubname = p.pubname "
		"JOIN pg_namespace AS n ON n.nspname = p.schemaname "
		"JOIN pg_class AS c ON c.relnamespace = n.oid "
		"AND c.relname = p.tablename WHERE p.pubname = ANY (");
	catalog_query_names(sql, about->publications);
	strbuf_puts(sql, ")");
	if (about->tables != NULL)
		strbuf_putf(sql, " AND c.oid = ANY ('{%s0}')", about->tables);
	strbuf_puts(sql, " GROUP BY 1, 2, 3, 4)");
}

/* Is a column of "published" in one of the lists, or is there none? */
static void
put_listed(const char *names, StrBuf *sql)
{
	strbuf_puts(sql, "EXISTS (SELECT FROM pg_publication_tables "
					 "AS p WHERE p.schemaname = published.schema "
					 "AND p.tablename = published.name "
					 "AND a.attname = ANY (p.attnames) "
					 "AND p.pubname = ANY (");
	catalog_query_names(sql, names);
	strbuf_puts(sql, "))");
}

/* Each type of a column, and all that it is made of. */
static void
put_made(int server_version, StrBuf *sql)
{
	strbuf_puts(sql, ", made (root, oid) AS (SELECT a.atttypid, a.atttypid "
					 "FROM published JOIN pg_attribute AS a "
					 "ON a.attrelid = published.oid AND a.attnum > 0 "
					 "AND NOT a.attisdropped UNION SELECT made.root, part.oid");
	catalog_query_parts(sql, server_version, "made");
	strbuf_puts(sql, ")");
}

static void
put_without_identity(StrBuf *sql)
{
	strbuf_puts(sql, ", notes AS ("
					 "SELECT 'identity' AS kind, schema, name, "
					 "NULL::name AS attribute FROM published "
					 "WHERE changes AND (relreplident = 'n' "
					 "OR relreplident = 'd' AND NOT EXISTS (SELECT FROM "
					 "pg_index AS i WHERE i.indrelid = published.oid "
					 "AND i.indisprimary AND i.indimmediate))");
}

/* From 18 on a publication may have them, and says so by the names of columns. */
static void
put_generated(const char *names, int server_version, StrBuf *sql)
{
	strbuf_puts(sql, " UNION ALL SELECT 'generated', schema, name, NULL "
					 "FROM published WHERE EXISTS (SELECT FROM "
					 "pg_attribute AS a WHERE a.attrelid = published.oid "
					 "AND a.attgenerated = 's' AND NOT a.attisdropped");
	if (server_version >= 180000)
	{
		strbuf_puts(sql, " AND NOT ");
		put_listed(names, sql);
	}
	strbuf_puts(sql, ")");
}

/* A partition may be published as its root. */
static void
put_unpublished(const PairList *options, StrBuf *sql)
{
	const char *include = pairs_get(options, "include_tables");

	if (include == NULL)
		return;
	strbuf_puts(sql, " UNION ALL SELECT 'unpublished', m.schema, m.name, NULL "
					 "FROM (");
	tables_build_matching(include, pairs_get(options, "exclude_tables"), sql);
	strbuf_puts(sql, ") AS m WHERE (m.schema, m.name) NOT IN "
					 "(SELECT schema, name FROM published) "
					 "AND NOT EXISTS (SELECT FROM published "
					 "JOIN pg_partition_ancestors(format('%I.%I', m.schema, "
					 "m.name)::regclass) AS a ON a.relid = published.oid)");
}

/* Columns that are of a type, or have it in one of theirs.  Lists came with 15. */
static void
put_columns(const NotesAbout *about, const char *kind, const char *types,
			StrBuf *sql)
{
	strbuf_putf(sql,
				" UNION ALL SELECT '%s', schema, name, a.attname "
				"FROM published JOIN pg_attribute AS a "
				"ON a.attrelid = published.oid AND a.attnum > 0 "
				"AND NOT a.attisdropped WHERE a.atttypid IN ("
				"SELECT made.root FROM made JOIN pg_type AS t USING (oid) "
				"WHERE %s)",
				kind, types);
	if (about->server_version < 150000)
		return;
	strbuf_puts(sql, " AND ");
	put_listed(about->publications, sql);
}

static void
put_types(const NotesAbout *about, StrBuf *sql)
{
	char is_unfit[40];

	put_columns(about, "composites", "t.typtype = 'c'", sql);
	if (about->text)
		put_columns(about, "names",
					"t.typnamespace = 'pg_catalog'::regnamespace "
					"AND t.typtype = 'b' AND t.typname LIKE 'reg%'",
					sql);
	if (about->unfit == 0)
		return;
	snprintf(is_unfit, sizeof(is_unfit), "t.oid = %u", about->unfit);
	put_columns(about, "text", is_unfit, sql);
}

void
publication_notes_build(const NotesAbout *about, StrBuf *sql)
{
	put_published(about, sql);
	put_made(about->server_version, sql);
	put_without_identity(sql);
	put_generated(about->publications, about->server_version, sql);
	if (about->tables == NULL)
		put_unpublished(about->options, sql);
	put_types(about, sql);
	strbuf_puts(
		sql, ") SELECT kind, count(*) AS count, "
			 "string_agg(format('%I.%I', schema, name) || "
			 "coalesce('.' || quote_ident(attribute), ''), ', ' "
			 "ORDER BY n) FILTER (WHERE n <= " NAMES_MAX ") AS names "
			 "FROM (SELECT *, row_number() OVER (PARTITION BY kind "
			 "ORDER BY schema, name, attribute) AS n FROM notes) AS numbered "
			 "GROUP BY kind ORDER BY kind");
}

const PublicationNote *
publication_note(const char *kind)
{
	static const PublicationNote notes[] = {
		{"identity", "warning",
		 "updates and deletes fail on the server in %s published "
		 "table(s), which have no replica identity: %s"},
		{"generated", "warning",
		 "stored generated columns do not come, in %s published table(s): %s"},
		{"unpublished", "warning",
		 "include_tables matches %s table(s) that no publication has: %s"},
		{"composites", "info",
		 "the attributes of composites are those that the catalogs have now, "
		 "in %s published column(s): %s"},
		{"names", "info",
		 "reg* values come as names and not as OIDs, in %s published "
		 "column(s): %s"},
		{"text", "info",
		 "values come as text because of the type of %s published "
		 "column(s): %s"},
	};
	size_t i = sizeof(notes) / sizeof(notes[0]) - 1;

	while (i > 0 && strcmp(notes[i].kind, kind) != 0)
		i--;
	return &notes[i];
}
