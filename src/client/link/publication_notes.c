/*
 * publication_notes.c
 *		What a stream of pgoutput will not have, as its publications are.
 *
 * Asked once, over the control connection; told by catalogs.c.
 */
#include "client/link/publication_notes.h"

#include <string.h>

#include "client/link/catalog_query.h"
#include "client/link/table_patterns.h"

/* Names in one sentence. */
#define NAMES_MAX "5"

static void
put_published(const char *names, StrBuf *sql)
{
	strbuf_puts(sql, "WITH published AS (SELECT c.oid, p.schemaname AS schema, "
					 "p.tablename AS name, c.relreplident, "
					 "bool_or(q.pubupdate OR q.pubdelete) AS changes "
					 "FROM pg_publication_tables AS p "
					 "JOIN pg_publication AS q ON q.pubname = p.pubname "
					 "JOIN pg_namespace AS n ON n.nspname = p.schemaname "
					 "JOIN pg_class AS c ON c.relnamespace = n.oid "
					 "AND c.relname = p.tablename WHERE p.pubname = ANY (");
	catalog_query_names(sql, names);
	strbuf_puts(sql, ") GROUP BY 1, 2, 3, 4), notes AS ("
					 "SELECT 'identity' AS kind, schema, name FROM published "
					 "WHERE changes AND (relreplident = 'n' "
					 "OR relreplident = 'd' AND NOT EXISTS (SELECT FROM "
					 "pg_index AS i WHERE i.indrelid = published.oid "
					 "AND i.indisprimary AND i.indimmediate))");
}

/* From 18 on a publication may have them, and says so by the names of columns. */
static void
put_generated(const char *names, int server_version, StrBuf *sql)
{
	strbuf_puts(sql, " UNION ALL SELECT 'generated', schema, name "
					 "FROM published WHERE EXISTS (SELECT FROM "
					 "pg_attribute AS a WHERE a.attrelid = published.oid "
					 "AND a.attgenerated = 's' AND NOT a.attisdropped");
	if (server_version >= 180000)
	{
		strbuf_puts(sql, " AND NOT EXISTS (SELECT FROM pg_publication_tables "
						 "AS p WHERE p.schemaname = published.schema "
						 "AND p.tablename = published.name "
						 "AND a.attname = ANY (p.attnames) "
						 "AND p.pubname = ANY (");
		catalog_query_names(sql, names);
		strbuf_puts(sql, "))");
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
	strbuf_puts(sql, " UNION ALL SELECT 'unpublished', m.schema, m.name "
					 "FROM (");
	tables_build_matching(include, pairs_get(options, "exclude_tables"), sql);
	strbuf_puts(sql, ") AS m WHERE (m.schema, m.name) NOT IN "
					 "(SELECT schema, name FROM published) "
					 "AND NOT EXISTS (SELECT FROM published "
					 "JOIN pg_partition_ancestors(format('%I.%I', m.schema, "
					 "m.name)::regclass) AS a ON a.relid = published.oid)");
}

void
publication_notes_build(const Settings *settings, const char *names,
						int server_version, StrBuf *sql)
{
	put_published(names, sql);
	put_generated(names, server_version, sql);
	put_unpublished(&settings->options, sql);
	strbuf_puts(sql, ") SELECT kind, count(*) AS count, "
					 "string_agg(format('%I.%I', schema, name), ', ' "
					 "ORDER BY n) FILTER (WHERE n <= " NAMES_MAX ") AS names "
					 "FROM (SELECT *, row_number() OVER (PARTITION BY kind "
					 "ORDER BY schema, name) AS n FROM notes) AS numbered "
					 "GROUP BY kind ORDER BY kind");
}

const char *
publication_note(const char *kind)
{
	if (strcmp(kind, "identity") == 0)
		return "updates and deletes fail on the server in %s published "
			   "table(s), which have no replica identity: %s";
	if (strcmp(kind, "generated") == 0)
		return "stored generated columns do not come, in %s published "
			   "table(s): %s";
	return "include_tables matches %s table(s) that no publication has: %s";
}
