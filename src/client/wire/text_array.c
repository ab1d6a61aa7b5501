/*
 * text_array.c
 *		Arrays from their text: {{1,NULL},{"2","\"3\""}}
 */
#include "client/wire/text.h"

#define OID_INT2VECTOR 22
#define OID_OIDVECTOR 30

#define MAX_DIMENSIONS 6

static void put_level(WireReader *in, int dimension);

static void
put_element(WireReader *in)
{
	const WireType *element = in->type->element;
	char stops[] = {element->delimiter, '}', '\0'};
	TextItem item = text_item(in, stops);

	if (!item.quoted && item.len == 4 && memcmp(item.bytes, "NULL", 4) == 0)
		etf_put_null(in->out);
	else
		text_read_item(in, element, in->typmod, &item);
}

/* How many there were is known behind them. */
static void
end_list(TermOut *out, size_t start, uint32_t count)
{
	out_patch_uint32(out, start + 1, count);
	etf_put_list_end(out);
}

/* A brace outside of quotes opens another dimension. */
static uint32_t
put_elements(WireReader *in, int dimension)
{
	uint32_t count = 0;

	do
	{
		if (text_peek(in) == '{')
			put_level(in, dimension + 1);
		else
			put_element(in);
		count++;
	} while (!wire_stopped(in) && text_skip(in, in->type->element->delimiter));
	return count;
}

static void
put_level(WireReader *in, int dimension)
{
	size_t start = in->out->len;

	text_expect(in, '{');
	if (dimension > MAX_DIMENSIONS)
		wire_fail(in);
	if (wire_stopped(in))
		return;
	if (text_skip(in, '}'))
	{
		etf_put_list_end(in->out);
		return;
	}
	etf_put_list(in->out, 1);
	end_list(in->out, start, put_elements(in, dimension));
	text_expect(in, '}');
}

/* int2vector and oidvector, which are older: 1 2 3 */
static void
put_vector(WireReader *in)
{
	size_t start = in->out->len;
	uint32_t count = 0;

	etf_put_list(in->out, 1);
	do
	{
		TextItem item = text_item(in, " ");

		text_read_item(in, in->type->element, -1, &item);
		count++;
	} while (!wire_stopped(in) && text_skip(in, ' '));
	end_list(in->out, start, count);
}

/* Lower bounds, [0:2]=, are not told. */
static void
skip_bounds(WireReader *in)
{
	const char *equals;

	if (text_peek(in) != '[')
		return;
	equals = memchr(in->pos, '=', wire_left(in));
	if (equals != NULL)
		in->pos = equals + 1;
}

void
text_array(WireReader *in)
{
	bool vector =
		in->type->base == OID_INT2VECTOR || in->type->base == OID_OIDVECTOR;

	if (!vector)
	{
		skip_bounds(in);
		put_level(in, 1);
	}
	else if (wire_left(in) == 0)
		etf_put_list_end(in->out);
	else
		put_vector(in);
}
