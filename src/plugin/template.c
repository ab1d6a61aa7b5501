/*
 * template.c
 *		Elixir structs as prepared bytes.
 */
#include "postgres.h"

#include <ei.h>

#include "utils/memutils.h"

#include "plugin/template.h"

static void
put_name(EtfOut *out, const char *name)
{
	etf_put_atom_len(out, name, strlen(name));
}

static void
add_hole(EtfTemplate *template, EtfOut *out, char tag, int bytes)
{
	static const char zeros[sizeof(int32)];

	etf_put_small(out, &tag, 1);
	template->hole[template->nholes++] = out->buf->len;
	etf_put_small(out, zeros, bytes);
}

static void
add_field(EtfTemplate *template, EtfOut *out, const TemplateField *field)
{
	put_name(out, field->key);
	switch (field->fill)
	{
		case FILL_ATOM:
			put_name(out, field->value);
			break;
		case FILL_BINARY:
			etf_put_binary(out, field->value, strlen(field->value));
			break;
		case FILL_ZERO:
			etf_put_int(out, 0);
			break;
		case FILL_BYTE:
			add_hole(template, out, ERL_SMALL_INTEGER_EXT, 1);
			break;
		case FILL_USEC:
			etf_put_tuple(out, 2);
			add_hole(template, out, ERL_INTEGER_EXT, sizeof(int32));
			add_hole(template, out, ERL_SMALL_INTEGER_EXT, 1);
			break;
		case FILL_INT:
			add_hole(template, out, ERL_INTEGER_EXT, sizeof(int32));
			break;
		case FILL_TERM:
			template->end[template->nends++] = out->buf->len;
			break;
		case FILL_END:
			break;
	}
}

static int
count_fields(const EtfTemplate *template)
{
	int count = 0;

	while (count < TEMPLATE_FIELDS && template->fields[count].fill != FILL_END)
		count++;
	return count;
}

/* "bytes" is set last: an ERROR on the way leaves the template unbuilt. */
void
etf_template_build(EtfTemplate *template)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	int count = count_fields(template);
	StringInfoData buf;
	EtfOut out = ETF_OUT(&buf, NULL);

	initStringInfo(&buf);
	template->nholes = template->nends = 0;
	etf_put_map(&out, count + 1);
	put_name(&out, "__struct__");
	put_name(&out, template->module);
	for (int i = 0; i < count; i++)
		add_field(template, &out, &template->fields[i]);
	template->end[template->nends++] = buf.len;
	template->bytes = buf.data;
	MemoryContextSwitchTo(caller);
}
