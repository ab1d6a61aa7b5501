/*
 * parse.c
 *		Read the values of options by the table in table.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/option/mask.h"
#include "common/option/names.h"
#include "common/option/pattern.h"
#include "common/option/table.h"

/* As the server reads a boolean: what begins one word only will do. */
static bool
parse_bool(const char *text, bool *value)
{
	static const struct
	{
		const char *word;
		size_t enough;
		bool value;
	} words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true},
				 {"no", 1, false},	{"on", 2, true},	 {"off", 2, false},
				 {"1", 1, true},	{"0", 1, false}};
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (len >= words[i].enough &&
			strncasecmp(text, words[i].word, len) == 0)
		{
			*value = words[i].value;
			return true;
		}
	}
	return false;
}

static bool
find_choice(const EtfChoice *choices, PatternPart text, int *value)
{
	for (const EtfChoice *choice = choices; choice->name != NULL; choice++)
	{
		if (strlen(choice->name) == text.len &&
			memcmp(choice->name, text.text, text.len) == 0)
		{
			*value = choice->value;
			return true;
		}
	}
	return false;
}

/* "all", or the union of the named choices. */
static bool
parse_set(const EtfChoice *choices, const char *text, int *value)
{
	bool all = strcmp(text, "all") == 0;
	Pattern name;
	int bit;

	*value = 0;
	for (const EtfChoice *choice = choices; all && choice->name; choice++)
		*value |= choice->value;
	while (!all && text != NULL)
	{
		if (!pattern_next(&text, 1, &name) ||
			!find_choice(choices, name.name, &bit) || (*value & bit) != 0)
			return false;
		*value |= bit;
	}
	return true;
}

bool
option_parse_int(const char *text, int *value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	*value = (int) number;
	return errno == 0 && (isdigit((unsigned char) *text) || *text == '-') &&
		   end != text && *end == '\0' && number == *value;
}

static bool
parse_patterns(const char *text, int parts, const char **value)
{
	*value = text;
	return patterns_bad(text, parts) == NULL;
}

bool
options_set(EtfOptions *options, const EtfOption *option, const char *text)
{
	void *place = (char *) options + option->offset;

	switch (option->kind)
	{
		case OPTION_BOOL:
			return parse_bool(text, place);
		case OPTION_INT:
			return option_parse_int(text, place) &&
				   *(int *) place >= option->min &&
				   *(int *) place <= option->max;
		case OPTION_CHOICE:
			return find_choice(option->choices,
							   (PatternPart){text, strlen(text)}, place);
		case OPTION_SET:
			return parse_set(option->choices, text, place);
		case OPTION_TABLES:
		case OPTION_PREFIXES:
		case OPTION_COLUMNS:
			return parse_patterns(text, option_parts(option->kind), place);
		case OPTION_MASKS:
			*(const char **) place = text;
			return masks_bad(text) == NULL;
		case OPTION_NAMES:
			*(const char **) place = text;
			return sql_names_sound(text);
		case OPTION_ATOM:
			return forms_set_null(&options->forms, text);
	}
	return false;
}

void
options_init(EtfOptions *options)
{
	const EtfOption *option;

	*options = (EtfOptions){.protocol_version = 0};
	for (int i = 0; (option = etf_option(i)) != NULL; i++)
		if (option->fallback != NULL)
			options_set(options, option, option->fallback);
}

bool
options_want_table(const EtfOptions *options, const char *schema,
				   const char *table)
{
	if (options->include_tables != NULL &&
		!patterns_match_table(options->include_tables, schema, table))
		return false;
	return !patterns_match_table(options->exclude_tables, schema, table);
}

bool
options_want_message(const EtfOptions *options, const char *prefix)
{
	return options->messages &&
		   (options->message_prefixes == NULL ||
			patterns_match_name(options->message_prefixes, prefix));
}
