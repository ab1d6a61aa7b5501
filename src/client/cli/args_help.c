/*
 * args_help.c
 *		What --help prints.
 */
#include <stdio.h>
#include <string.h>

#include "client/base/failure.h"
#include "client/cli/args.h"
#include "client/cli/args_table.h"

static const char top[] = PROGRAM_NAME
	" streams the changes of a PostgreSQL database as Erlang "
	"terms.\n\nUsage:\n  " PROGRAM_NAME
	" --slot=NAME [OPTION]...\n\nExamples:\n  is the server ready for it?\n    " PROGRAM_NAME
	" -d shop --check\n  print changes, and leave nothing "
	"behind:\n    " PROGRAM_NAME
	" -d shop -S look --temporary --json\n  where nothing can be installed, "
	"the changes of a publication:\n    " PROGRAM_NAME
	" -d shop --temporary --json -o publication_names=audit\n  what is in the "
	"tables already, then the changes:\n    " PROGRAM_NAME
	" -d shop --temporary --json --snapshot\n  create a slot that keeps changes "
	"from now on, and print them:\n    " PROGRAM_NAME
	" -d shop -S audit --create-slot\n"
	"    " PROGRAM_NAME " -d shop -S audit --json >> audit.json\n  show what "
	"the slots retain, and drop one:\n    " PROGRAM_NAME " -d shop --status\n"
	"    " PROGRAM_NAME " -d shop -S audit --drop-slot\n"
	"\nOptions:\n";

static void
help_line(char letter, const char *name, const char *value, const char *help)
{
	char option[64] = "";
	char left[80];

	if (name != NULL)
		snprintf(option, sizeof(option), "--%s%s%s", name,
				 value != NULL ? "=" : "", value != NULL ? value : "");
	for (char *p = option; *p != '\0' && *p != '='; p++)
		*p = *p == '_' ? '-' : *p;
	if (letter != 0)
		snprintf(left, sizeof(left), "-%c, %s", letter, option);
	else
		snprintf(left, sizeof(left), "    %s", option);
	printf("  %-32s %s\n", left, help);
}

static char
letter_of(const Setting *setting)
{
	for (size_t i = 0; i < args_count; i++)
	{
		if (args_table[i].name == NULL &&
			args_setting(&args_table[i]) == setting)
			return args_table[i].letter;
	}
	return 0;
}

void
args_help(void)
{
	static const char *const values[] = {
		[SETTING_TEXT] = "TEXT", [SETTING_BOOL] = "on|off",
		[SETTING_COUNT] = "N",	 [SETTING_TIME] = "TIME",
		[SETTING_LSN] = "LSN",	 [SETTING_CHOICE] = "WHICH"};

	fputs(top, stdout);
	for (size_t i = 0; i < args_count; i++)
	{
		if (args_table[i].name != NULL)
			help_line(args_table[i].letter, args_table[i].name,
					  args_table[i].value, args_table[i].help);
	}
	printf("\nSettings (also keys of {start, Map}; write times as 10, 10s or "
		   "500ms):\n");
	for (size_t i = 0; i < settings_count; i++)
	{
		const Setting *setting = &settings_table[i];

		help_line(letter_of(setting), setting->name, values[setting->type],
				  setting->help);
	}
	printf("\nlibpq makes the connection: conninfo strings and URIs, PG* "
		   "variables, services\nand password files work.\n\nExit status:\n");
	failure_print_classes(stdout);
}
