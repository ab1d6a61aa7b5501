/*
 * publication.c
 *		Steps of the set-up of a stream: its publications.
 *
 * With pgoutput one must be there before the slot is made: the server looks for
 * it as of each change, and up to PostgreSQL 17 does not get beyond one that had
 * none.  One that is made here has only tables whose updates and deletes it does
 * not forbid; those without a replica identity go into a second one.
 */
#include "client/link/publication.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/printable.h"
#include "client/link/catalog_query.h"
#include "client/link/session.h"
#include "client/link/table_patterns.h"
#include "common/option/names.h"

/* Behind the name of the first one. */
#define INSERTS_SUFFIX "_inserts"

/* So that a server does not cut the name of the second one. */
#define NAME_MAX_BYTES (63 - (int) (sizeof(INSERTS_SUFFIX) - 1))

const char *
publication_names(const Settings *settings)
{
	return pairs_get(&settings->options, "publication_names");
}

/* The first, quoted, with what is put behind its name. */
static void
put_first(const Settings *settings, const char *suffix, char quote, StrBuf *sql)
{
	const char *names = publication_names(settings);
	StrBuf first = {0};
	char *name = malloc(strlen(names) + 1);

	if (name != NULL && sql_names_next(&names, name))
		strbuf_puts(&first, name);
	strbuf_puts(&first, suffix);
	sql->failed |= name == NULL || first.failed;
	if (!sql->failed && quote == '"')
		strbuf_put_quoted(sql, first.data, '"');
	else if (!sql->failed)
		strbuf_put_literal(sql, first.data);
	strbuf_free(&first);
	free(name);
}

/* Without its end. */
static void
put_missing(const Settings *settings, StrBuf *sql)
{
	const char *names = publication_names(settings);

	strbuf_puts(sql, "(SELECT string_agg(quote_ident(name), ', ') "
					 "FROM unnest(");
	catalog_query_names(sql, names != NULL ? names : "");
	strbuf_puts(sql, ") AS name WHERE name NOT IN (SELECT pubname "
					 "FROM pg_publication)");
}

void
publication_put_missing(const Settings *settings, StrBuf *sql)
{
	put_missing(settings, sql);
	strbuf_puts(sql, ") AS missing");
}

/* Was one made for inserts; and which are not there, but for the first? */
static void
put_made(const Settings *settings, StrBuf *sql)
{
	if (!settings->create_publication || publication_names(settings) == NULL)
		return;
	strbuf_puts(sql, ", EXISTS (SELECT FROM pg_publication "
					 "WHERE pubname::text = ");
	put_first(settings, INSERTS_SUFFIX, '\'', sql);
	strbuf_puts(sql, ") AS inserts, ");
	put_missing(settings, sql);
	strbuf_puts(sql, " AND name <> ");
	put_first(settings, "", '\'', sql);
	strbuf_puts(sql, ") AS others");
}

void
publication_build_look(const Stream *stream, StrBuf *sql)
{
	strbuf_puts(sql, "SELECT ");
	if (stream->plugin == PLUGIN_PGOUTPUT)
	{
		session_pin_encoding(stream->pgoutput.raw, sql);
		strbuf_puts(sql, ", ");
	}
	publication_put_missing(stream->settings, sql);
	put_made(stream->settings, sql);
}

bool
publication_check_look(Stream *stream)
{
	Pgoutput *pgoutput = &stream->pgoutput;

	pgoutput->ascii = db_is_true(&stream->db, "ascii");
	pgoutput->inserts = db_is_true(&stream->db, "inserts");
	pgoutput->missing = db_value(&stream->db, "missing") != NULL;
	return (stream->plugin != PLUGIN_PGOUTPUT ||
			!publication_refuses(stream->settings, &stream->db.failure)) &&
		   publication_check_missing(stream->settings, &stream->db,
									 stream->confirmed != 0);
}

bool
publication_is_to_be(const Stream *stream)
{
	const Settings *settings = stream->settings;

	return publication_names(settings) != NULL &&
		   settings->create_publication && stream->confirmed == 0;
}

void
publication_build_named(const Stream *stream, StrBuf *sql)
{
	strbuf_puts(sql, "SELECT ");
	publication_put_missing(stream->settings, sql);
	put_made(stream->settings, sql);
}

/*
 * One that was there before and has gone is a warning of the plugin's; one that
 * is not there now is most often a name that was misspelled.
 */
bool
publication_check_named(Stream *stream)
{
	const char *missing = db_value(&stream->db, "missing");

	stream->pgoutput.inserts = db_is_true(&stream->db, "inserts");
	if (missing == NULL)
		return true;
	failure_set(&stream->db.failure, FAIL_CONFIG, "there is no publication %s",
				missing);
	failure_hint(&stream->db.failure,
				 "Correct publication_names, or run CREATE PUBLICATION %s FOR "
				 "TABLE ... in this database.",
				 missing);
	return false;
}

/* Names, as they stand in CREATE PUBLICATION, how many, and the first of them. */
static void
put_tables(StrBuf *sql, const char *name, const char *identity)
{
	static const char names[] = "string_agg(format('%%I.%%I', schema, name), "
								"', ' ORDER BY n) FILTER (WHERE %s identity";

	strbuf_putf(sql, names, identity);
	strbuf_putf(sql, ") AS %s, count(*) FILTER (WHERE %s identity) AS n_%s, ",
				name, identity, name);
	strbuf_putf(sql, names, identity);
	strbuf_putf(sql, " AND n <= 5) AS first_%s", name);
}

void
publication_build_tables(const Stream *stream, StrBuf *sql)
{
	const PairList *options = &stream->settings->options;

	strbuf_puts(sql, "SELECT ");
	put_tables(sql, "tables", "");
	strbuf_puts(sql, ", ");
	put_tables(sql, "inserts", "NOT");
	strbuf_puts(sql,
				" FROM (SELECT *, row_number() OVER (PARTITION BY identity "
				"ORDER BY schema, name) AS n FROM (");
	tables_build_matching(pairs_get(options, "include_tables"),
						  pairs_get(options, "exclude_tables"), sql);
	strbuf_puts(sql, ") AS matching) AS numbered");
}

static void
take_tables(const Db *db, const char *count, const char *names,
			ChosenTables *tables)
{
	const char *first = db_value(db, names);

	tables->count = db_number(db, count);
	copy_printable(tables->names, sizeof(tables->names),
				   first != NULL ? first : "");
}

static bool
is_too_long(const Settings *settings)
{
	const char *names = publication_names(settings);
	char *name = malloc(strlen(names) + 1);
	bool is = name != NULL && sql_names_next(&names, name) &&
			  strlen(name) > NAME_MAX_BYTES;

	free(name);
	return is;
}

static bool
refuse_long(Failure *failure)
{
	failure_set(failure, FAIL_CONFIG,
				"create_publication: a name may have at most %d bytes",
				NAME_MAX_BYTES);
	failure_hint(failure, "The one of tables without a replica identity has "
						  "\"" INSERTS_SUFFIX "\" behind it.");
	return false;
}

static bool
refuse_empty(const Settings *settings, Failure *failure)
{
	const PairList *options = &settings->options;
	const char *include = pairs_get(options, "include_tables");
	bool excludes = pairs_get(options, "exclude_tables") != NULL;

	if (include == NULL)
	{
		failure_set(failure, FAIL_CONFIG,
					"create_publication: it is not said for which tables");
		failure_hint(failure,
					 "Name them, or all of a schema: tables: [\"public.*\"], "
					 "or --tables='public.*'. A publication FOR ALL TABLES is "
					 "for a superuser to create.");
		return false;
	}
	failure_set(failure, FAIL_CONFIG,
				"create_publication: no table can be published that matches "
				"\"%s\"%s",
				include, excludes ? " and is not excluded" : "");
	failure_hint(failure,
				 "Check schema and name. Views, foreign, temporary and "
				 "unlogged tables cannot be published, and of a "
				 "partitioned table its partitions are.");
	return false;
}

bool
publication_check_tables(Stream *stream)
{
	ChosenTables *made = stream->pgoutput.made;

	take_tables(&stream->db, "n_tables", "first_tables", &made[0]);
	take_tables(&stream->db, "n_inserts", "first_inserts", &made[1]);
	if (is_too_long(stream->settings))
		return refuse_long(&stream->db.failure);
	if (made[0].count > 0 || made[1].count > 0)
		return true;
	return refuse_empty(stream->settings, &stream->db.failure);
}

void
publication_build_make(const Stream *stream, StrBuf *sql)
{
	const char *tables = db_value(&stream->db, "tables");
	const char *inserts = db_value(&stream->db, "inserts");

	strbuf_puts(sql, "CREATE PUBLICATION ");
	put_first(stream->settings, "", '"', sql);
	strbuf_puts(sql, tables != NULL ? " FOR TABLE " : "");
	strbuf_puts(sql, tables != NULL ? tables : "");
	if (inserts == NULL)
		return;
	strbuf_puts(sql, "; CREATE PUBLICATION ");
	put_first(stream->settings, INSERTS_SUFFIX, '"', sql);
	strbuf_putf(sql, " FOR TABLE %s WITH (publish = 'insert, truncate')",
				inserts);
}

bool
publication_check_made(Stream *stream)
{
	stream->pgoutput.untold = true;
	return true;
}

void
publication_put_made(const Settings *settings, bool inserts, StrBuf *name)
{
	put_first(settings, inserts ? INSERTS_SUFFIX : "", '"', name);
}

static void
put_names(const Settings *settings, bool inserts, StrBuf *names)
{
	strbuf_puts(names, publication_names(settings));
	if (!inserts)
		return;
	strbuf_puts(names, ", ");
	put_first(settings, INSERTS_SUFFIX, '"', names);
}

void
publication_put_names(const Stream *stream, StrBuf *names)
{
	put_names(stream->settings, stream->pgoutput.inserts, names);
}

void
publication_put_wanted(const Settings *settings, StrBuf *names)
{
	put_names(settings, settings->create_publication, names);
}

void
publication_put_options(const Stream *stream, StrBuf *sql)
{
	const Pgoutput *pgoutput = &stream->pgoutput;
	StrBuf names = {0};

	publication_put_names(stream, &names);
	sql->failed |= names.failed;
	strbuf_puts(sql, stream_streams(stream)
						 ? " (proto_version '2', streaming 'on', "
						 : " (proto_version '1', ");
	strbuf_puts(sql, "publication_names ");
	strbuf_put_quoted(sql, strbuf_text(&names), '\'');
	strbuf_puts(sql, pgoutput->text ? "" : ", binary 'true'");
	strbuf_puts(sql, pgoutput->messages ? ", messages 'true'" : "");
	if (pgoutput->local_only && stream->server_version >= 160000)
		strbuf_puts(sql, ", origin 'none'");
	strbuf_puts(sql, ")");
	strbuf_free(&names);
}
