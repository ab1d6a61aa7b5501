/*
 * print_style.c
 *		What a style of printing needs of the plugin.
 *
 * Used by print.c.
 */
#include "client/show/print_style.h"

typedef struct StyleOption
{
	const char *name;
	const char *value;
} StyleOption;

static const StyleOption erlang_options[] = {{"dialect", "erlang"},
											 {NULL, NULL}};
static const StyleOption elixir_options[] = {{"dialect", "elixir"},
											 {NULL, NULL}};
static const StyleOption json_options[] = {
	{"dialect", "erlang"}, {"numeric", "text"}, {"timestamps", "iso"},
	{"uuid", "text"},	   {NULL, NULL},
};
static const StyleOption envelope_options[] = {
	{"dialect", "compact"}, {"rows", "tuple"}, {"numeric", "text"},
	{"uuid", "text"},		{"json", "text"},  {"float4", "shortest"},
	{NULL, NULL},
};

static const StyleOption *
options_of(const PrintOptions *how)
{
	static const StyleOption *const options[] = {[TEXT_ERLANG] = erlang_options,
												 [TEXT_ELIXIR] = elixir_options,
												 [TEXT_JSON] = json_options};

	return how->envelope ? envelope_options : options[how->style];
}

/* What the style needs of the plugin, unless somebody said otherwise. */
bool
print_style_set_options(Settings *settings, const PrintOptions *how)
{
	PairList *options = &settings->options;
	const StyleOption *option = options_of(how);

	if (how->tables != NULL &&
		!pairs_put(options, "include_tables", how->tables))
		return false;
	for (; option->name != NULL; option++)
	{
		if (pairs_get(options, option->name) == NULL &&
			!pairs_put(options, option->name, option->value))
			return false;
	}
	return true;
}
