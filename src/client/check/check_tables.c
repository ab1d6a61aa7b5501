/*
 * check_tables.c
 *		What is looked at of tables and publications.
 *
 * The builders of rows of checks.c.
 */
#include "client/check/checks.h"
#include "client/link/catalog_query.h"
#include "client/link/publication.h"
#include "client/link/publication_notes.h"
#include "client/link/table_patterns.h"

#define IDENTITY_HINT                                                        \
	"Their updates and deletes do not identify the row: add a primary key, " \
	"or run ALTER TABLE ... REPLICA IDENTITY FULL."

/* Those of extensions are not for readers: ours has some itself. */
#define OF_EXTENSIONS                                                      \
	"(SELECT n.nspname, c.relname FROM pg_depend AS d JOIN pg_class AS c " \
	"ON c.oid = d.objid JOIN pg_namespace AS n ON n.oid = c.relnamespace " \
	"WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e')"

void
check_build_patterns(const Settings *settings, int server_version, StrBuf *sql)
{
	(void) server_version;
	if (!tables_are_named(&settings->options))
		return;
	strbuf_puts(
		sql, "SELECT 'warning', CASE option WHEN 'include_tables' "
			 "THEN format('\"%s\" matches no table', pattern) "
			 "ELSE format('\"%s\" of %s matches no column', pattern, option) "
			 "END, CASE option WHEN 'include_tables' "
			 "THEN 'Check schema and name: \\dt *.* in psql lists the "
			 "tables.' ELSE 'Check schema, table and column: \\d+ in psql "
			 "lists them. Until it is right such a column is treated as if "
			 "the option did not name it.' END FROM (");
	tables_build(&settings->options, sql);
	strbuf_puts(sql, ") AS p");
}

/* The names of the first of them, of columns schema, name and identity. */
void
check_build_tables(const Settings *settings, int server_version, StrBuf *sql)
{
	const PairList *options = &settings->options;
	const char *include = pairs_get(options, "include_tables");

	(void) server_version;
	if (publication_names(settings) != NULL)
		return;
	strbuf_puts(sql, "SELECT CASE WHEN count(*) = 0 OR bool_and(identity) "
					 "THEN 'ok' ELSE 'warning' END, CASE WHEN count(*) = 0 "
					 "THEN 'none yet' WHEN bool_and(identity) THEN "
					 "format('%s, each with a replica identity', count(*)) "
					 "ELSE format('%s of %s have no replica identity: %s%s', "
					 "count(*) FILTER (WHERE NOT identity), count(*), "
					 "string_agg(format('%I.%I', schema, name), ', ' "
					 "ORDER BY schema, name) FILTER (WHERE n <= 5 "
					 "AND NOT identity), CASE WHEN count(*) FILTER "
					 "(WHERE NOT identity) > 5 THEN ', ...' ELSE '' END) END, "
					 "'" IDENTITY_HINT
					 "' FROM (SELECT *, row_number() OVER (PARTITION BY "
					 "identity ORDER BY schema, name) AS n FROM (");
	tables_build_matching(include != NULL ? include : "*.*",
						  pairs_get(options, "exclude_tables"), sql);
	strbuf_puts(sql, ") AS matching WHERE (schema, name) NOT IN " OF_EXTENSIONS
					 ") AS numbered");
}

/* Whether one can be made is tried: see trial.c. */
void
check_build_publications(const Settings *settings, int server_version,
						 StrBuf *sql)
{
	(void) server_version;
	if (publication_names(settings) == NULL)
		return;
	strbuf_puts(sql, "SELECT CASE WHEN missing IS NULL THEN 'ok' "
					 "ELSE 'config' END, "
					 "CASE WHEN missing IS NULL THEN 'all of them exist' "
					 "ELSE 'missing: ' || missing END, "
					 "'Run CREATE PUBLICATION ' || missing || ' FOR TABLE ... "
					 "in this database, before the slot is created.' "
					 "FROM asked, (SELECT ");
	publication_put_missing(settings, sql);
	strbuf_puts(sql, ") AS p");
	if (settings->create_publication)
		strbuf_puts(sql, " WHERE missing IS NULL OR EXISTS (SELECT FROM "
						 "pg_replication_slots AS s "
						 "WHERE s.slot_name = asked.slot)");
}

/* The notes are formats, with places for the count and the names. */
void
check_build_published(const Settings *settings, int server_version, StrBuf *sql)
{
	static const char *const kinds[] = {"identity", "generated", "unpublished"};

	NotesAbout about = {.options = &settings->options,
						.server_version = server_version};
	StrBuf names = {0};

	if (publication_names(settings) == NULL)
		return;
	strbuf_puts(sql, "SELECT 'warning', format(CASE kind ");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		strbuf_putf(sql, "WHEN '%s' THEN '%s' ", kinds[i],
					publication_note(kinds[i])->text);
	strbuf_puts(sql, "END, count, names), CASE kind WHEN 'identity' THEN "
					 "'Add a primary key, or publish only inserts of them.' "
					 "WHEN 'generated' THEN 'Compute them in the consumer.' "
					 "ELSE 'Run ALTER PUBLICATION ... ADD TABLE.' END FROM (");
	publication_put_wanted(settings, &names);
	about.publications = strbuf_text(&names);
	publication_notes_build(&about, sql);
	/*
	 * Of composites there is nothing to be mended; and where there is no
	 * publication at all, that is told.
	 */
	strbuf_puts(sql, ") AS notes WHERE kind <> 'composites' "
					 "AND EXISTS (SELECT FROM pg_publication "
					 "WHERE pubname = ANY (");
	catalog_query_names(sql, about.publications);
	strbuf_puts(sql, "))");
	sql->failed |= names.failed;
	strbuf_free(&names);
}
