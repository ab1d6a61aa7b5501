/*
 * fields_json.c
 *		A report as an object of JSON.
 *
 * Of say.c for statistics, and of status.c.
 */
#include "client/show/fields_json.h"

#include <string.h>

#include "client/show/json_quote.h"

static bool
is_literal(const Field *field)
{
	return field->kind == FIELD_ATOM && (strcmp(field->text, "true") == 0 ||
										 strcmp(field->text, "false") == 0 ||
										 strcmp(field->text, "null") == 0);
}

void
fields_json(StrBuf *out, const Field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		strbuf_putf(out, "%s\"%s\":", i > 0 ? "," : "{", fields[i].key);
		if (fields[i].kind == FIELD_NUMBER)
			strbuf_putf(out, "%llu", (unsigned long long) fields[i].number);
		else if (is_literal(&fields[i]))
			strbuf_puts(out, fields[i].text);
		else
			json_quote(out, fields[i].text);
	}
	strbuf_puts(out, "}");
}
