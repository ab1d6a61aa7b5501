/*
 * published_query.c
 *		What the publications of a stream have, as whoever copies it asks.
 *
 * As pgoutput decides it: of publications that have a partition by way of
 * different ancestors the topmost counts, and then only those that have it so.
 * A table with several row filters has the rows of any; as a subscription copies
 * it, also where a publication leaves inserts out.
 */
#include "client/backfill/published_query.h"

#include "client/backfill/backfill_reader.h"
#include "client/link/catalog_query.h"

/* Column lists and row filters came with 15. */
static void
put_told(const char *names, int server_version, StrBuf *sql)
{
	strbuf_puts(sql, "WITH named AS (SELECT c.oid AS root, c.relkind, ");
	strbuf_puts(sql, server_version >= 150000
						 ? "p.attnames, p.rowfilter"
						 : "NULL::name[] AS attnames, NULL AS rowfilter");
	strbuf_puts(sql, " FROM pg_publication_tables AS p "
					 "JOIN pg_namespace AS n ON n.nspname = p.schemaname "
					 "JOIN pg_class AS c ON c.relnamespace = n.oid "
					 "AND c.relname = p.tablename WHERE p.pubname = ANY (");
	catalog_query_names(sql, names);
	strbuf_puts(
		sql,
		")), leaves AS (SELECT root AS oid, 0 AS level, * FROM named "
		"WHERE relkind = 'r' UNION ALL SELECT t.relid::oid, t.level, n.* "
		"FROM named AS n CROSS JOIN LATERAL pg_partition_tree(n.root) AS t "
		"WHERE n.relkind = 'p' AND t.isleaf), "
		"told AS (SELECT DISTINCT ON (oid) oid, root, min(attnames) AS columns, "
		"CASE WHEN bool_and(rowfilter IS NOT NULL) "
		"THEN string_agg(format('(%s)', rowfilter), ' OR ') END AS filter "
		"FROM leaves GROUP BY oid, root, level ORDER BY oid, level DESC) ");
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

/* Column "a"?  Up to 17 generated ones are listed, but not sent. */
static void
put_is_published(int server_version, StrBuf *sql)
{
	strbuf_puts(sql, server_version >= 180000 ? "(told.columns IS NULL "
											  : "a.attgenerated = '' AND "
												"(told.columns IS NULL ");
	strbuf_puts(sql, "OR a.attname = ANY (told.columns)) ");
}

/* In the words of etf_tables(). */
static void
put_reason(int server_version, StrBuf *sql)
{
	strbuf_puts(sql, "CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') "
					 "THEN 'no USAGE privilege on the schema' "
					 "WHEN NOT has_table_privilege(c.oid, 'SELECT') AND EXISTS "
					 "(SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid "
					 "AND a.attnum > 0 AND NOT a.attisdropped AND ");
	put_is_published(server_version, sql);
	strbuf_puts(
		sql, "AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')) "
			 "THEN 'no SELECT privilege on all columns' "
			 "WHEN row_security_active(c.oid) "
			 "THEN 'row-level security applies to this role' END AS reason, ");
}

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
	strbuf_puts(sql, "SELECT *, reason IS NULL AS readable");
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
	put_reason(server_version, sql);
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
		"SELECT told.oid AS relid, told.root AS told_as, n.nspname AS schema, "
		"r.relname AS name, r.relreplident AS identity, told.filter, "
		"a.attname AS column, a.atttypid AS typid, a.atttypmod AS typmod, "
		"r.relreplident = 'f' OR EXISTS (SELECT FROM pg_index AS i "
		"WHERE i.indrelid = r.oid AND a.attnum = ANY (i.indkey) "
		"AND CASE r.relreplident WHEN 'i' THEN i.indisreplident "
		"WHEN 'd' THEN i.indisprimary AND i.indimmediate END) AS key "
		"FROM told JOIN pg_class AS r ON r.oid = told.root "
		"JOIN pg_namespace AS n ON n.oid = r.relnamespace "
		"LEFT JOIN pg_attribute AS a ON a.attrelid = told.root "
		"AND a.attnum > 0 AND NOT a.attisdropped AND ");
	put_is_published(server_version, sql);
	strbuf_puts(sql, "ORDER BY told.oid, a.attnum");
}
