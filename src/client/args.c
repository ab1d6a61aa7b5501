/*
 * args.c
 *		The command line.
 *
 * Options are rows: those of this file, and those of settings.c, whose names
 * are long options with '-' for '_'.  Letters and names are pg_recvlogical's
 * where it has them.
 */
#include "client/args.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/failure.h"

typedef enum ArgKind
{
	ARG_FLAG,		/* sets a bool of Arguments to true */
	ARG_STRING,		/* a char * of Arguments */
	ARG_PRINT,		/* --print[=STYLE] */
	ARG_CONNECTION, /* a libpq keyword, "setting" names it */
	ARG_SETTING,	/* short for a row of settings.c */
	ARG_OFF,		/* turns a setting off */
	ARG_PLUGIN		/* an option of the plugin */
} ArgKind;

typedef struct Arg
{
	const char *name;
	char letter;
	ArgKind kind;
	size_t offset;
	const char *setting;
	const char *value; /* as --help names it; NULL: takes none */
	const char *help;
} Arg;

#define FLAG(name, letter, field, help)                                      \
	{                                                                        \
		name, letter, ARG_FLAG, offsetof(Arguments, field), NULL, NULL, help \
	}

static const Arg table[] = {
	FLAG("start", 0, start, "stream and print (the default)"),
	{"print", 0, ARG_PRINT, 0, NULL, "STYLE",
	 "stream and print as erlang, elixir (default) or json"},
	{"read", 0, ARG_STRING, offsetof(Arguments, read), NULL, "FILE",
	 "print a file of pg_recvlogical; - reads stdin"},
	FLAG("port", 0, port, "speak to the BEAM on stdin and stdout"),
	FLAG("create-slot", 0, create_slot, "create the slot; with --start go on"),
	FLAG("drop-slot", 0, drop_slot, "drop the slot"),
	FLAG("status", 0, status, "show this slot, or all slots of the plugin"),
	FLAG("if-not-exists", 0, if_not_exists,
		 "with --create-slot: an existing slot is no error"),
	FLAG("transactions", 0, transactions,
		 "json: a line for each begin and commit, too"),
	{"tables", 0, ARG_STRING, offsetof(Arguments, tables), NULL, "PATTERNS",
	 "only tables that match, as in public.*,audit.log"},
	{"option", 'o', ARG_PLUGIN, 0, NULL, "NAME=VALUE", "option of the plugin"},
	FLAG("verbose", 'v', verbose, "say more on stderr"),
	{"dbname", 'd', ARG_SETTING, 0, "conninfo", "DBNAME",
	 "database, conninfo string or URI"},
	{"host", 'h', ARG_CONNECTION, 0, "host", "HOST", "server or directory"},
	{"port-number", 'p', ARG_CONNECTION, 0, "port", "PORT", "its port"},
	{"username", 'U', ARG_CONNECTION, 0, "user", "NAME", "role"},
	FLAG("password", 'W', ask_password, "ask for the password first"),
	FLAG("no-password", 'w', no_password, "never ask for a password"),
	{NULL, 'S', ARG_SETTING, 0, "slot", "NAME", NULL},
	{NULL, 'I', ARG_SETTING, 0, "startpos", "LSN", NULL},
	{NULL, 'E', ARG_SETTING, 0, "endpos", "LSN", NULL},
	{NULL, 's', ARG_SETTING, 0, "status_interval", "TIME", NULL},
	{NULL, 't', ARG_SETTING, 0, "two_phase", NULL, NULL},
	{"no-loop", 'n', ARG_OFF, 0, "reconnect", NULL,
	 "do not connect again after a failure"},
	{"temporary", 0, ARG_SETTING, 0, "create", NULL,
	 "stream from a slot that ends with the connection"},
	FLAG("version", 'V', version, "print the version"),
	FLAG("help", '?', help, "print this"),
};

#define TABLE_COUNT ((int) (sizeof(table) / sizeof(table[0])))
#define LETTER_BASE 1000

static const char *const styles[] = {
	[TEXT_ERLANG] = "erlang", [TEXT_ELIXIR] = "elixir", [TEXT_JSON] = "json"};

/* Everything that getopt_long() needs, made from both tables. */
typedef struct Options
{
	struct option *list;
	char *names; /* of the settings, with '-' */
	char letters[3 * TABLE_COUNT + 1];
} Options;

static const Setting *
setting_of(const Arg *arg)
{
	return settings_find(arg->setting, strlen(arg->setting));
}

static void
options_free(Options *options)
{
	free(options->list);
	free(options->names);
}

static void
add_settings(Options *options, struct option *option)
{
	char *name = options->names;

	for (size_t i = 0; i < settings_count; i++)
	{
		const Setting *setting = &settings_table[i];

		*option++ =
			(struct option){name,
							setting->type == SETTING_BOOL ? optional_argument
														  : required_argument,
							NULL, LETTER_BASE + TABLE_COUNT + (int) i};
		for (const char *p = setting->name; *p != '\0'; p++)
			*name++ = *p == '_' ? '-' : *p;
		*name++ = '\0';
	}
	*option = (struct option){0};
}

static bool
options_build(Options *options)
{
	size_t size = 0;
	struct option *option;
	char *letter = options->letters;

	for (size_t i = 0; i < settings_count; i++)
		size += strlen(settings_table[i].name) + 1;
	options->names = malloc(size);
	options->list =
		malloc((TABLE_COUNT + settings_count + 1) * sizeof(struct option));
	if (options->names == NULL || options->list == NULL)
		return false;
	option = options->list;
	for (int i = 0; i < TABLE_COUNT; i++)
	{
		const Arg *arg = &table[i];

		if (arg->letter != 0)
			letter += sprintf(letter, "%c%s", arg->letter,
							  arg->value != NULL ? ":" : "");
		if (arg->name != NULL)
			*option++ = (struct option){
				arg->name,
				arg->kind == ARG_PRINT
					? optional_argument
					: (arg->value != NULL ? required_argument : no_argument),
				NULL, LETTER_BASE + i};
	}
	add_settings(options, option);
	return true;
}

static bool
set_style(Arguments *args, const char *value, char *error, size_t size)
{
	args->start = true;
	for (int i = TEXT_ERLANG; i <= TEXT_JSON; i++)
	{
		if (value == NULL || strcmp(value, styles[i]) == 0)
		{
			args->style = value == NULL ? TEXT_ELIXIR : i;
			return true;
		}
	}
	snprintf(error, size, "--print takes erlang, elixir or json");
	return false;
}

/* NAME=VALUE, or NAME alone for a switch that is turned on. */
static bool
set_plugin_option(Arguments *args, const char *text, char *error, size_t size)
{
	char *name = strdup(text);
	char *value = name != NULL ? strchr(name, '=') : NULL;
	bool done;

	if (value != NULL)
		*value++ = '\0';
	done = name != NULL && pairs_put(&args->settings.options, name,
									 value != NULL ? value : "on");
	free(name);
	if (!done)
		snprintf(error, size, "out of memory");
	return done;
}

static bool
set_setting(Arguments *args, const Arg *arg, const char *value, char *error,
			size_t size)
{
	const char *on = strcmp(arg->setting, "create") == 0 ? "temporary" : "on";

	if (arg->kind == ARG_OFF)
		value = "off";
	return settings_set_text(&args->settings, setting_of(arg),
							 value != NULL ? value : on, error, size);
}

static bool
apply(Arguments *args, const Arg *arg, char *value, char *error, size_t size)
{
	char *place = (char *) args + arg->offset;

	switch (arg->kind)
	{
		case ARG_FLAG:
			*(bool *) place = true;
			return true;
		case ARG_STRING:
			*(char **) place = value;
			return true;
		case ARG_PRINT:
			return set_style(args, value, error, size);
		case ARG_CONNECTION:
			return pairs_put(&args->settings.connection, arg->setting, value);
		case ARG_PLUGIN:
			return set_plugin_option(args, value, error, size);
		default:
			return set_setting(args, arg, value, error, size);
	}
}

/* "code" is a letter, or LETTER_BASE and the place in the two tables. */
static bool
apply_code(Arguments *args, int code, char *error, size_t size)
{
	int index = code - LETTER_BASE;

	if (index >= TABLE_COUNT)
		return settings_set_text(&args->settings,
								 &settings_table[index - TABLE_COUNT],
								 optarg != NULL ? optarg : "on", error, size);
	for (int i = 0; index < 0 && i < TABLE_COUNT; i++)
	{
		if (table[i].letter == code)
			return apply(args, &table[i], optarg, error, size);
	}
	return apply(args, &table[index], optarg, error, size);
}

static bool
check(const Arguments *args, char *error, size_t size)
{
	if (args->help || args->version || args->port || args->read != NULL)
		return true;
	if (args->drop_slot && (args->create_slot || args->start || args->status))
	{
		snprintf(error, size, "--drop-slot goes with nothing else");
		return false;
	}
	if (args->status)
		return true;
	if (args->create_slot && !args->start &&
		args->settings.create == CREATE_TEMPORARY)
	{
		snprintf(error, size, "a temporary slot is created by --start");
		return false;
	}
	return settings_check(&args->settings, error, size);
}

static bool
parse_all(Arguments *args, const Options *options, int argc, char **argv,
		  char *error, size_t size)
{
	int code;

	opterr = 0;
	while ((code = getopt_long(argc, argv, options->letters, options->list,
							   NULL)) != -1)
	{
		/* An unknown option looks like -?, but for what it was. */
		if (code == '?' && strcmp(argv[optind - 1], "-?") != 0)
		{
			snprintf(error, size, "bad option \"%s\"", argv[optind - 1]);
			return false;
		}
		if (!apply_code(args, code, error, size))
			return false;
	}
	if (optind < argc)
	{
		snprintf(error, size, "unexpected argument \"%s\"", argv[optind]);
		return false;
	}
	return check(args, error, size);
}

bool
args_parse(Arguments *args, int argc, char **argv, char *error, size_t size)
{
	Options options = {0};
	bool done;

	*args = (Arguments){.style = TEXT_ELIXIR};
	settings_init(&args->settings);
	done = options_build(&options);
	if (!done)
		snprintf(error, size, "out of memory");
	done = done && parse_all(args, &options, argc, argv, error, size);
	options_free(&options);
	return done;
}

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
	for (int i = 0; i < TABLE_COUNT; i++)
	{
		if (table[i].name == NULL && setting_of(&table[i]) == setting)
			return table[i].letter;
	}
	return 0;
}

void
args_help(void)
{
	static const char *const values[] = {
		[SETTING_TEXT] = "TEXT", [SETTING_BOOL] = "on|off",
		[SETTING_COUNT] = "N",	 [SETTING_TIME] = "TIME",
		[SETTING_LSN] = "LSN",	 [SETTING_CREATE] = "WHEN"};

	printf("%s streams changes of a PostgreSQL database as Erlang terms.\n\n"
		   "Usage:\n  %s --slot=NAME [OPTION]...\n\nOptions:\n",
		   PROGRAM_NAME, PROGRAM_NAME);
	for (int i = 0; i < TABLE_COUNT; i++)
	{
		if (table[i].name != NULL)
			help_line(table[i].letter, table[i].name, table[i].value,
					  table[i].help);
	}
	printf("\nSettings (of {start, Map} as well; 10, 10s, 500ms are times):\n");
	for (size_t i = 0; i < settings_count; i++)
	{
		const Setting *setting = &settings_table[i];

		help_line(letter_of(setting), setting->name, values[setting->type],
				  setting->help);
	}
	printf("\nThe connection is libpq's: conninfo strings and URIs, PG* "
		   "variables, services\nand password files work.\n\n"
		   "Exit status:\n");
	failure_print_classes(stdout);
}
