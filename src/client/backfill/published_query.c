/*
 * published_query.c
 *		What the publications of a stream have, as whoever copies it asks.
 *
 * As pgoutput decides it: of publications that have a partition by way of
 * different ancestors the topmost counts, and then only those that have it so.
 * A table with several row filters has the rows of any; as a subscription copies
 * it, also where a publication leaves inserts out.
 *
 * Of the catalogs themselves, which a snapshot has as they were: the view
 * pg_publication_tables calls functions, and these have them as they are now.
 */
#include "client/backfill/published_query.h"

#include "client/backfill/backfill_reader.h"
#include "client/link/catalog_query.h"

static void
put_asked(const char *names, int server_version, StrBuf *sql)
{
	strbuf_puts(sql, "WITH RECURSIVE asked AS (SELECT oid, puballtables, "
					 "pubviaroot, ");
	strbuf_puts(sql, server_version >= 180000 ? "pubgencols = 's'" : "false");
	strbuf_puts(sql, " AS stored FROM pg_publication WHERE pubname = ANY (");
	catalog_query_names(sql, names);
	strbuf_puts(sql, ")), ");
}

/*
 * What a server was made with is not published; a partition that is being
 * detached has no ancestors any more.
 */
void
published_put_levels(int server_version, StrBuf *sql)
{
	strbuf_puts(sql, "levels (oid, relid, level) AS (SELECT oid, oid, 0 "
					 "FROM pg_class WHERE relkind = 'r' "
					 "AND relpersistence = 'p' AND oid >= 16384 "
					 "UNION ALL SELECT l.oid, i.inhparent, l.level + 1 "
					 "FROM levels AS l JOIN pg_class AS c ON c.oid = l.relid "
					 "AND c.relispartition JOIN pg_inherits AS i "
					 "ON i.inhrelid = l.relid");
	if (server_version >= 140000)
		strbuf_puts(sql, " AND NOT i.inhdetachpending");
	strbuf_puts(sql, ")");
}

/* Schemas came with 15, tables that are left out with 19. */
static void
put_is_covered(int server_version, StrBuf *sql)
{
	bool excepts = server_version >= 190000;

	strbuf_puts(sql, "p.puballtables");
	if (excepts)
		strbuf_puts(sql, " AND NOT EXISTS (SELECT FROM pg_publication_rel AS r "
						 "JOIN levels AS e ON e.relid = r.prrelid "
						 "WHERE r.prpubid = p.oid AND r.prexcept "
						 "AND e.oid = l.oid)");
	strbuf_puts(sql, " OR EXISTS (SELECT FROM pg_publication_rel AS r "
					 "WHERE r.prpubid = p.oid AND r.prrelid = l.relid");
	strbuf_puts(sql, excepts ? " AND NOT r.prexcept)" : ")");
	if (server_version >= 150000)
		strbuf_puts(sql, " OR EXISTS (SELECT FROM pg_publication_namespace "
						 "AS s WHERE s.pnpubid = p.oid "
						 "AND s.pnnspid = c.relnamespace)");
}

/* For each publication that has a table, what it is told as. */
static void
put_covered(int server_version, StrBuf *sql)
{
	strbuf_puts(sql, "covered AS (SELECT DISTINCT ON (l.oid, p.oid) l.oid, "
					 "CASE WHEN p.pubviaroot THEN l.relid ELSE l.oid END "
					 "AS root, CASE WHEN p.pubviaroot THEN l.level ELSE 0 END "
					 "AS level, p.oid AS pub, p.puballtables, p.stored "
					 "FROM levels AS l JOIN pg_class AS c ON c.oid = l.relid "
					 "CROSS JOIN asked AS p WHERE ");
	put_is_covered(server_version, sql);
	strbuf_puts(sql, " ORDER BY l.oid, p.oid, l.level DESC), ");
}

/* What a publication says of a table does not count where it has all of them. */
static const char with_lists[] =
	"told AS (SELECT DISTINCT ON (p.oid) p.oid, p.root, "
	"bool_or(p.stored) AS stored, "
	"min((SELECT array_agg(a.attname ORDER BY a.attnum) "
	"FROM pg_attribute AS a WHERE a.attrelid = r.prrelid "
	"AND a.attnum = ANY (r.prattrs))) AS columns, "
	"CASE WHEN bool_and(r.prqual IS NOT NULL) THEN string_agg("
	"format('(%s)', pg_get_expr(r.prqual, r.prrelid)), ' OR ') END AS filter "
	"FROM covered AS p LEFT JOIN pg_publication_rel AS r "
	"ON r.prpubid = p.pub AND r.prrelid = p.root AND NOT p.puballtables "
	"AND NOT EXISTS (SELECT FROM pg_publication_namespace AS s "
	"JOIN pg_class AS c ON c.relnamespace = s.pnnspid "
	"WHERE s.pnpubid = p.pub AND c.oid = p.root) "
	"GROUP BY p.oid, p.root, p.level ORDER BY p.oid, p.level DESC)";

static const char without_lists[] =
	"told AS (SELECT DISTINCT ON (oid) oid, root, stored, "
	"NULL::name[] AS columns, NULL::text AS filter "
	"FROM covered ORDER BY oid, level DESC)";

/* Column lists and row filters came with 15. */
static void
put_told(const char *names, int server_version, StrBuf *sql)
{
	put_asked(names, server_version, sql);
	published_put_levels(server_version, sql);
	strbuf_puts(sql, ", ");
	put_covered(server_version, sql);
	strbuf_puts(sql, server_version >= 150000 ? with_lists : without_lists);
}

/*
 * Ranges of blocks are asked for by ctid.  That is a scan of the whole table up
 * to 13; and a right to columns alone is none to ctid.  A table without blocks
 * is read at once.
 */
static void
put_pages(int server_version, StrBuf *sql)
{
	strbuf_puts(sql, server_version >= 140000
						 ? "CASE WHEN has_table_privilege(c.oid, 'SELECT') "
						   "THEN pg_relation_size(c.oid) / "
						   "current_setting('block_size')::int ELSE 0 END"
						 : "0");
	strbuf_puts(sql, " AS pages, ");
}

/* Column "a"? */
#define IS_PUBLISHED                                           \
	"CASE WHEN told.columns IS NOT NULL THEN a.attname = ANY " \
	"(told.columns) ELSE a.attgenerated = '' OR (told.stored " \
	"AND a.attgenerated = 's') END "

/* In the words of etf_tables(). */
static const char reason[] =
	"CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') "
	"THEN 'no USAGE privilege on the schema' "
	"WHEN NOT has_table_privilege(c.oid, 'SELECT') AND EXISTS "
	"(SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid "
	"AND a.attnum > 0 AND NOT a.attisdropped AND " IS_PUBLISHED
	"AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')) "
	"THEN 'no SELECT privilege on all columns' "
	"WHEN row_security_active(c.oid) "
	"THEN 'row-level security applies to this role' END AS reason, ";

/* What we keep ourselves is of no interest, as with our plugin. */
static const char of_others[] =
	"NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e "
	"ON e.oid = d.refobjid AND e.extname = '" PLUGIN_NAME "' "
	"WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid "
	"AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')";

void
published_put_plan(const char *names, int server_version, const char *snapshot,
				   StrBuf *sql)
{
	if (snapshot != NULL)
		reader_put_begin(snapshot, sql);
	put_told(names, server_version, sql);
	strbuf_puts(sql, " SELECT *, reason IS NULL AS readable");
	strbuf_puts(sql, snapshot != NULL
						 ? ", (SELECT pg_export_snapshot()) AS snapshot"
						 : "");
	strbuf_puts(sql, " FROM (SELECT c.oid AS relid, n.nspname AS schema, "
					 "c.relname AS name, ");
	put_pages(server_version, sql);
	strbuf_puts(sql, "coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)) / "
					 "current_setting('block_size')::int, 0) AS toast_pages, "
					 "c.reltuples AS rows, c.relreplident AS identity, "
					 "c.relfilenode AS filenode, told.root AS told_as, "
					 "rn.nspname AS told_schema, r.relname AS told_name, ");
	strbuf_puts(sql, reason);
	strbuf_puts(
		sql, "(SELECT array_agg(a.attname) FROM pg_index AS i "
			 "JOIN pg_attribute AS a ON a.attrelid = i.indrelid "
			 "AND a.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid "
			 "AND CASE c.relreplident WHEN 'i' THEN i.indisreplident "
			 "WHEN 'n' THEN false ELSE i.indisprimary AND i.indimmediate END) "
			 "AS key FROM told JOIN pg_class AS c ON c.oid = told.oid "
			 "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
			 "JOIN pg_class AS r ON r.oid = told.root "
			 "JOIN pg_namespace AS rn ON rn.oid = r.relnamespace "
			 "WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND ");
	strbuf_puts(sql, of_others);
	strbuf_puts(sql, ") AS published");
}

void
published_put_columns(const char *names, int server_version, StrBuf *sql)
{
	put_told(names, server_version, sql);
	strbuf_puts(
		sql,
		" SELECT told.oid AS relid, told.root AS told_as, n.nspname AS schema, "
		"r.relname AS name, r.relreplident AS identity, told.filter, "
		"a.attname AS column, a.atttypid AS typid, a.atttypmod AS typmod, "
		"r.relreplident = 'f' OR EXISTS (SELECT FROM pg_index AS i "
		"WHERE i.indrelid = r.oid AND a.attnum = ANY (i.indkey) "
		"AND CASE r.relreplident WHEN 'i' THEN i.indisreplident "
		"WHEN 'd' THEN i.indisprimary AND i.indimmediate END) AS key "
		"FROM told JOIN pg_class AS r ON r.oid = told.root "
		"JOIN pg_namespace AS n ON n.oid = r.relnamespace "
		"LEFT JOIN pg_attribute AS a ON a.attrelid = told.root "
		"AND a.attnum > 0 AND NOT a.attisdropped AND " IS_PUBLISHED
		"ORDER BY told.oid, a.attnum");
}

void
published_put_types(const char *names, int server_version, StrBuf *sql)
{
	put_told(names, server_version, sql);
	strbuf_puts(sql, ", tables (oid) AS (SELECT DISTINCT root FROM told), ");
	catalog_query_tables(sql, server_version);
}
