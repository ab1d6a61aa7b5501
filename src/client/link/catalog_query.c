/*
 * catalog_query.c
 *		The catalogs, as whoever makes frames of pgoutput's messages asks.
 *
 * Asked over the control connection, which is pinned to pg_catalog.  Never over
 * the stream's own: a walsender keeps what a query made it load of tables and
 * publications, and would decode older changes by it.
 */
#include "client/link/catalog_query.h"

#include <stdlib.h>
#include <string.h>

#include "client/base/settings.h"
#include "common/option/names.h"

/* What each type is made of. */
static const char parts[] =
	" FROM %2$s JOIN pg_type AS t ON t.oid = %2$s.oid "
	"LEFT JOIN pg_range AS r ON r.rngtypid = t.oid "
	"LEFT JOIN pg_range AS m ON %1$s = t.oid "
	"LEFT JOIN pg_attribute AS a ON a.attrelid = t.typrelid "
	"AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped "
	"CROSS JOIN LATERAL (VALUES (t.typelem), (t.typbasetype), (r.rngsubtype), "
	"(m.rngtypid), (a.atttypid)) AS part (oid) WHERE part.oid <> 0";

/* What a type is an array of, it has as typelem; so has what is no array. */
static const char answer[] =
	"SELECT 't' AS what, t.oid, t.typname AS name, "
	"CASE WHEN %2$s THEN 'a' ELSE t.typtype::text END AS kind, "
	"CASE WHEN %2$s THEN t.typelem ELSE coalesce(nullif(t.typbasetype, 0), "
	"r.rngsubtype, m.rngtypid, 0) END AS part, t.typdelim::text AS delimiter, "
	"t.typtypmod AS typmod, t.typsend <> 0 AS sends, e.extname AS extension, "
	"a.attname AS field, a.atttypid AS field_type, "
	"a.atttypmod AS field_typmod, a.attnum "
	"FROM used JOIN pg_type AS t ON t.oid = used.oid "
	"LEFT JOIN pg_range AS r ON r.rngtypid = t.oid "
	"LEFT JOIN pg_range AS m ON %1$s = t.oid "
	"LEFT JOIN pg_depend AS d ON d.classid = 'pg_type'::regclass "
	"AND d.objid = t.oid AND d.refclassid = 'pg_extension'::regclass "
	"AND d.deptype = 'e' LEFT JOIN pg_extension AS e ON e.oid = d.refobjid "
	"LEFT JOIN pg_attribute AS a ON a.attrelid = t.typrelid "
	"AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped "
	"UNION ALL SELECT 'a', 0, (extract(epoch FROM statement_timestamp()) "
	"* 1000000)::bigint::text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
	"NULL, NULL, NULL "
	"UNION ALL SELECT 'k', tables.oid, '', NULL, NULL, NULL, NULL, "
	"NULL, NULL, NULL, NULL, NULL, NULL FROM tables "
	"UNION ALL SELECT 'p', i.indrelid, a.attname, NULL, NULL, NULL, NULL, "
	"NULL, NULL, NULL, NULL, NULL, a.attnum "
	"FROM tables JOIN pg_index AS i ON i.indrelid = tables.oid "
	"AND i.indisprimary AND i.indimmediate "
	"JOIN pg_attribute AS a ON a.attrelid = i.indrelid "
	"AND a.attnum = ANY (i.indkey) "
	"UNION ALL SELECT 'g', a.attrelid, a.attname, NULL, NULL, NULL, NULL, "
	"NULL, NULL, NULL, NULL, NULL, a.attnum "
	"FROM tables JOIN pg_attribute AS a ON a.attrelid = tables.oid "
	"AND a.attgenerated = 's' AND NOT a.attisdropped "
	"UNION ALL SELECT 'o', tables.oid, '', NULL, NULL, NULL, NULL, "
	"NULL, NULL, NULL, NULL, NULL, NULL "
	"FROM tables WHERE EXISTS (SELECT FROM pg_depend AS d "
	"JOIN pg_extension AS e ON e.oid = d.refobjid "
	"AND e.extname = '" PLUGIN_NAME "' "
	"WHERE d.classid = 'pg_class'::regclass AND d.objid = tables.oid "
	"AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') "
	"ORDER BY what, oid, attnum";

/* Multiranges, and handlers of subscripts, came with 14. */
static const char *
multirange_of(int server_version)
{
	return server_version >= 140000 ? "m.rngmultitypid" : "0::oid";
}

void
catalog_query_parts(StrBuf *sql, int server_version, const char *types)
{
	strbuf_putf(sql, parts, multirange_of(server_version), types);
}

static void
put_rest(StrBuf *sql, int server_version)
{
	const char *is_array =
		server_version >= 140000
			? "t.typsubscript = 'array_subscript_handler'::regproc"
			: "t.typelem <> 0 AND t.typlen = -1";

	strbuf_puts(sql, " UNION SELECT part.oid");
	catalog_query_parts(sql, server_version, "used");
	strbuf_puts(sql, ") ");
	strbuf_putf(sql, answer, multirange_of(server_version), is_array);
}

void
catalog_query_names(StrBuf *sql, const char *publications)
{
	char *name = malloc(strlen(publications) + 1);
	const char *comma = "";

	sql->failed |= name == NULL;
	strbuf_puts(sql, "ARRAY[");
	while (name != NULL && publications != NULL &&
		   sql_names_next(&publications, name))
	{
		strbuf_puts(sql, comma);
		strbuf_put_literal(sql, name);
		comma = ", ";
	}
	strbuf_puts(sql, "]::name[]");
	free(name);
}

static void
put_used(const char *tables, StrBuf *sql)
{
	strbuf_putf(sql,
				"used (oid) AS (SELECT a.atttypid FROM %s AS t "
				"JOIN pg_attribute AS a ON a.attrelid = t.oid",
				tables);
	strbuf_puts(sql, " WHERE a.attnum > 0 AND NOT a.attisdropped");
}

void
catalog_query_tables(StrBuf *sql, int server_version)
{
	put_used("tables", sql);
	put_rest(sql, server_version);
}

void
catalog_query_published(StrBuf *sql, int server_version,
						const char *publications)
{
	/* Lists of columns came with 15. */
	const char *lists =
		server_version >= 150000 ? "p.attnames" : "NULL::name[]";

	strbuf_puts(sql, "WITH RECURSIVE listed (oid, list) AS (SELECT c.oid, ");
	strbuf_puts(sql, lists);
	strbuf_puts(sql, " FROM pg_publication_tables AS p "
					 "JOIN pg_namespace AS n ON n.nspname = p.schemaname "
					 "JOIN pg_class AS c ON c.relnamespace = n.oid "
					 "AND c.relname = p.tablename WHERE p.pubname = ANY (");
	catalog_query_names(sql, publications);
	strbuf_puts(sql, ")), tables (oid) AS (SELECT DISTINCT oid FROM listed), ");
	put_used("listed", sql);
	strbuf_puts(sql, " AND (list IS NULL OR a.attname = ANY (list))");
	put_rest(sql, server_version);
}

void
catalog_query_table(StrBuf *sql, int server_version, uint32_t relid,
					const uint32_t *types, size_t ntypes)
{
	strbuf_putf(sql,
				"WITH RECURSIVE tables (oid) AS (SELECT '%u'::oid), "
				"used (oid) AS (SELECT unnest('{",
				relid);
	for (size_t i = 0; i < ntypes; i++)
		strbuf_putf(sql, "%s%u", i == 0 ? "" : ",", types[i]);
	strbuf_puts(sql, "}'::oid[])");
	put_rest(sql, server_version);
}
