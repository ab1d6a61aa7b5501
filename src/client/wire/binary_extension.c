/*
 * binary_extension.c
 *		Types of extensions, and those that only have a text.
 */
#include <inttypes.h>

#include "client/wire/binary.h"
#include "common/term/unique_keys.h"

/* Of a key or a value. */
#define LENGTH_SIZE 4

static void
put_hstore_text(WireReader *in, bool may_be_null)
{
	int32_t len = binary_int32(in);
	const char *text;

	if (len == -1 && may_be_null)
		etf_put_null(in->out);
	else if (len < 0)
		wire_fail(in);
	else if ((text = binary_bytes(in, (size_t) len)) != NULL)
		wire_put_text(in, text, (size_t) len);
}

/* Keys that differ in the server's encoding may be one in UTF-8. */
void
binary_hstore(WireReader *in)
{
	TermOut *out = in->out;
	uint32_t count = binary_count(in, 2 * LENGTH_SIZE);
	UniqueKeys keys = {NULL, 0, 0};
	size_t map = out->len;

	etf_put_map(out, count);
	for (uint32_t i = 0; i < count && !wire_stopped(in); i++)
	{
		size_t start = out->len;

		put_hstore_text(in, false);
		unique_keys_add(&keys, out, start);
		put_hstore_text(in, true);
	}
	if (!wire_stopped(in))
		unique_keys_close(&keys, out, map, 0);
	out_scratch_free(out, keys.pairs);
}

void
binary_vector(WireReader *in)
{
	uint32_t count = (uint32_t) binary_uint(in, 2);

	binary_uint(in, 2);
	if (wire_left(in) != count * sizeof(float))
	{
		wire_fail(in);
		return;
	}
	etf_put_list(in->out, count);
	for (uint32_t i = 0; i < count; i++)
		etf_put_float(in->out, binary_float(in));
	etf_put_list_end(in->out);
}

/* A term behind its version byte; the server has checked it. */
void
binary_etf(WireReader *in)
{
	size_t len;
	const char *term;

	if (binary_uint(in, 1) != TAG_VERSION || wire_left(in) == 0)
	{
		wire_fail(in);
		return;
	}
	term = wire_take_rest(in, &len);
	etf_put_raw(in->out, term, len);
}

static void
put_hex(WireReader *in)
{
	StrBuf text = {0};

	while (wire_left(in) > 0 && !text.failed)
		strbuf_putf(&text, "%02X", (unsigned) binary_uint(in, 1));
	in->pos = in->end;
	wire_put_strbuf(in, &text);
}

/* xmin:xmax:xip,xip */
static void
put_snapshot(WireReader *in)
{
	uint32_t count = (uint32_t) binary_uint(in, 4);
	uint64_t xmin = binary_uint(in, 8);
	uint64_t xmax = binary_uint(in, 8);
	StrBuf text = {0};

	if (count != wire_left(in) / sizeof(uint64_t))
	{
		wire_fail(in);
		return;
	}
	strbuf_putf(&text, "%" PRIu64 ":%" PRIu64 ":", xmin, xmax);
	for (uint32_t i = 0; i < count; i++)
		strbuf_putf(&text, "%s%" PRIu64, i > 0 ? "," : "", binary_uint(in, 8));
	wire_put_strbuf(in, &text);
}

void
binary_by_form(WireReader *in)
{
	switch (in->type->form)
	{
		case WIRE_FORM_TEXT:
			wire_rest_text(in);
			break;
		case WIRE_FORM_VERSION:
			binary_uint(in, 1);
			wire_rest_text(in);
			break;
		case WIRE_FORM_HEX:
			put_hex(in);
			break;
		case WIRE_FORM_TSQUERY:
			binary_tsquery(in);
			break;
		case WIRE_FORM_SNAPSHOT:
			put_snapshot(in);
			break;
		case WIRE_FORM_UNKNOWN:
			wire_rest_unknown(in);
			break;
	}
}
