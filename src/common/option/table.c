/*
 * table.c
 *		The options: names, defaults, what is valid, a line of help each.
 *
 * parse.c reads by the table; etf_options() shows it; a test compares
 * docs/options.md with it.  The forms' rows are in common/value/forms.c.
 */
#include "common/option/table.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const EtfChoice action_choices[] = {{"insert", ACTION_INSERT},
										   {"update", ACTION_UPDATE},
										   {"delete", ACTION_DELETE},
										   {"truncate", ACTION_TRUNCATE},
										   {NULL, 0}};
static const EtfChoice origin_choices[] = {
	{"any", ORIGIN_ANY}, {"none", ORIGIN_NONE}, {NULL, 0}};
static const EtfChoice relation_choices[] = {{"session", RELATIONS_SESSION},
											 {"frame", RELATIONS_FRAME},
											 {"off", RELATIONS_OFF},
											 {NULL, 0}};
static const EtfChoice old_row_choices[] = {
	{"identity", OLD_ROWS_IDENTITY}, {"none", OLD_ROWS_NONE}, {NULL, 0}};
static const EtfChoice ddl_choices[] = {{"off", DDL_OFF},
										{"tables", DDL_TABLES},
										{"commands", DDL_COMMANDS},
										{NULL, 0}};
static const EtfChoice update_choices[] = {
	{"full", UPDATES_FULL}, {"changed", UPDATES_CHANGED}, {NULL, 0}};

#define PLACE(field) offsetof(EtfOptions, field)

static const EtfOption first_options[] = {
	{"protocol_version", OPTION_INT, PLACE(protocol_version), "1",
	 "frame version that the client understands", NULL, ETF_PROTOCOL_MIN,
	 ETF_PROTOCOL_MAX},
	{"include_tables", OPTION_TABLES, PLACE(include_tables), NULL,
	 "send only these tables", NULL, 0, 0},
	{"exclude_tables", OPTION_TABLES, PLACE(exclude_tables), NULL,
	 "do not send these tables; wins over include_tables", NULL, 0, 0},
	{"include_columns", OPTION_COLUMNS, PLACE(include_columns), NULL,
	 "send only these columns, and those of replica identities", NULL, 0, 0},
	{"exclude_columns", OPTION_COLUMNS, PLACE(exclude_columns), NULL,
	 "do not send these columns; wins over include_columns", NULL, 0, 0},
	{"mask_columns", OPTION_MASKS, PLACE(mask_columns), NULL,
	 "send something else instead of these columns", NULL, 0, 0},
	{"publication_names", OPTION_NAMES, PLACE(publication_names), NULL,
	 "send only what these publications publish", NULL, 0, 0},
	{"actions", OPTION_SET, PLACE(actions), "all", "kinds of change to send",
	 action_choices, 0, 0},
	{"messages", OPTION_BOOL, PLACE(messages), "off",
	 "send messages written by pg_logical_emit_message()", NULL, 0, 0},
	{"message_prefixes", OPTION_PREFIXES, PLACE(message_prefixes), NULL,
	 "send only messages with these prefixes", NULL, 0, 0},
	{"origin", OPTION_CHOICE, PLACE(origin), "any",
	 "none: skip changes that were replicated from another server",
	 origin_choices, 0, 0},
};

static const EtfOption more_options[] = {
	{"relations", OPTION_CHOICE, PLACE(relations), "session",
	 "describe a table at its first use and after it has changed, in every "
	 "frame that uses it, or never",
	 relation_choices, 0, 0},
	{"old_rows", OPTION_CHOICE, PLACE(old_rows), "identity",
	 "none: updates carry no old row", old_row_choices, 0, 0},
	{"ddl", OPTION_CHOICE, PLACE(ddl), "off",
	 "tables: say what a transaction has done to the definition of tables; "
	 "commands: and the commands that etf_enable_ddl() records",
	 ddl_choices, 0, 0},
	{"updates", OPTION_CHOICE, PLACE(updates), "full",
	 "changed: under REPLICA IDENTITY FULL, only the primary key and the "
	 "columns that differ",
	 update_choices, 0, 0},
	{"skip_unchanged", OPTION_BOOL, PLACE(skip_unchanged), "off",
	 "under REPLICA IDENTITY FULL, leave updates out that change nothing", NULL,
	 0, 0},
	{"frame_bytes", OPTION_INT, PLACE(frame_bytes), "65536",
	 "close a frame once it reaches this size", NULL, 1, 16 * 1024 * 1024},
	{"skip_empty", OPTION_BOOL, PLACE(skip_empty), "on",
	 "send nothing for a transaction without events", NULL, 0, 0},
	{"visible", OPTION_BOOL, PLACE(visible), "on",
	 "hold a transaction back until new snapshots see it", NULL, 0, 0},
	{"streaming", OPTION_BOOL, PLACE(streaming), "off",
	 "send large transactions while they are in progress (PostgreSQL 14 or "
	 "later)",
	 NULL, 0, 0},
	{"two_phase", OPTION_BOOL, PLACE(two_phase), "off",
	 "send prepared transactions when they are prepared (PostgreSQL 14 or "
	 "later)",
	 NULL, 0, 0},
};

const EtfOption *
etf_option(int i)
{
	static const struct
	{
		const EtfOption *options;
		int count;
	} parts[] = {{first_options, COUNT(first_options)},
				 {forms_options, FORMS_OPTIONS},
				 {more_options, COUNT(more_options)}};

	for (int part = 0; part < COUNT(parts); part++)
	{
		if (i < parts[part].count)
			return &parts[part].options[i];
		i -= parts[part].count;
	}
	return NULL;
}

_Static_assert(COUNT(first_options) + FORMS_OPTIONS + COUNT(more_options) <=
				   MAX_OPTIONS,
			   "raise MAX_OPTIONS");

int
etf_option_find(const char *name)
{
	const EtfOption *option;

	for (int i = 0; (option = etf_option(i)) != NULL; i++)
		if (strcmp(option->name, name) == 0)
			return i;
	return -1;
}

static void
put_choices(char *words, const char *before, const EtfChoice *choices)
{
	int len = snprintf(words, OPTION_WORDS_MAX, "%s", before);

	for (const EtfChoice *choice = choices; choice->name != NULL; choice++)
		len += snprintf(words + len, (size_t) (OPTION_WORDS_MAX - len), "%s%s",
						choice == choices ? "" : ", ", choice->name);
}

void
etf_option_words(const EtfOption *option, char words[OPTION_WORDS_MAX])
{
	static const char *const fixed[] = {
		[OPTION_BOOL] = "on, off, or another boolean",
		[OPTION_TABLES] = "comma-separated schema.table patterns with * and \\ "
						  "escapes",
		[OPTION_COLUMNS] = "comma-separated schema.table.column patterns with "
						   "* and \\ escapes",
		[OPTION_MASKS] = "comma-separated schema.table.column:mask; masks are "
						 "hash, keep(n), trunc(n), fixed(text), null",
		[OPTION_PREFIXES] = "comma-separated patterns with * and \\ escapes",
		[OPTION_NAMES] = "comma-separated names, quoted as in SQL",
	};

	switch (option->kind)
	{
		case OPTION_INT:
			snprintf(words, OPTION_WORDS_MAX, "%d to %d", option->min,
					 option->max);
			break;
		case OPTION_CHOICE:
			put_choices(words, "", option->choices);
			break;
		case OPTION_SET:
			put_choices(words, "all, or a comma-separated list of ",
						option->choices);
			break;
		case OPTION_ATOM:
			snprintf(words, OPTION_WORDS_MAX,
					 "1 to %d ASCII characters, not an atom the protocol uses",
					 MAX_ATOM_LENGTH);
			break;
		default:
			snprintf(words, OPTION_WORDS_MAX, "%s", fixed[option->kind]);
			break;
	}
}
