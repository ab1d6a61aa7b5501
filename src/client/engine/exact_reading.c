/*
 * exact_reading.c
 *		The two ways to read tables: what is asked, and what becomes of it.
 *
 * plan.c and backfill_request.c have the statements of the one, published.c
 * those of the other.
 */
#include "client/engine/exact_reading.h"

#include <string.h>

#include "client/backfill/plan.h"
#include "client/backfill/published_query.h"
#include "client/link/publication.h"

static bool
begin_functions(Engine *engine, const Reader *reader, Failure *failure)
{
	(void) engine;
	if (reader->schema != NULL)
		return true;
	reader_lacks_extension(failure);
	return false;
}

static void
put_functions_plan(Engine *engine, const Reader *reader, const char *snapshot,
				   StrBuf *sql)
{
	plan_build(reader, engine->settings, engine->exact.request.tables, snapshot,
			   sql);
}

static bool
put_no_question(Engine *engine, int number, StrBuf *sql)
{
	(void) engine;
	(void) number;
	(void) sql;
	return false;
}

static void
put_functions_check(Engine *engine, const BackfillTable *table,
					const char *where, StrBuf *sql)
{
	plan_put_check(&engine->exact.desk, engine->settings, table->oid, where,
				   sql);
}

static void
put_functions_range(Engine *engine, Reader *reader, const BackfillTable *table,
					BlockRange range, const ei_x_buff *tag, StrBuf *sql)
{
	reader_build(reader,
				 &(ReadRequest){.snapshot = engine->exact.snapshot,
								.oid = table->oid,
								.filenode = table->filenode,
								.told_as = table->told_as,
								.settings = engine->settings,
								.tag = tag->buff,
								.tag_len = (size_t) tag->index,
								.by_blocks = true,
								.from_block = range.from,
								.blocks = range.blocks,
								.filter = table->where},
				 sql);
}

static bool
begin_copies(Engine *engine, const Reader *reader, Failure *failure)
{
	return published_begin(
		&engine->exact.published, engine->settings,
		PQserverVersion(reader->db.conn), engine->source.needs_text,
		reader->use == READER_USE_RAW && !reader->ascii, failure);
}

/* With the one that was made for inserts, once that is known. */
static StrBuf
publications(const Engine *engine)
{
	StrBuf names = {0};

	strbuf_puts(&names, "");
	if (publication_names(engine->settings) != NULL)
		publication_put_names(&engine->stream, &names);
	return names;
}

static void
put_copies_plan(Engine *engine, const Reader *reader, const char *snapshot,
				StrBuf *sql)
{
	StrBuf names = publications(engine);

	sql->failed |= names.failed;
	if (!names.failed)
		published_put_plan(names.data, PQserverVersion(reader->db.conn),
						   snapshot, sql);
	strbuf_free(&names);
}

static bool
put_copies_question(Engine *engine, int number, StrBuf *sql)
{
	int version = engine->exact.published.context.server_version;
	StrBuf names = publications(engine);

	sql->failed |= names.failed;
	if (!names.failed && number == 0)
		published_put_columns(names.data, version, sql);
	else if (!names.failed && number == 1)
		published_put_types(names.data, version, sql);
	strbuf_free(&names);
	return number < 2;
}

static bool
take_copies_answer(Engine *engine, int number, const PGresult *result,
				   Failure *failure)
{
	Published *published = &engine->exact.published;

	if (number == 0)
	{
		published_take_columns(published, result);
		return true;
	}
	return published_take_catalogs(published, result, failure);
}

static void
put_copies_check(Engine *engine, const BackfillTable *table, const char *where,
				 StrBuf *sql)
{
	(void) engine;
	published_put_check(table, where, sql);
}

static void
put_copies_range(Engine *engine, Reader *reader, const BackfillTable *table,
				 BlockRange range, const ei_x_buff *tag, StrBuf *sql)
{
	Exact *exact = &engine->exact;
	CopySource source;

	published_source(&exact->published, table->oid, &source);
	reader_copy(reader, &source, tag->buff, (size_t) tag->index);
	published_put_read(&exact->published, table, range, exact->snapshot, sql);
}

static const Reading functions = {
	.begin = begin_functions,
	.put_plan = put_functions_plan,
	.put_question = put_no_question,
	.put_check = put_functions_check,
	.put_range = put_functions_range,
};

static const Reading copies = {
	.begin = begin_copies,
	.put_plan = put_copies_plan,
	.put_question = put_copies_question,
	.take_answer = take_copies_answer,
	.put_check = put_copies_check,
	.put_range = put_copies_range,
};

/* One that is not known yet has what there is. */
static const Reading *
reading_of(const Engine *engine, OutputPlugin plugin)
{
	bool copied = plugin == PLUGIN_PGOUTPUT ||
				  (plugin == PLUGIN_AUTO && engine->exact.desk.schema == NULL &&
				   publication_names(engine->settings) != NULL);

	return copied ? &copies : &functions;
}

/* Its table is part of the extension. */
static bool
finds_store(Engine *engine, Failure *failure)
{
	Exact *exact = &engine->exact;
	bool found =
		exact->request.store != STORE_SERVER || exact->desk.schema != NULL;

	if (!found && exact->request.unkept)
		exact->request.store = STORE_NOWHERE;
	if (found || exact->request.unkept)
		return true;
	failure_set(failure, FAIL_CONFIG,
				"what is read is to be kept on the server, and the extension "
				"that has the table for it is not in this database");
	failure_hint(failure, "Keep it yourself: backfill_store: {load, save}.");
	return false;
}

bool
reading_begin(Engine *engine, Failure *failure)
{
	Exact *exact = &engine->exact;
	OutputPlugin plugin = engine->stream.plugin != PLUGIN_AUTO
							  ? engine->stream.plugin
							  : (OutputPlugin) engine->settings->plugin;

	exact->reading = reading_of(engine, plugin);
	return exact->reading->begin(engine, &exact->desk, failure) &&
		   finds_store(engine, failure);
}

void
reading_choose(Engine *engine)
{
	engine->exact.reading = reading_of(engine, engine->stream.plugin);
}

ReaderUse
reading_use(const Engine *engine)
{
	const Exact *exact = &engine->exact;

	if (exact->reading == &functions)
		return READER_USE_EXTENSION;
	return exact->raw || engine->stream.pgoutput.raw ? READER_USE_RAW
													 : READER_USE_COPY;
}

const Published *
reading_published(const Exact *exact)
{
	return exact->reading == &copies ? &exact->published : NULL;
}

/* What is not there yet a stream may still get; a copy of its own does not. */
bool
reading_lacks(const Engine *engine, StrBuf *lacking)
{
	const Exact *exact = &engine->exact;
	const char *named = exact->request.tables;

	if (engine->settings->create_publication)
		return false;
	if (plan_is_missing(&exact->plan, &exact->state, named))
		strbuf_puts(lacking, named);
	else if (exact->only && exact->state.count == 0)
		plan_put_unmatched(
			&exact->plan,
			pairs_get(&engine->settings->options, "include_tables"), lacking);
	return lacking->len > 0;
}

bool
reading_knows_slot(const Engine *engine, Failure *failure)
{
	const Exact *exact = &engine->exact;

	if (exact->request.store != STORE_NOWHERE || exact->only ||
		exact->round > 0)
		return true;
	failure_set(failure, FAIL_CONFIG,
				"slot \"%s\" was there before, and it is not known what of its "
				"tables has been read",
				engine->settings->slot);
	failure_hint(failure,
				 "Leave out --snapshot; or drop the slot, and begin anew.");
	return false;
}

void
reading_tell(Engine *engine, uint32_t oid)
{
	char text[600];

	if (published_unread(&engine->exact.published, oid, text, sizeof(text)))
		consumer_log(engine->consumer, "warning", "%s", text);
}

bool
reading_needs_raw(Engine *engine, const Failure *failure)
{
	Exact *exact = &engine->exact;

	if (reading_use(engine) != READER_USE_COPY ||
		(strcmp(failure->sqlstate, "22P05") != 0 &&
		 strcmp(failure->sqlstate, "22021") != 0))
		return false;
	exact->raw = exact->ending = true;
	exact->failure = *failure;
	return true;
}
