/*
 * args.c
 *		The command line.
 *
 * Options are rows: those of args_table.c, and those of settings_table.c, whose
 * names are long options with '-' for '_'.
 */
#include "client/cli/args.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/args_table.h"

#define LETTER_BASE 1000
#define CONNINFO_SIZE 8192

static const struct
{
	const char *name;
	TextStyle style;
	bool envelope;
} styles[] = {{"erlang", TEXT_ERLANG, false},
			  {"elixir", TEXT_ELIXIR, false},
			  {"json", TEXT_JSON, false},
			  {"debezium", TEXT_JSON, true}};

static const char *const formats[] = {[STATUS_TABLE] = "table",
									  [STATUS_JSON] = "json",
									  [STATUS_PROMETHEUS] = "prometheus"};

/* Everything that getopt_long() needs, made from both tables. */
typedef struct Options
{
	struct option *list;
	char *names; /* of the settings, with '-' */
	char letters[256];
} Options;

static void
options_free(Options *options)
{
	free(options->list);
	free(options->names);
}

/* Alone it means that it is on. */
static bool
is_switch(const Setting *setting)
{
	return setting->type == SETTING_BOOL ||
		   (setting->type == SETTING_CHOICE &&
			strcmp(setting->choices[0], "off") == 0);
}

static void
add_settings(Options *options, struct option *option)
{
	char *name = options->names;

	for (size_t i = 0; i < settings_count; i++)
	{
		const Setting *setting = &settings_table[i];

		*option++ = (struct option){
			name, is_switch(setting) ? optional_argument : required_argument,
			NULL, LETTER_BASE + (int) args_count + (int) i};
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

	/* Distinguishes a missing value from an unknown option. */
	*letter++ = ':';

	for (size_t i = 0; i < settings_count; i++)
		size += strlen(settings_table[i].name) + 1;
	options->names = malloc(size);
	options->list =
		malloc(((int) args_count + settings_count + 1) * sizeof(struct option));
	if (options->names == NULL || options->list == NULL)
		return false;
	option = options->list;
	for (int i = 0; i < (int) args_count; i++)
	{
		const Arg *arg = &args_table[i];

		if (arg->letter != 0)
			letter += sprintf(letter, "%c%s", arg->letter,
							  arg->value != NULL ? ":" : "");
		if (arg->name != NULL)
			*option++ =
				(struct option){arg->name,
								args_value_is_optional(arg) ? optional_argument
								: arg->value != NULL		? required_argument
															: no_argument,
								NULL, LETTER_BASE + i};
	}
	add_settings(options, option);
	return true;
}

static bool
set_style(Arguments *args, const char *value, char *error, size_t size)
{
	args->start = true;
	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
	{
		if (strcmp(value, styles[i].name) == 0)
		{
			args->print.style = styles[i].style;
			args->print.envelope = styles[i].envelope;
			return true;
		}
	}
	snprintf(error, size, "--print must be erlang, elixir, json or debezium");
	return false;
}

static bool
set_status(Arguments *args, const char *value, char *error, size_t size)
{
	for (int i = STATUS_TABLE; i <= STATUS_PROMETHEUS; i++)
	{
		if (strcmp(value, formats[i]) == 0)
		{
			args->status = (StatusFormat) i;
			return true;
		}
	}
	snprintf(error, size, "--status must be table, json or prometheus");
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
	return settings_set_text(&args->settings, args_setting(arg),
							 value != NULL ? value : on, error, size);
}

/* Where no list of processes shows a password. */
static bool
set_conninfo(Arguments *args, const Arg *arg, const char *value, char *error,
			 size_t size)
{
	char line[CONNINFO_SIZE];

	if (strcmp(value, "-") != 0)
		return set_setting(args, arg, value, error, size);
	if (fgets(line, sizeof(line), stdin) == NULL ||
		strlen(line) == sizeof(line) - 1)
	{
		snprintf(error, size,
				 "--dbname: no line of less than %d bytes on stdin",
				 CONNINFO_SIZE - 1);
		return false;
	}
	line[strcspn(line, "\n")] = '\0';
	return set_setting(args, arg, line, error, size);
}

/* What pg_recvlogical has and we need not. */
static bool
check_only(const Arg *arg, const char *value, char *error, size_t size)
{
	if (strcmp(value, arg->setting) == 0)
		return true;
	snprintf(error, size, "--%s only accepts \"%s\"%s", arg->name, arg->setting,
			 arg->letter == 'f'
				 ? ": output goes to stdout, so use > FILE, or >> FILE"
				 : "");
	return false;
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
			return set_style(args, value != NULL ? value : arg->setting, error,
							 size);
		case ARG_STATUS:
			return set_status(args, value != NULL ? value : arg->setting, error,
							  size);
		case ARG_ONLY:
			return check_only(arg, value, error, size);
		case ARG_PORT:
			args->beam |= value == NULL;
			if (value == NULL)
				return true;
			/* fall through */
		case ARG_CONNECTION:
			return pairs_put(&args->settings.connection, arg->setting, value);
		case ARG_CONNINFO:
			return set_conninfo(args, arg, value, error, size);
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

	if (index >= (int) args_count)
		return settings_set_text(&args->settings,
								 &settings_table[index - (int) args_count],
								 optarg != NULL ? optarg : "on", error, size);
	for (int i = 0; index < 0 && i < (int) args_count; i++)
	{
		if (args_table[i].letter == code)
			return apply(args, &args_table[i], optarg, error, size);
	}
	return apply(args, &args_table[index], optarg, error, size);
}

/* No word stands alone here, so one behind --print or --port belongs to it. */
static void
take_value(const struct option *option, int argc, char **argv)
{
	if (option->has_arg == optional_argument && optarg == NULL &&
		optind < argc && argv[optind][0] != '-')
		optarg = argv[optind++];
}

/* -1: there is no other. */
static bool
next_option(const Options *options, int argc, char **argv, int *code,
			char *error, size_t size)
{
	int place = -1;

	*code = getopt_long(argc, argv, options->letters, options->list, &place);
	if (*code == ':')
		snprintf(error, size, "option \"%s\" needs a value", argv[optind - 1]);
	/* An unknown option looks like -?, but for what it was. */
	else if (*code == '?' && strcmp(argv[optind - 1], "-?") != 0)
		snprintf(error, size, "invalid option \"%s\"", argv[optind - 1]);
	else
	{
		if (place >= 0)
			take_value(&options->list[place], argc, argv);
		return true;
	}
	return false;
}

static bool
parse_all(Arguments *args, const Options *options, int argc, char **argv,
		  char *error, size_t size)
{
	int code;

	opterr = 0;
	for (;;)
	{
		if (!next_option(options, argc, argv, &code, error, size))
			return false;
		if (code == -1)
			break;
		if (!apply_code(args, code, error, size))
			return false;
	}
	if (optind < argc)
	{
		snprintf(error, size, "unexpected argument \"%s\"", argv[optind]);
		return false;
	}
	return args_check(args, error, size);
}

bool
args_parse(Arguments *args, int argc, char **argv, char *error, size_t size)
{
	Options options = {0};
	bool done;

	*args = (Arguments){.print.style = TEXT_ELIXIR};
	settings_init(&args->settings);
	done = options_build(&options);
	if (!done)
		snprintf(error, size, "out of memory");
	done = done && parse_all(args, &options, argc, argv, error, size);
	options_free(&options);
	return done;
}
