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

static const WireType *
description_of(const WireReader *in)
{
	const WireType *type = in->type;
	int nfields = count_fields(*in);

	while (type != NULL && type->nfields != nfields)
		type = type->older;
	return type;
}

static void
put_fields(WireReader *in, const WireType *type)
{
	for (int i = 0; i < type->nfields && !wire_stopped(in); i++)
	{
		const WireField *field = &type->fields[i];
		TextItem item;

		if (i > 0)
			text_expect(in, ',');
		item = text_item(in, STOPS);
		wire_put_field(in, field);
		if (!item.quoted && item.len == 0)
			etf_put_null(in->out);
		else
			text_read_item(in, field->type, field->typmod, &item);
	}
}

void
text_composite(WireReader *in)
{
	const WireType *type;

	if (text_peek(in) != '(')
	{
		wire_fail(in);
		return;
	}
	type = description_of(in);
	if (type == NULL)
	{
		in->result = WIRE_CHANGED;
		return;
	}
	text_expect(in, '(');
	wire_put_composite(in, type);
	put_fields(in, type);
	text_expect(in, ')');
}
