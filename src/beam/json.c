/*
 * json.c
 *		Documents as arguments and as results.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/memutils.h"

#include "beam/decoders.h"
#include "beam/json.h"
#include "beam/packet.h"
#include "plugin/type.h"

/* Made once: nothing that the catalogs say of jsonb changes. */
static const EtfType *
jsonb_type(void)
{
	static const EtfType *type;
	EtfTypeBuilder builder = {.forms = packet_forms()};
	MemoryContext caller;

	if (type == NULL)
	{
		caller = MemoryContextSwitchTo(TopMemoryContext);
		type = etf_type_build(&builder, JSONBOID, -1);
		MemoryContextSwitchTo(caller);
	}
	return type;
}

void
json_put(TermOut *out, Jsonb *document)
{
	etf_put_value(out, jsonb_type(), JsonbPGetDatum(document));
}

/* The same of the way back. */
static const DecodeType *
jsonb_decode_type(void)
{
	static const DecodeType *type;
	MemoryContext caller;

	if (type == NULL)
	{
		caller = MemoryContextSwitchTo(TopMemoryContext);
		type = decode_type_build(JSONBOID, -1);
		MemoryContextSwitchTo(caller);
	}
	return type;
}

Datum
json_of_term(const char *function, const TermReader *reader)
{
	Decoding in = {.reader = *reader,
				   .function = function,
				   .type = jsonb_decode_type(),
				   .start = term_offset(reader)};
	Term term;

	decode_next(&in, &term);
	return decode_jsonb(&in, in.type, &term);
}
