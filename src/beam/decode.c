/*
 * decode.c
 *		Terms as values of SQL types: NULL, type modifiers, domains, errors.
 *
 * decode_type.c has chosen the decoder; there is one per type, in the
 * decode_*.c files, one file per family.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "beam/decoders.h"
#include "beam/fail.h"

/* The bytes of a whole term, for messages. */
static FailBytes
bytes_at(const Decoding *in, size_t offset)
{
	TermReader reader = in->reader;

	reader.pos = reader.start + offset;
	reader.error = NULL;
	term_skip(&reader);
	return (FailBytes){reader.start + offset,
					   reader.pos - (reader.start + offset)};
}

static char *
type_name(const DecodeType *type)
{
	int32 typmod = type->named == RECORDOID ? -1 : type->typmod;

	return format_type_extended(type->named, typmod, FORMAT_TYPE_TYPEMOD_GIVEN);
}

/* In the middle of a value both are of interest, it and the whole. */
static void
fail(Decoding *in, const DecodeType *type, const Term *term, int code,
	 const char *verdict)
{
	char *shown = fail_term(bytes_at(in, term->offset), true);
	char *name = type_name(type);
	bool whole = term->offset == in->start;

	ereport(
		ERROR,
		(errcode(code),
		 whole ? errmsg("%s returned %s, %s %s", in->function, shown, verdict,
						name)
			   : errmsg("%s returned %s, %s %s", in->function,
						fail_term(bytes_at(in, in->start), true), verdict,
						type_name(in->type)),
		 whole ? 0 : errdetail("In it, %s is %s %s.", shown, verdict, name)));
}

void
decode_mismatch(Decoding *in, const DecodeType *type, const Term *term)
{
	fail(in, type, term, ERRCODE_DATATYPE_MISMATCH, "not");
	pg_unreachable();
}

void
decode_out_of_range(Decoding *in, const DecodeType *type, const Term *term)
{
	fail(in, type, term, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
		 "out of range for");
	pg_unreachable();
}

void
decode_malformed(Decoding *in)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("%s returned what is no term: %s", in->function,
					in->reader.error),
			 errdetail("At offset %zu of %zu bytes.", in->reader.error_offset,
					   (size_t) (in->reader.end - in->reader.start))));
}

void
decode_next(Decoding *in, Term *term)
{
	if (unlikely(!term_next(&in->reader, term)))
		decode_malformed(in);
}

void
decode_skip(Decoding *in, const Term *term)
{
	for (uint64 left = term_children(term); left > 0; left--)
		if (!term_skip(&in->reader))
			decode_malformed(in);
}

bool
decode_is_nil(const Term *term)
{
	return term->kind == TERM_ATOM && term_is_atom(term, "nil");
}

Datum
decode_input(const DecodeType *type, const char *text)
{
	return InputFunctionCall(unconstify(FmgrInfo *, &type->input),
							 unconstify(char *, text), type->input_param, -1);
}

char *
decode_text_of(const Term *term)
{
	char *text = pnstrdup((const char *) term->bytes, term->len);

	return pg_any_to_server(text, (int) term->len, PG_UTF8);
}

Datum
decode_token(Decoding *in, const DecodeType *type, const Term *term,
			 bool *isnull)
{
	Datum value = (Datum) 0;

	*isnull = decode_is_nil(term);
	if (!*isnull)
	{
		value = type->decode(in, type, term);
		if (type->coerce != NULL)
			value =
				FunctionCall3(type->coerce, value, Int32GetDatum(type->typmod),
							  BoolGetDatum(false));
	}
	if (type->domain_state != NULL)
		domain_check(value, *isnull, type->named, type->domain_state,
					 type->cache);
	return value;
}

Datum
decode_value(Decoding *in, const DecodeType *type, bool *isnull)
{
	Term term;

	check_stack_depth();
	decode_next(in, &term);
	return decode_token(in, type, &term, isnull);
}
