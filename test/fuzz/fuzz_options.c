/*
 * fuzz_options.c
 *		Options of the plugin, and patterns of table names among them.
 *
 * The input is a schema, a table, then names and values of options in turn,
 * each ended by a zero byte.  The server gives texts of its encoding without
 * zero bytes, so these are what there is to try.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"

#include "common/option/pattern.h"
#include "fuzz.h"
#include "plugin/options.h"
#include "server.h"

/* Longer ones would keep the second opinion below busy for too long. */
#define MATCH_MAX 8

typedef struct Given
{
	List *elements;
	EtfOptions *options;
} Given;

static char *
next_text(const uint8_t **data, size_t *size)
{
	size_t len = strnlen((const char *) *data, *size);
	char *text = pnstrdup((const char *) *data, len);

	if (len < *size)
		len++;
	*data += len;
	*size -= len;
	return text;
}

static void
parse(void *arg)
{
	Given *given = arg;

	given->options = etf_options_parse(given->elements);
}

static bool
is_choice(const EtfOption *option, int value)
{
	for (const EtfChoice *choice = option->choices; choice->name; choice++)
	{
		if (choice->value == value)
			return true;
	}
	return false;
}

/* "auto" is resolved, perhaps to what only the dialect can ask for. */
static void
check_option(const EtfOptions *options, const EtfOption *option)
{
	const void *place = (const char *) options + option->offset;

	if (option->kind == OPTION_INT)
		HOLDS(*(const int *) place >= option->min &&
			  *(const int *) place <= option->max);
	else if (option->kind == OPTION_CHOICE &&
			 strcmp(option->choices[0].name, "auto") != 0)
		HOLDS(is_choice(option, *(const int *) place));
	else if (option->kind == OPTION_SET)
		HOLDS(*(const int *) place > 0 && *(const int *) place < 16);
	else if (option->kind == OPTION_ATOM)
		HOLDS(options->forms.null_len > 0 &&
			  options->forms.null_len <= MAX_ATOM_LENGTH &&
			  strlen(options->forms.null) == (size_t) options->forms.null_len);
}

/* As the manual says it, without a thought of the time that it takes. */
static bool
matches(const char *pattern, const char *text)
{
	if (*pattern == '*')
		return matches(pattern + 1, text) ||
			   (*text != '\0' && matches(pattern, text + 1));
	if (*pattern == '\\')
		pattern++;
	if (*pattern == '\0' || *text == '\0')
		return *pattern == *text;
	return *pattern == *text && matches(pattern + 1, text + 1);
}

static bool
part_matches(PatternPart part, const char *text)
{
	return matches(pnstrdup(part.text, part.len), text);
}

static void
check_patterns(const char *list, const char *schema, const char *table)
{
	int parts = schema != NULL ? 2 : 1;
	bool expected = false;
	Pattern pattern;

	for (const char *text = list; text != NULL;)
	{
		HOLDS(pattern_next(&text, parts, &pattern));
		HOLDS(pattern.name.len > 0);
		if (pattern.name.len > MATCH_MAX || pattern.schema.len > MATCH_MAX)
			return;
		expected |= (schema == NULL || part_matches(pattern.schema, schema)) &&
					part_matches(pattern.name, table);
	}
	HOLDS((schema != NULL ? patterns_match_table(list, schema, table)
						  : patterns_match_name(list, table)) == expected);
}

static void
check_options(const EtfOptions *options, const char *schema, const char *table)
{
	const Forms *forms = &options->forms;
	const EtfOption *option;

	for (int i = 0; (option = etf_option(i)) != NULL; i++)
		check_option(options, option);
	HOLDS(forms->numeric != NUMERIC_AUTO);
	HOLDS(forms->timestamps != TIMESTAMPS_AUTO);
	HOLDS(forms->interval != INTERVAL_AUTO && forms->uuid != UUID_AUTO);
	options_want_table(options, schema, table);
	options_want_message(options, table);
	if (strlen(schema) > MATCH_MAX || strlen(table) > MATCH_MAX)
		return;
	check_patterns(options->include_tables, schema, table);
	check_patterns(options->exclude_tables, schema, table);
	check_patterns(options->message_prefixes, NULL, table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *schema = next_text(&data, &size);
	char *table = next_text(&data, &size);
	Given given = {NIL, NULL};

	while (size > 0)
	{
		char *name = next_text(&data, &size);
		Node *value =
			size > 0 ? (Node *) makeString(next_text(&data, &size)) : NULL;

		given.elements = lappend(given.elements, makeDefElem(name, value, -1));
	}
	if (server_call(parse, &given))
		check_options(given.options, schema, table);
	else
		HOLDS(server_error_hint);
	server_free_all();
	return 0;
}
