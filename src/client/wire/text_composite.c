/*
 * text_composite.c
 *		Composites from their text: (1,,"a ""b""")
 */
#include "client/wire/text.h"

#define STOPS ",)"

/* Commas outside of quotes, and one more; none if the value is empty. */
static int
count_fields(WireReader value)
{
	int count = 0;

	if (wire_left(&value) == 2)
		return value.type->nfields == 0 ? 0 : 1;
	text_expect(&value, '(');
	do
	{
		TextItem item = text_item(&value, STOPS);

		text_free_item(&value, &item);
		count++;
	} while (!wire_stopped(&value) && text_skip(&value, ','));
	return count;
}

/* Their number is all that is told. */
static bool
any_fields(const WireReader *value, const WireType *type, int nfields)
{
	return !wire_stopped(value) && nfields <= type->nfields;
}

static void
put_fields(WireReader *in, WireFields *value)
{
	for (int i = 0; i < value->nfields && !wire_stopped(in); i++)
	{
		const WireField *field = &value->fields[i];
		TextItem item;

		if (i > 0)
			text_expect(in, ',');
		item = text_item(in, STOPS);
		if (!wire_put_field(in, value, field))
			text_free_item(in, &item);
		else if (!item.quoted && item.len == 0)
			etf_put_null(in->out);
		else
			text_read_item(in, field->type, field->typmod, &item);
	}
}

void
text_composite(WireReader *in)
{
	WireFields value;

	if (text_peek(in) != '(')
	{
		wire_fail(in);
		return;
	}
	if (!wire_find_fields(in, count_fields(*in), any_fields, &value))
		return;
	text_expect(in, '(');
	wire_begin_composite(in, &value);
	put_fields(in, &value);
	wire_end_composite(in, &value);
	text_expect(in, ')');
}
