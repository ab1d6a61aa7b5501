/*
 * decode_extension.c
 *		Types of extensions, and text search vectors: their text, for the
 *		input functions; a term as it is for our own.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/float.h"

#include "beam/decoders.h"
#include "common/term/tags.h"
#include "compat/values.h"

/* In quotes, which are escaped by "escape", as backslashes are by another. */
static void
put_quoted(StringInfo text, const Term *binary, char quote)
{
	appendStringInfoChar(text, quote);
	for (const char *p = decode_text_of(binary); *p != '\0'; p++)
	{
		if (*p == quote || *p == '\\')
			appendStringInfoChar(text, '\\');
		appendStringInfoChar(text, *p);
	}
	appendStringInfoChar(text, quote);
}

/* {Position, Weight}: nil, as D, is the default. */
static bool
put_position(StringInfo text, Decoding *in, const Term *term)
{
	Term position;
	Term weight;

	if (term->kind != TERM_TUPLE || term->count != 2)
		return false;
	decode_next(in, &position);
	decode_next(in, &weight);
	if (position.kind != TERM_INTEGER || weight.kind != TERM_ATOM)
		return false;
	appendStringInfo(text, INT64_FORMAT, position.integer);
	if (!decode_is_nil(&weight))
		appendStringInfo(text, "%.*s", (int) weight.name.len,
						 (const char *) weight.name.bytes);
	return true;
}

static bool
put_positions(StringInfo text, Decoding *in, const Term *term)
{
	ListReader list;
	Term position;

	if (!list_begin(&list, term))
		return false;
	while (list_next(in, &list, &position))
	{
		appendStringInfoChar(text, list.index == 1 ? ':' : ',');
		if (!put_position(text, in, &position))
			return false;
	}
	return true;
}

static bool
put_lexeme(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"word", "positions", NULL};
	StructReader fields;
	Decoding at;
	Term part;

	if (!struct_begin(in, term, "Elixir.Postgrex.Lexeme", names, &fields))
		return false;
	at = struct_at(in, &fields, 0);
	decode_next(&at, &part);
	if (part.kind != TERM_BINARY)
		return false;
	put_quoted(text, &part, '\'');
	at = struct_at(in, &fields, 1);
	decode_next(&at, &part);
	return put_positions(text, &at, &part);
}

Datum
decode_tsvector(Decoding *in, const DecodeType *type, const Term *term)
{
	StringInfoData text;
	ListReader list;
	Term lexeme;

	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	if (!list_begin(&list, term))
		decode_mismatch(in, type, term);
	initStringInfo(&text);
	while (list_next(in, &list, &lexeme))
	{
		CHECK_FOR_INTERRUPTS();
		if (!put_lexeme(&text, in, &lexeme))
			decode_mismatch(in, type, &lexeme);
		appendStringInfoChar(&text, ' ');
	}
	return decode_input(type, text.data);
}

/* A key, or a value that is not NULL; an atom stands for its name. */
static void
put_hstore_text(StringInfo text, Decoding *in, const DecodeType *type,
				const Term *term)
{
	Term binary = decode_name_of(term);

	if (binary.kind != TERM_BINARY)
		decode_mismatch(in, type, term);
	put_quoted(text, &binary, '"');
}

Datum
decode_hstore(Decoding *in, const DecodeType *type, const Term *term)
{
	StringInfoData text;
	Term part;

	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	if (term->kind != TERM_MAP)
		decode_mismatch(in, type, term);
	initStringInfo(&text);
	for (uint32 i = 0; i < term->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(&text, i == 0 ? "" : ", ");
		decode_next(in, &part);
		put_hstore_text(&text, in, type, &part);
		appendStringInfoString(&text, "=>");
		decode_next(in, &part);
		if (decode_is_nil(&part))
			appendStringInfoString(&text, "NULL");
		else
			put_hstore_text(&text, in, type, &part);
	}
	return decode_input(type, text.data);
}

static Datum
term_datum(const uint8_t *bytes, Size len)
{
	bytea *result = palloc(VARHDRSZ + 1 + len);

	SET_VARSIZE(result, VARHDRSZ + 1 + len);
	*VARDATA(result) = (char) TERM_VERSION;
	memcpy(VARDATA(result) + 1, bytes, len);
	return PointerGetDatum(result);
}

/*
 * A term as it is, with a version byte of its own.  A byte of a list that is
 * sent as a string has no bytes of a term.
 */
Datum
decode_etf(Decoding *in, const DecodeType *type, const Term *term)
{
	const uint8_t *start = in->reader.start + term->offset;

	if (term->kind == TERM_INTEGER && *start == TAG_STRING)
	{
		const uint8_t byte[] = {TAG_SMALL_INTEGER, (uint8_t) term->integer};

		return term_datum(byte, sizeof(byte));
	}
	decode_skip(in, term);
	return term_datum(start, in->reader.pos - start);
}

/* Of pgvector. */
Datum
decode_vector(Decoding *in, const DecodeType *type, const Term *term)
{
	StringInfoData text;
	ListReader list;
	Term element;
	double value;

	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	if (!list_begin(&list, term))
		decode_mismatch(in, type, term);
	initStringInfo(&text);
	while (list_next(in, &list, &element))
	{
		if (!decode_real(&element, &value))
			decode_mismatch(in, type, &element);
		appendStringInfo(&text, "%c%s", list.index == 1 ? '[' : ',',
						 float8out_internal(value));
	}
	appendStringInfoString(&text, text.len == 0 ? "[]" : "]");
	return decode_input(type, text.data);
}
