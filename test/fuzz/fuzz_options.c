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

#include "fuzz.h"
#include "plugin/filter.h"
#include "plugin/option_table.h"
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
		HOLDS(options->null_len > 0 && options->null_len <= MAX_ATOM_LENGTH &&
			  strlen(options->null) == (size_t) options->null_len);
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

static void
check_patterns(const List *patterns, const char *schema, const char *table)
{
	bool expected = false;
	ListCell *cell;

	foreach (cell, patterns)
	{
		const EtfPattern *pattern = lfirst(cell);

		HOLDS(pattern->name[0] != '\0');
		if (strlen(pattern->name) > MATCH_MAX ||
			(pattern->schema != NULL && strlen(pattern->schema) > MATCH_MAX))
			return;
		expected |=
			(pattern->schema == NULL || matches(pattern->schema, schema)) &&
			matches(pattern->name, table);
	}
	HOLDS(etf_patterns_match(patterns, schema, table) == expected);
}

static void
check_options(const EtfOptions *options, const char *schema, const char *table)
{
	for (int i = 0; i < etf_option_count; i++)
		check_option(options, &etf_option_table[i]);
	HOLDS(options->numeric != NUMERIC_AUTO);
	HOLDS(options->timestamps != TIMESTAMPS_AUTO);
	HOLDS(options->interval != INTERVAL_AUTO && options->uuid != UUID_AUTO);
	etf_table_wanted(options, schema, table);
	etf_message_wanted(options, table);
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
