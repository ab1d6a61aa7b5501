/*
 * fuzz_text.c
 *		etf_to_text(bytea), and the reader of terms below it.
 *
 * The reader must be right, not only safe: what it accepts, libei and all
 * styles must accept, and find its end at the same byte.
 */
#include "postgres.h"

#include <ei.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "common/show/text.h"
#include "common/term/utf8.h"
#include "fuzz.h"
#include "server.h"

extern Datum etf_to_text(PG_FUNCTION_ARGS);

/* Zero bytes behind the copy that libei gets: it does not look for the end. */
#define PADDING 64

static struct varlena *
make_bytea(const uint8_t *data, size_t size)
{
	struct varlena *bytes = palloc(size + VARHDRSZ);

	SET_VARSIZE(bytes, size + VARHDRSZ);
	memcpy(VARDATA(bytes), data, size);
	return bytes;
}

static void
call_etf_to_text(void *arg)
{
	LOCAL_FCINFO(fcinfo, 1);
	struct varlena **argument = arg;

	memset(fcinfo, 0, SizeForFunctionCallInfo(1));
	fcinfo->nargs = 1;
	fcinfo->args[0].value = PointerGetDatum(*argument);
	*argument = (struct varlena *) DatumGetPointer(etf_to_text(fcinfo));
}

/* Text of the server encoding: ASCII where that is not Unicode. */
static bool
to_text(const uint8_t *data, size_t size, int encoding)
{
	struct varlena *value = make_bytea(data, size);
	bool good;

	server_encoding = encoding;
	good = server_call(call_etf_to_text, &value);
	if (good)
	{
		const uint8_t *text = (const uint8_t *) VARDATA(value);
		size_t len = VARSIZE(value) - VARHDRSZ;

		HOLDS(utf8_check(text, len, NULL) && memchr(text, '\0', len) == NULL);
		for (size_t i = 0; encoding == PG_LATIN1 && i < len; i++)
			HOLDS(text[i] < 0x80);
	}
	else
		HOLDS(server_error_code == ERRCODE_INVALID_BINARY_REPRESENTATION);
	server_free_all();
	return good;
}

static void
append(void *arg, const char *bytes, size_t len)
{
	appendBinaryStringInfo(arg, bytes, (int) len);
}

static void
check_style(const uint8_t *data, size_t size, TextStyle style)
{
	TextLevel *levels = palloc(size * sizeof(TextLevel));
	StringInfoData out;
	TermReader reader;
	TermText text;

	initStringInfo(&out);
	term_read_init(&reader, data, size);
	term_text_init(&text, style, levels, size, append, &out);
	HOLDS(term_read_version(&reader) && term_text_print(&text, &reader));
	if (style == TEXT_JSON)
		HOLDS(fuzz_is_json(out.data, (size_t) out.len));
	else
		HOLDS(utf8_check((uint8_t *) out.data, (size_t) out.len, NULL));
	server_free_all();
}

/* The BEAM goes by what stands in a fun, libei by the size in front of it. */
static bool
has_fun(const uint8_t *data, size_t size, size_t end)
{
	TermReader reader;
	Term term = {0};

	term_read_init(&reader, data, size);
	term_read_version(&reader);
	while (term_offset(&reader) < end && term.kind != TERM_FUN)
		HOLDS(term_next(&reader, &term));
	return term.kind == TERM_FUN;
}

static void
check_libei(const uint8_t *data, size_t size, size_t end)
{
	char *padded = palloc0(size + PADDING);
	int index = 1;

	if (has_fun(data, size, end))
		return;
	memcpy(padded, data, size);
	HOLDS(ei_skip_term(padded, &index) == 0 && (size_t) index == end);
	server_free_all();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TermReader reader;
	bool good;

	if (size == 0)
		return 0;
	term_read_init(&reader, data, size);
	good = term_read_version(&reader) && term_skip(&reader);
	HOLDS(good == (reader.error == NULL) && reader.error_offset <= size);
	HOLDS(to_text(data, size, PG_UTF8) == (good && term_at_end(&reader)));
	if (!good)
		return 0;
	to_text(data, size, PG_LATIN1);
	check_libei(data, size, term_offset(&reader));
	check_style(data, size, TEXT_ELIXIR);
	check_style(data, size, TEXT_JSON);
	return 0;
}
