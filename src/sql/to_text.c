/*
 * to_text.c
 *		etf_to_text(bytea): show a frame or any other term to a person.
 *
 * For the binary SQL interface: SELECT etf_to_text(data) FROM
 * pg_logical_slot_peek_binary_changes(...).  The bytes may come from anywhere,
 * so nothing is believed: term/read.c checks, show/text.c shows, and all that
 * is done here is memory, interrupts and errors.  Memory is of the caller's
 * context, as in any function.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "common/show/text.h"
#include "compat/values.h"
#include "plugin/sql.h"

/* Levels of nesting; 32 bytes each, fewer for short values. */
#define MAX_LEVELS 1000000

PG_FUNCTION_INFO_V1(etf_to_text);

static void
append_text(void *arg, const char *bytes, size_t len)
{
	CHECK_FOR_INTERRUPTS();
	appendBinaryStringInfo(arg, bytes, (int) len);
}

/*
 * Text of the server encoding.  Where that is not Unicode, characters beyond
 * ASCII are shown as escapes, which Erlang reads just the same: converting
 * could fail on any of them.
 */
static void
init_printer(TermText *printer, size_t len, StringInfo out)
{
	size_t capacity = Min(len, MAX_LEVELS);
	TextLevel *levels = palloc(Max(capacity, 1) * sizeof(TextLevel));
	int encoding = GetDatabaseEncoding();

	term_text_init(printer, TEXT_ERLANG, levels, capacity, append_text, out);
	printer->ascii = encoding != PG_UTF8 && encoding != PG_SQL_ASCII;
}

static void
report_invalid(const char *reason, size_t offset, size_t len)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid external term: %s", reason),
					errdetail("At offset %zu of %zu bytes.", offset, len)));
}

Datum
etf_to_text(PG_FUNCTION_ARGS)
{
	bytea *input = PG_GETARG_BYTEA_PP(0);
	size_t len = VARSIZE_ANY_EXHDR(input);
	TermReader reader;
	TermText printer;
	StringInfoData out;

	/* The header first, so that the buffer itself can be returned. */
	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	init_printer(&printer, len, &out);

	term_read_init(&reader, VARDATA_ANY(input), len);
	if (!term_read_version(&reader) || !term_text_print(&printer, &reader))
		report_invalid(reader.error, reader.error_offset, len);
	if (!term_at_end(&reader))
		report_invalid("more bytes follow the term", term_offset(&reader), len);

	SET_VARSIZE(out.data, out.len);
	PG_RETURN_TEXT_P(out.data);
}
