/*
 * fuzz_wire.c
 *		Values from the wire, of a server that is not to be trusted.
 *
 * The first byte of the input is the type, the second the format and the
 * forms.  Whatever the rest is: one whole term comes of it, {unparsed, Bytes}
 * or {oversized, Bytes} where it is no value.
 */
#include <string.h>

#include "../common/host.h"
#include "client/wire/wire.h"
#include "common/term/read.h"
#include "fuzz.h"

/* All built-in types have smaller OIDs. */
#define MAX_BUILTIN 7000
#define OWN_OID 16384

#define MAX_TYPES 256
#define OWN_TYPES 16

static const WireType *types[MAX_TYPES];
static int ntypes;
static WireType own[OWN_TYPES];
static int nown;

static WireType *
add(const char *name, ValueKind kind, const WireType *element)
{
	WireType *type = &own[nown];

	*type = (WireType){.oid = OWN_OID + (uint32_t) nown,
					   .base = OWN_OID + (uint32_t) nown,
					   .name = name,
					   .kind = kind,
					   .typmod = -1,
					   .delimiter = ',',
					   .sends = true,
					   .element = element};
	nown++;
	types[ntypes++] = type;
	return type;
}

static WireType *
add_base(const char *extension, const char *name)
{
	WireType *type = add(name, KIND_OTHER, NULL);

	wire_set_base(type, extension);
	return type;
}

static void
set_fields(WireType *type, WireField *fields, int nfields)
{
	type->fields = fields;
	type->nfields = nfields;
}

/* A pair, as it is and as it was; and what only a hostile server describes. */
static void
add_composites(void)
{
	static WireField pair[2] = {
		{.name = {"a", false}, .number = 1, .typmod = -1},
		{.name = {"b", false}, .number = 2, .typmod = 3}};
	static WireField endless[2];
	WireType *was = add("pair", KIND_COMPOSITE, NULL);
	WireType *is = add("pair", KIND_COMPOSITE, NULL);
	WireType *loop = add("loop", KIND_COMPOSITE, NULL);

	pair[0].type = wire_builtin(1007);
	pair[1].type = wire_builtin(1114);
	set_fields(was, pair, 1);
	set_fields(is, pair, 2);
	is->older = was;
	endless[0] = (WireField){.name = {"loop", false}, .type = loop};
	endless[1] = (WireField){.name = {"loops", false}};
	endless[1].type = add("loops", KIND_ARRAY, loop);
	set_fields(loop, endless, 2);
	add("pairs", KIND_ARRAY, is);
}

static void
add_types(void)
{
	const WireType *range;
	WireType *domain;

	for (uint32_t oid = 0; oid < MAX_BUILTIN; oid++)
		if (wire_builtin(oid) != NULL)
			types[ntypes++] = wire_builtin(oid);
	add_composites();
	add("mood", KIND_ENUM, NULL);
	domain = add("stamp", KIND_TIMESTAMPTZ, NULL);
	domain->base = 1184;
	domain->typmod = 2;
	range = add("stamps", KIND_RANGE, domain);
	add("many", KIND_MULTIRANGE, range);
	add_base("hstore", "hstore");
	add_base("vector", "vector");
	add_base("ltree", "ltree");
	add_base("postgis", "geometry");
	add("gone", KIND_NONE, NULL);
}

static Forms
forms_of(uint8_t choice)
{
	Forms forms = {.dialect = choice % 3, .null = "nil", .null_len = 3};

	if (choice & 0x10)
	{
		forms.rows = ROWS_TUPLE;
		forms.keys = KEYS_ATOM;
		forms.numeric = NUMERIC_FLOAT;
		forms.timestamps = TIMESTAMPS_ISO;
		forms.json_numbers = JSON_NUMBERS_DECIMAL;
		forms.float4 = FLOAT4_SHORTEST;
	}
	if (choice & 0x20)
		forms.numeric = NUMERIC_TEXT;
	forms_resolve(&forms);
	return forms;
}

/* {unparsed, Bytes}, with all of them. */
static bool
is_unparsed(const TermOut *out, const char *bytes, size_t len)
{
	return out->len == 2 + 10 + 5 + len &&
		   memcmp(out->data, "\x68\x02\x77\x08unparsed\x6d", 13) == 0 &&
		   memcmp(out->data + 17, bytes, len) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static TermOut out = {.host = &test_host};
	Forms forms;
	WireResult result;
	TermReader reader;
	char *bytes;

	if (size < 2)
		return 0;
	if (ntypes == 0)
		add_types();
	forms = forms_of(data[1]);
	bytes = fuzz_copy(data + 2, size - 2);
	out.forms = &forms;
	out.len = 0;
	result = wire_put_value(&out, types[data[0] % ntypes], -1,
							data[1] & 0x80 ? WIRE_TEXT : WIRE_BINARY, bytes,
							size - 2);
	term_read_init(&reader, out.data, out.len);
	HOLDS(term_skip(&reader) && term_at_end(&reader));
	HOLDS(result == WIRE_DONE || result == WIRE_OLDER ||
		  is_unparsed(&out, bytes, size - 2));
	free(bytes);
	return 0;
}
