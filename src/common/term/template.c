/*
 * template.c
 *		Elixir structs as prepared bytes.
 */
#include "common/term/template.h"

static void
put_name(TermOut *out, const char *name)
{
	etf_put_atom_len(out, name, strlen(name));
}

static void
add_hole(EtfTemplate *template, TermOut *out, char tag, size_t bytes)
{
	static const char zeros[sizeof(int32_t)];

	etf_put_small(out, &tag, 1);
	template->hole[template->nholes++] = (int16_t) out->len;
	etf_put_small(out, zeros, bytes);
}

static void
add_field(EtfTemplate *template, TermOut *out, const TemplateField *field)
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
			add_hole(template, out, TAG_SMALL_INTEGER, 1);
			break;
		case FILL_USEC:
			etf_put_tuple(out, 2);
			add_hole(template, out, TAG_INTEGER, sizeof(int32_t));
			add_hole(template, out, TAG_SMALL_INTEGER, 1);
			break;
		case FILL_INT:
			add_hole(template, out, TAG_INTEGER, sizeof(int32_t));
			break;
		case FILL_TERM:
			template->end[template->nends++] = (int16_t) out->len;
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

/* The bytes have to fit: there is no host to ask for more. */
void
etf_template_build(EtfTemplate *template)
{
	int count = count_fields(template);
	TermOut out = {.data = template->bytes, .size = sizeof(template->bytes)};

	etf_put_map(&out, (uint32_t) count + 1);
	put_name(&out, "__struct__");
	put_name(&out, template->module);
	for (int i = 0; i < count; i++)
		add_field(template, &out, &template->fields[i]);
	template->end[template->nends++] = (int16_t) out.len;
	template->built = true;
}
