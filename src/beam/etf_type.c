/*
 * etf_type.c
 *		The SQL type etf: a term, checked, behind its version byte.
 *
 * Whatever enters as bytes is walked to its end first: a node drops the
 * connection at a term that it cannot read.  The text is that of bytea, which
 * reads back; a cast to text shows the term as Erlang would.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "beam/arguments.h"
#include "beam/etf_type.h"
#include "beam/json.h"
#include "beam/packet.h"
#include "beam/sql.h"
#include "common/term/read.h"
#include "common/term/utf8.h"
#include "plugin/encoding.h"
#include "plugin/sql.h"

#define MAX_ATOM 255

/* STRING_EXT: a list of bytes, behind two bytes of length. */
#define STRING_TAG 107
#define MAX_STRING 65535

void
etf_begin(TermOut *out)
{
	StringInfo bytes = makeStringInfo();

	bytes->len = VARHDRSZ;
	etf_out_attach(out, bytes, packet_forms());
	etf_put_version(out);
}

Datum
etf_end(TermOut *out)
{
	SET_VARSIZE(out->data, out->len);
	return PointerGetDatum(out->data);
}

Datum
etf_of_term(FailBytes term)
{
	TermOut out;

	etf_begin(&out);
	etf_put_raw(&out, term.bytes, term.len);
	return etf_end(&out);
}

FailBytes
etf_argument(FunctionCallInfo fcinfo, int number)
{
	bytea *value = PG_GETARG_BYTEA_PP(number);

	return (FailBytes){VARDATA_ANY(value) + 1, VARSIZE_ANY_EXHDR(value) - 1};
}

/* One term and nothing behind it. */
static void
check_term(const char *bytes, size_t len)
{
	TermReader reader;

	term_read_init(&reader, bytes, len);
	if (term_read_version(&reader) && term_skip(&reader) &&
		!term_at_end(&reader))
		(void) term_fail(&reader, "more bytes follow the term");
	if (reader.error != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid external term: %s", reader.error),
						errdetail("At offset %zu of %zu bytes.",
								  reader.error_offset, len)));
}

static void
check_keys(const void *value)
{
	TermReader reader;

	term_read_init(&reader, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	(void) term_read_version(&reader);
	etf_check_keys(&reader);
}

static Datum
checked(bytea *value)
{
	check_term(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	check_keys(value);
	return PointerGetDatum(value);
}

PG_FUNCTION_INFO_V1(etf_in);

Datum
etf_in(PG_FUNCTION_ARGS)
{
	char *text = PG_GETARG_CSTRING(0);

	if (strncmp(text, "\\x", 2) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type etf: \"%s\"", text),
				 errhint("It is \\x and the bytes of a term in hexadecimal.  "
						 "etf(...), etf_atom(...) and others make terms.")));
	PG_RETURN_DATUM(checked(
		DatumGetByteaPP(DirectFunctionCall1(byteain, CStringGetDatum(text)))));
}

PG_FUNCTION_INFO_V1(etf_out);

Datum
etf_out(PG_FUNCTION_ARGS)
{
	bytea *value = PG_GETARG_BYTEA_PP(0);
	Size len = VARSIZE_ANY_EXHDR(value);
	char *text = palloc(2 * len + 3);

	memcpy(text, "\\x", 2);
	text[2 + hex_encode(VARDATA_ANY(value), len, text + 2)] = '\0';
	PG_RETURN_CSTRING(text);
}

PG_FUNCTION_INFO_V1(etf_recv);

Datum
etf_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int len = message->len - message->cursor;
	bytea *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	pq_copymsgbytes(message, VARDATA(value), len);
	PG_RETURN_DATUM(checked(value));
}

PG_FUNCTION_INFO_V1(etf_from_bytea);

Datum
etf_from_bytea(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(checked(PG_GETARG_BYTEA_PP(0)));
}

PG_FUNCTION_INFO_V1(etf_show);

Datum
etf_show(PG_FUNCTION_ARGS)
{
	return etf_to_text(fcinfo); /* it is a bytea, checked */
}

PG_FUNCTION_INFO_V1(etf_to_jsonb);

Datum
etf_to_jsonb(PG_FUNCTION_ARGS)
{
	FailBytes term = etf_argument(fcinfo, 0);
	TermReader reader;

	term_read_init(&reader, term.bytes, term.len);
	PG_RETURN_DATUM(json_of_term("a cast of etf", &reader));
}

/* etf(anyelement), which casts from other types use, too. */
PG_FUNCTION_INFO_V1(etf_from_any);

Datum
etf_from_any(PG_FUNCTION_ARGS)
{
	TermOut out;

	etf_begin(&out);
	argument_put(&out, fcinfo, 0);
	PG_RETURN_DATUM(etf_end(&out));
}

PG_FUNCTION_INFO_V1(etf_atom);

Datum
etf_atom(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(0);
	Size len = VARSIZE_ANY_EXHDR(name);
	const char *utf8 = etf_to_utf8(VARDATA_ANY(name), &len);
	TermOut out;

	if (utf8 == NULL || len > MAX_ATOM ||
		!utf8_check((const uint8 *) utf8, len, NULL))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this cannot be an atom: \"%s\"", text_to_cstring(name)),
			 errdetail("An atom has at most %d bytes of UTF-8.", MAX_ATOM)));
	etf_begin(&out);
	etf_put_atom_len(&out, utf8, len);
	PG_RETURN_DATUM(etf_end(&out));
}

PG_FUNCTION_INFO_V1(etf_tuple);

Datum
etf_tuple(PG_FUNCTION_ARGS)
{
	TermOut out;

	etf_begin(&out);
	etf_put_tuple(&out, arguments_count(fcinfo, 0));
	arguments_put(&out, fcinfo, 0);
	PG_RETURN_DATUM(etf_end(&out));
}

PG_FUNCTION_INFO_V1(etf_list);

Datum
etf_list(PG_FUNCTION_ARGS)
{
	TermOut out;

	etf_begin(&out);
	etf_put_list(&out, arguments_count(fcinfo, 0));
	arguments_put(&out, fcinfo, 0);
	etf_put_list_end(&out);
	PG_RETURN_DATUM(etf_end(&out));
}

PG_FUNCTION_INFO_V1(etf_map);

Datum
etf_map(PG_FUNCTION_ARGS)
{
	int count = arguments_count(fcinfo, 0);
	TermOut out;
	Datum map;

	if (count % 2 != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a map is made of keys and values, an even "
							   "number of arguments")));
	etf_begin(&out);
	etf_put_map(&out, count / 2);
	arguments_put(&out, fcinfo, 0);
	map = etf_end(&out);
	check_keys(DatumGetPointer(map));
	PG_RETURN_DATUM(map);
}

/* The compact form of a list of bytes, if there are not too many. */
static bool
put_as_string(TermOut *out, const uint8 *utf8, size_t len, size_t count)
{
	size_t head = out->len;

	if (count == 0 || count > MAX_STRING)
		return false;
	etf_put_small(out, (char[]){STRING_TAG, count >> 8, count & 0xFF}, 3);
	while (len > 0)
	{
		uint32_t code;
		size_t used = utf8_decode(utf8, len, &code);
		char byte = (char) code;

		if (code > 0xFF)
		{
			out->len = head;
			return false;
		}
		etf_put_small(out, &byte, 1);
		utf8 += used;
		len -= used;
	}
	return true;
}

static void
put_charlist(TermOut *out, const uint8 *utf8, size_t len, size_t count)
{
	if (put_as_string(out, utf8, len, count))
		return;
	etf_put_list(out, count);
	while (len > 0)
	{
		uint32_t code;
		size_t used = utf8_decode(utf8, len, &code);

		etf_put_uint(out, code);
		utf8 += used;
		len -= used;
	}
	etf_put_list_end(out);
}

/* A list of the numbers of its characters, as Erlang's "..." */
PG_FUNCTION_INFO_V1(etf_charlist);

Datum
etf_charlist(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	Size len = VARSIZE_ANY_EXHDR(value);
	const char *utf8 = etf_to_utf8(VARDATA_ANY(value), &len);
	size_t count;
	TermOut out;

	if (utf8 == NULL || !utf8_check((const uint8 *) utf8, len, &count))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
						errmsg("a charlist is made of Unicode characters")));
	etf_begin(&out);
	put_charlist(&out, (const uint8 *) utf8, len, count);
	PG_RETURN_DATUM(etf_end(&out));
}
