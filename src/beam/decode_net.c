/*
 * decode_net.c
 *		Network addresses: their text, for the input functions.
 */
#include "postgres.h"

#include "beam/decoders.h"

/* 4 numbers of 8 bits or 8 of 16, as :inet has it. */
static bool
put_address(StringInfo text, Decoding *in, const Term *term)
{
	bool v4 = term->kind == TERM_TUPLE && term->count == 4;
	int64 parts[8];
	int count = v4 ? 4 : 8;

	if (!tuple_of_ints(in, term, count, v4 ? 255 : 65535, parts))
		return false;
	for (int i = 0; i < count; i++)
		appendStringInfo(text, v4 ? "%s%d" : "%s%x",
						 i == 0 ? "" : (v4 ? "." : ":"), (int) parts[i]);
	return true;
}

static bool
put_inet(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"address", "netmask", NULL};
	StructReader fields;
	Decoding at;
	Term part;

	if (!struct_begin(in, term, "Elixir.Postgrex.INET", names, &fields))
		return put_address(text, in, term);
	at = struct_at(in, &fields, 0);
	decode_next(&at, &part);
	if (!put_address(text, &at, &part))
		return false;
	at = struct_at(in, &fields, 1);
	decode_next(&at, &part);
	if (decode_is_nil(&part))
		return true;
	if (part.kind != TERM_INTEGER || part.integer < 0 || part.integer > 128)
		return false;
	appendStringInfo(text, "/%d", (int) part.integer);
	return true;
}

Datum
decode_inet(Decoding *in, const DecodeType *type, const Term *term)
{
	StringInfoData text;

	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	initStringInfo(&text);
	if (!put_inet(&text, in, term))
		decode_mismatch(in, type, term);
	return decode_input(type, text.data);
}

/* 6 or 8 bytes. */
static bool
put_macaddr(StringInfo text, Decoding *in, const Term *term)
{
	static const char *const names[] = {"address", NULL};
	StructReader fields;
	Decoding at;
	Term tuple;
	int64 bytes[8];
	int count;

	if (!struct_begin(in, term, "Elixir.Postgrex.MACADDR", names, &fields))
		return false;
	at = struct_at(in, &fields, 0);
	decode_next(&at, &tuple);
	count = tuple.kind == TERM_TUPLE && tuple.count == 8 ? 8 : 6;
	if (!tuple_of_ints(&at, &tuple, count, 255, bytes))
		return false;
	for (int i = 0; i < count; i++)
		appendStringInfo(text, "%s%02x", i == 0 ? "" : ":", (int) bytes[i]);
	return true;
}

Datum
decode_macaddr(Decoding *in, const DecodeType *type, const Term *term)
{
	StringInfoData text;

	if (term->kind == TERM_BINARY)
		return decode_input(type, decode_text_of(term));
	initStringInfo(&text);
	if (!put_macaddr(&text, in, term))
		decode_mismatch(in, type, term);
	return decode_input(type, text.data);
}
