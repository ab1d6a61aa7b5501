/*
 * published.c
 *		Tables as the publications of a stream have them, to be copied.
 *
 * published_query.c has the questions, copy_rows.c makes the frames.  A table's
 * plan is made of the message that pgoutput would send of it, so a row that is
 * read is the same term as that of an insert.
 */
#include "client/backfill/published.h"

#include <stdlib.h>
#include <string.h>

#include "client/source/host.h"
#include "client/source/source.h"
#include "common/option/pattern.h"

/* Of a leaf: what it is told as has the columns. */
typedef struct PublishedTable
{
	uint32_t told_as;
	char *filter;  /* of the publications; NULL: all rows */
	char *message; /* as of pgoutput, see pgoutput.h */
	size_t message_len;
	char *formats; /* a WireFormat for each column; once the types are known */
} PublishedTable;

static void
free_table(PublishedTable *table)
{
	free(table->filter);
	free(table->message);
	free(table->formats);
	free(table);
}

void
published_free(Published *published)
{
	for (uint32_t i = 0; i < published->tables.size; i++)
		if (published->tables.slots[i].item != NULL)
			free_table(published->tables.slots[i].item);
	free(published->tables.slots);
	plans_free(&published->plans);
	catalog_free(&published->catalog);
	*published = (Published){.text = false};
}

bool
published_begin(Published *published, const Settings *settings,
				int server_version, bool text, bool raw, Failure *failure)
{
	published_free(published);
	published->format = settings->format;
	published->text = text;
	published->context =
		(PlanContext){.options = &published->options,
					  .host = raw ? &source_raw_host : &source_host,
					  .catalog = &published->catalog,
					  .server_version = server_version};
	return source_read_options(settings, server_version, &published->options,
							   failure);
}

bool
published_wants(const Published *published, const char *patterns,
				const char *schema, const char *name)
{
	return published->options.actions != 0 &&
		   options_want_table(&published->options, schema, name) &&
		   (patterns == NULL || patterns_match_table(patterns, schema, name));
}

static void
put_number(StrBuf *message, uint32_t number, int size)
{
	for (int i = size - 1; i >= 0; i--)
		strbuf_put(message, &(char){(char) (number >> (8 * i))}, 1);
}

static void
put_string(StrBuf *message, const char *text)
{
	strbuf_put(message, text, strlen(text) + 1);
}

static bool
is_column_of(const Answer *answer, uint32_t relid)
{
	return !answer_ends(answer) && answer_oid(answer, "relid") == relid &&
		   answer_text(answer, "column") != NULL;
}

static int
count_columns(Answer answer, uint32_t relid)
{
	int first = answer.row;

	while (is_column_of(&answer, relid))
		answer.row++;
	return answer.row - first;
}

static void
put_column(StrBuf *message, const Answer *answer)
{
	put_number(message, answer_char(answer, "key") == 't', 1);
	put_string(message, answer_text(answer, "column"));
	put_number(message, answer_oid(answer, "typid"), 4);
	put_number(message, (uint32_t) answer_int(answer, "typmod"), 4);
}

/* Returns how many rows the table has in the answer. */
static int
take_table(Published *published, Answer answer)
{
	PublishedTable *table = source_scratch(NULL, sizeof(PublishedTable));
	const char *filter = answer_text(&answer, "filter");
	uint32_t relid = answer_oid(&answer, "relid");
	int ncolumns = count_columns(answer, relid);
	StrBuf message = {0};

	*table = (PublishedTable){.told_as = answer_oid(&answer, "told_as")};
	table->filter = filter != NULL ? source_copy(filter) : NULL;
	strbuf_puts(&message, "R");
	put_number(&message, table->told_as, 4);
	put_string(&message, answer_text(&answer, "schema"));
	put_string(&message, answer_text(&answer, "name"));
	strbuf_put(&message, answer_text(&answer, "identity"), 1);
	put_number(&message, (uint32_t) ncolumns, 2);
	for (; is_column_of(&answer, relid); answer.row++)
		put_column(&message, &answer);
	table->message = message.data;
	table->message_len = message.failed ? 0 : message.len;
	oidmap_put(&published->tables, relid, table, source_scratch);
	return ncolumns > 0 ? ncolumns : 1;
}

void
published_take_columns(Published *published, const PGresult *result)
{
	Answer answer = {result, 0};

	while (!answer_ends(&answer))
		answer.row += take_table(published, answer);
}

/* What the catalogs did not tell of, they do not know. */
static bool
make_plan(Published *published, const PublishedTable *table)
{
	PgReader reader = pg_reader(table->message, table->message_len);
	PlanQuestion question;
	PgRelation relation;

	if (pg_byte(&reader) != 'R' || !pg_read_relation(&reader, &relation))
		return false;
	if (plans_take(&published->plans, &published->context, &relation,
				   table->message, table->message_len, &question))
		return true;
	catalog_asked(&published->catalog, question.relid, question.types,
				  question.ntypes);
	return plans_take(&published->plans, &published->context, &relation,
					  table->message, table->message_len, &question);
}

static WireFormat
format_of(const Published *published, const WireType *type)
{
	const WireType *culprit;

	return published->text || !type->sends || !wire_fits_binary(type, &culprit)
			   ? WIRE_TEXT
			   : WIRE_BINARY;
}

static bool
make_table(Published *published, PublishedTable *table)
{
	const Plan *plan;

	if (!make_plan(published, table))
		return false;
	plan = plans_get(&published->plans, &published->context, table->told_as);
	table->formats = source_scratch(NULL, (size_t) plan->ncolumns + 1);
	for (int i = 0; i < plan->ncolumns; i++)
		table->formats[i] = (char) format_of(published, plan->columns[i].type);
	return true;
}

bool
published_take_catalogs(Published *published, const PGresult *result,
						Failure *failure)
{
	catalog_take(&published->catalog, result);
	if (!source_choose_format(
			published->format, published->context.server_version,
			published->catalog.unfit, &published->text, failure))
		return false;
	for (uint32_t i = 0; i < published->tables.size; i++)
	{
		PublishedTable *table = published->tables.slots[i].item;

		if (table == NULL || make_table(published, table))
			continue;
		failure_set(failure, FAIL_INTERNAL, "a table was not described");
		return false;
	}
	return true;
}

static void
put_name(StrBuf *sql, const BackfillTable *table)
{
	strbuf_put_quoted(sql, table->schema, '"');
	strbuf_puts(sql, ".");
	strbuf_put_quoted(sql, table->name, '"');
}

/*
 * Texts are those of the output functions, which a cast to text is not for each
 * type; NULL is not a row of NULLs.
 */
static void
put_columns(StrBuf *sql, const Plan *plan, const char *formats)
{
	for (int i = 0; i < plan->ncolumns; i++)
	{
		StrBuf name = {0};

		strbuf_put_quoted(&name, plan->columns[i].name.text, '"');
		sql->failed |= name.failed;
		strbuf_puts(sql, i == 0 ? " " : ", ");
		if (!name.failed && formats[i] == WIRE_TEXT)
			strbuf_putf(sql,
						"CASE WHEN %s IS DISTINCT FROM NULL "
						"THEN pg_catalog.format('%%s', %s) END",
						name.data, name.data);
		else if (!name.failed)
			strbuf_puts(sql, name.data);
		strbuf_free(&name);
	}
}

/*
 * An old snapshot does not keep a table as it was: rows of another file are
 * missing, and values of another type are not what the plan says.
 */
static void
put_same(StrBuf *sql, const BackfillTable *table, const Plan *plan)
{
	strbuf_putf(sql,
				"SELECT pg_catalog.pg_relation_filenode(%lu::pg_catalog.oid) "
				"OPERATOR(pg_catalog.=) %lu::pg_catalog.oid AND ARRAY[",
				(unsigned long) table->oid, (unsigned long) table->filenode);
	for (int i = 0; i < plan->ncolumns; i++)
	{
		strbuf_puts(sql, i == 0 ? "pg_catalog.pg_typeof((NULL::"
								: ", pg_catalog.pg_typeof((NULL::");
		put_name(sql, table);
		strbuf_puts(sql, ").");
		strbuf_put_quoted(sql, plan->columns[i].name.text, '"');
		strbuf_puts(sql, ")::pg_catalog.oid");
	}
	strbuf_puts(sql, "]::pg_catalog.oid[] OPERATOR(pg_catalog.=) '{");
	for (int i = 0; i < plan->ncolumns; i++)
		strbuf_putf(sql, "%s%lu", i == 0 ? "" : ",",
					(unsigned long) plan->columns[i].type->oid);
	strbuf_puts(sql, "}'::pg_catalog.oid[] AS same; ");
}

static void
put_where(StrBuf *sql, const PublishedTable *published,
		  const BackfillTable *table, BlockRange range)
{
	strbuf_puts(sql, " WHERE true");
	if (range.from > 0)
		strbuf_putf(sql, " AND ctid >= '(%llu,0)'",
					(unsigned long long) range.from);
	if (range.blocks > 0)
		strbuf_putf(sql, " AND ctid < '(%llu,0)'",
					(unsigned long long) (range.from + range.blocks));
	if (published->filter != NULL)
		strbuf_putf(sql, " AND (%s)", published->filter);
	if (table->where != NULL && table->where[0] != '\0')
		strbuf_putf(sql, " AND (%s\n)", table->where);
}

/* The first SELECT has the lock, which a right to some columns is enough for. */
void
published_put_read(const Published *published, const BackfillTable *table,
				   BlockRange range, const char *snapshot, StrBuf *sql)
{
	const PublishedTable *found = oidmap_get(&published->tables, table->oid);
	const Plan *plan = oidmap_get(&published->plans.map, found->told_as);
	StrBuf rows = {0};

	strbuf_puts(&rows, "SELECT");
	put_columns(&rows, plan, found->formats);
	strbuf_puts(&rows, " FROM ONLY ");
	put_name(&rows, table);
	sql->failed |= rows.failed;
	if (rows.failed)
		return;
	reader_put_begin(snapshot, sql);
	strbuf_puts(sql, rows.data);
	strbuf_puts(sql, " LIMIT 0; ");
	put_same(sql, table, plan);
	strbuf_puts(sql, "COPY (");
	strbuf_puts(sql, rows.data);
	put_where(sql, found, table, range);
	strbuf_puts(sql, ") TO STDOUT (FORMAT binary); COMMIT");
	strbuf_free(&rows);
}

static Plan *
find_plan(Published *published, uint32_t oid, const char **formats)
{
	const PublishedTable *table = oidmap_get(&published->tables, oid);

	if (table == NULL || table->formats == NULL)
		return NULL;
	*formats = table->formats;
	return plans_get(&published->plans, &published->context, table->told_as);
}

bool
published_source(Published *published, uint32_t oid, CopySource *source)
{
	*source = (CopySource){.options = &published->options,
						   .host = published->context.host};
	source->plan = find_plan(published, oid, &source->formats);
	return source->plan != NULL;
}

bool
published_unread(Published *published, uint32_t oid, char *text, size_t size)
{
	const char *formats;
	Plan *plan = find_plan(published, oid, &formats);

	return plan != NULL && plan_tell_unread(plan, text, size);
}

/* With and without parentheses: nothing can stand behind the condition. */
void
published_put_check(const BackfillTable *table, const char *where, StrBuf *sql)
{
	static const char *const forms[] = {"%s\n", "(%s\n)"};

	for (int i = 0; i < 2; i++)
	{
		strbuf_puts(sql, "SELECT pg_catalog.count(*) FROM (SELECT FROM ONLY ");
		put_name(sql, table);
		strbuf_puts(sql, " WHERE ");
		strbuf_putf(sql, forms[i], where);
		strbuf_puts(sql, " LIMIT 0) AS nothing; ");
	}
}
