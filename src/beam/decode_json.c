/*
 * decode_json.c
 *		Any term as a document.
 *
 * Written straight into the values of which the server makes its jsonb; its
 * parser has no part in it.  What show/text.h says of JSON holds here, too,
 * but that a %Decimal{} is a number: jsonb has numbers of any size.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "beam/decoders.h"
#include "beam/fail.h"
#include "common/show/struct.h"
#include "common/term/utf8.h"
#include "compat/values.h"

static void put_term(Decoding *in, JsonbBuilder *out, JsonbIteratorToken place,
					 const Term *term);

/* Text of the server encoding. */
static void
put_string(JsonbBuilder *out, JsonbIteratorToken place, const char *text)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text);
	value.val.string.len = (int) strlen(text);
	if (value.val.string.len > JENTRY_OFFLENMASK)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a text of %d bytes is too long for jsonb",
							   value.val.string.len)));
	jsonb_push(out, place, &value);
}

static void
put_number(JsonbBuilder *out, JsonbIteratorToken place, const char *text)
{
	JsonbValue value = {.type = jbvNumeric};

	value.val.numeric = DatumGetNumeric(
		DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	jsonb_push(out, place, &value);
}

/* The most frequent kind of number needs no text. */
static void
put_integer(JsonbBuilder *out, JsonbIteratorToken place, int64 integer)
{
	JsonbValue value = {.type = jbvNumeric};

	value.val.numeric = DatumGetNumeric(
		DirectFunctionCall1(int8_numeric, Int64GetDatum(integer)));
	jsonb_push(out, place, &value);
}

static char *
server_text(const uint8_t *bytes, uint32 len)
{
	Term binary = {.kind = TERM_BINARY, .bytes = bytes, .len = len};

	if (memchr(bytes, '\0', len) != NULL)
		ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
						errmsg("a text with a zero byte cannot be part of a "
							   "document")));
	return decode_text_of(&binary);
}

static char *
atom_text(const Term *term)
{
	Term name = decode_name_of(term);

	return server_text(name.bytes, name.len);
}

static void
put_atom(JsonbBuilder *out, JsonbIteratorToken place, const Term *term)
{
	JsonbValue value = {.type = jbvBool};

	if (term_is_atom(term, "nil") || term_is_atom(term, "null"))
		value.type = jbvNull;
	else if (term_is_atom(term, "true"))
		value.val.boolean = true;
	else if (!term_is_atom(term, "false"))
	{
		put_string(out, place, atom_text(term));
		return;
	}
	jsonb_push(out, place, &value);
}

/* On one line, unlike encode() has it. */
static char *
base64_of(const Term *term)
{
	Datum bytes = PointerGetDatum(
		cstring_to_text_with_len((const char *) term->bytes, (int) term->len));
	char *lines = TextDatumGetCString(DirectFunctionCall2(
		binary_encode, bytes, CStringGetTextDatum("base64")));
	char *end = lines;

	for (const char *p = lines; *p != '\0'; p++)
		if (*p != '\n')
			*end++ = *p;
	*end = '\0';
	return lines;
}

/* Bytes that are no text are {"base64": "..."}. */
static void
put_binary(JsonbBuilder *out, JsonbIteratorToken place, const Term *term)
{
	if (utf8_check(term->bytes, term->len, NULL))
	{
		put_string(out, place, server_text(term->bytes, term->len));
		return;
	}
	jsonb_push(out, WJB_BEGIN_OBJECT, NULL);
	put_string(out, WJB_KEY, "base64");
	put_string(out, WJB_VALUE, base64_of(term));
	jsonb_push(out, WJB_END_OBJECT, NULL);
}

static void
put_list(Decoding *in, JsonbBuilder *out, const Term *term)
{
	ListReader list;
	Term element;

	jsonb_push(out, WJB_BEGIN_ARRAY, NULL);
	list_begin(&list, term);
	while (list.index < list.count && list_next(in, &list, &element))
		put_term(in, out, WJB_ELEM, &element);
	/* What stands behind the last element is an element, too. */
	if (term->kind == TERM_LIST)
	{
		decode_next(in, &element);
		if (element.kind != TERM_NIL)
			put_term(in, out, WJB_ELEM, &element);
	}
	jsonb_push(out, WJB_END_ARRAY, NULL);
}

static void
put_tuple(Decoding *in, JsonbBuilder *out, const Term *term)
{
	Term element;

	jsonb_push(out, WJB_BEGIN_ARRAY, NULL);
	for (uint32 i = 0; i < term->count; i++)
	{
		decode_next(in, &element);
		put_term(in, out, WJB_ELEM, &element);
	}
	jsonb_push(out, WJB_END_ARRAY, NULL);
}

static bool
is_key(const Term *key)
{
	switch (key->kind)
	{
		case TERM_ATOM:
		case TERM_INTEGER:
		case TERM_BIG:
		case TERM_FLOAT:
			return true;
		case TERM_BINARY:
			return utf8_check(key->bytes, key->len, NULL);
		default:
			return false;
	}
}

static const char *
key_text(Decoding *in, const Term *key)
{
	if (key->kind == TERM_ATOM)
		return atom_text(key);
	if (key->kind == TERM_BINARY)
		return server_text(key->bytes, key->len);
	return decode_number_text(in, key);
}

/* The server drops all but the last of keys that are equal. */
static void
end_object(Decoding *in, JsonbBuilder *out, const Term *term, int keys)
{
	FailBytes map = {in->reader.start + term->offset, 0};

	jsonb_push(out, WJB_END_OBJECT, NULL);
	if (jsonb_latest(out)->val.object.nPairs == keys)
		return;
	map.len = in->reader.pos - (const uint8_t *) map.bytes;
	ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
					errmsg("two keys of a map would be the same in a document"),
					errdetail("The map is %s.", fail_term(map, true))));
}

static void
put_object(Decoding *in, JsonbBuilder *out, const Term *term)
{
	Term key;
	Term value;
	int keys = 0;

	jsonb_push(out, WJB_BEGIN_OBJECT, NULL);
	for (uint32 i = 0; i < term->count; i++)
	{
		decode_next(in, &key);
		decode_next(in, &value);
		if (key.kind == TERM_ATOM && term_is_atom(&key, "__struct__"))
		{
			decode_skip(in, &value);
			continue;
		}
		put_string(out, WJB_KEY, key_text(in, &key));
		put_term(in, out, WJB_VALUE, &value);
		keys++;
	}
	end_object(in, out, term, keys);
}

/* [[Key, Value], ...]: where a key is no text. */
static void
put_pairs(Decoding *in, JsonbBuilder *out, const Term *term)
{
	Term element;

	jsonb_push(out, WJB_BEGIN_ARRAY, NULL);
	for (uint32 i = 0; i < term->count; i++)
	{
		jsonb_push(out, WJB_BEGIN_ARRAY, NULL);
		for (int half = 0; half < 2; half++)
		{
			decode_next(in, &element);
			put_term(in, out, WJB_ELEM, &element);
		}
		jsonb_push(out, WJB_END_ARRAY, NULL);
	}
	jsonb_push(out, WJB_END_ARRAY, NULL);
}

static void
append(void *arg, const char *bytes, size_t len)
{
	appendBinaryStringInfo(arg, bytes, (int) len);
}

/* Dates and times; false: it is none. */
static bool
put_struct(Decoding *in, JsonbBuilder *out, JsonbIteratorToken place,
		   const Term *term)
{
	StructValue value;
	TermReader end;
	TermText printer;
	StringInfoData text;

	if (term->count < 5 || !struct_read(&in->reader, term, &value, &end) ||
		value.kind == STRUCT_DECIMAL)
		return false;
	initStringInfo(&text);
	term_text_init(&printer, TEXT_ELIXIR, NULL, 0, append, &text);
	struct_put(&printer, &value, 'T');
	append(&text, printer.buffer, printer.used);
	in->reader = end;
	put_string(out, place, text.data);
	return true;
}

static void
put_map(Decoding *in, JsonbBuilder *out, JsonbIteratorToken place,
		const Term *term)
{
	const char *number = decode_number_text(in, term);

	if (number != NULL && strpbrk(number, "NI") == NULL)
		put_number(out, place, number);
	else if (number != NULL) /* not finite */
		put_string(out, place, number);
	else if (put_struct(in, out, place, term))
		return;
	else if (map_keys_are(&in->reader, term, is_key))
		put_object(in, out, term);
	else
		put_pairs(in, out, term);
}

/* Identifiers, bitstrings: as Erlang shows them. */
static void
put_shown(Decoding *in, JsonbBuilder *out, JsonbIteratorToken place,
		  const Term *term)
{
	FailBytes bytes = {in->reader.start + term->offset, 0};

	decode_skip(in, term);
	bytes.len = (const char *) in->reader.pos - (const char *) bytes.bytes;
	put_string(out, place, fail_term(bytes, false));
}

static void
put_term(Decoding *in, JsonbBuilder *out, JsonbIteratorToken place,
		 const Term *term)
{
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	switch (term->kind)
	{
		case TERM_INTEGER:
			put_integer(out, place, term->integer);
			break;
		case TERM_FLOAT:
			put_number(out, place, decode_number_text(in, term));
			break;
		case TERM_BIG:
			if (decode_number_text(in, term) == NULL)
				decode_out_of_range(in, in->type, term);
			put_number(out, place, decode_number_text(in, term));
			break;
		case TERM_ATOM:
			put_atom(out, place, term);
			break;
		case TERM_BINARY:
			put_binary(out, place, term);
			break;
		case TERM_NIL:
		case TERM_STRING:
		case TERM_LIST:
			put_list(in, out, term);
			break;
		case TERM_TUPLE:
			put_tuple(in, out, term);
			break;
		case TERM_MAP:
			put_map(in, out, place, term);
			break;
		default:
			put_shown(in, out, place, term);
			break;
	}
}

/* Called while an ERROR is made. */
static void
add_hint(void *arg)
{
	if (geterrcode() == ERRCODE_UNTRANSLATABLE_CHARACTER)
		errhint("A document holds no zero bytes, no characters that the "
				"database's encoding lacks, and no two keys with the same "
				"text, as 1 and \"1\"; the types bytea and etf do.");
}

/* A scalar alone stands in an array that the server marks as such. */
static Jsonb *
document_of(Decoding *in, const Term *term)
{
	ErrorContextCallback hint = {error_context_stack, add_hint, NULL};
	JsonbBuilder out = {0};
	JsonbValue *result;

	error_context_stack = &hint;
	jsonb_push(&out, WJB_BEGIN_ARRAY, NULL);
	put_term(in, &out, WJB_ELEM, term);
	jsonb_push(&out, WJB_END_ARRAY, NULL);
	error_context_stack = hint.previous;
	result = out.result;
	return JsonbValueToJsonb(&result->val.array.elems[0]);
}

Datum
decode_jsonb(Decoding *in, const DecodeType *type, const Term *term)
{
	return JsonbPGetDatum(document_of(in, term));
}

Datum
decode_json(Decoding *in, const DecodeType *type, const Term *term)
{
	Jsonb *document = document_of(in, term);

	return CStringGetTextDatum(
		JsonbToCString(NULL, &document->root, VARSIZE(document)));
}
