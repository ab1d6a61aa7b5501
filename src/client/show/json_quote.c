/*
 * json_quote.c
 *		A string of JSON.
 *
 * Of show_relation.c, for what is JSON text already, and of say.c.
 */
#include "client/show/json_quote.h"

void
json_quote(StrBuf *out, const char *text)
{
	strbuf_puts(out, "\"");
	for (; *text != '\0'; text++)
	{
		if (*text == '"' || *text == '\\')
			strbuf_puts(out, "\\");
		strbuf_put(out, text, 1);
	}
	strbuf_puts(out, "\"");
}
