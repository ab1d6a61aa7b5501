/*
 * test_settings.c
 *		The two tables: settings and options of the command line.
 */
#include "client/cli/args.h"

#include <getopt.h>

#include "check.h"

static bool
set(Settings *settings, const char *name, const char *text)
{
	const Setting *setting = settings_find(name, strlen(name));
	char error[256] = "";
	bool done = setting != NULL &&
				settings_set_text(settings, setting, text, error, 256);

	CHECK(done || strstr(error, name) != NULL);
	return done;
}

static void
test_rows_are_sound(void)
{
	for (size_t i = 0; i < settings_count; i++)
	{
		const Setting *row = &settings_table[i];
		Settings settings;

		CHECK(settings_find(row->name, strlen(row->name)) == row);
		CHECK(row->help != NULL && row->help[0] != '\0');
		CHECK(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_") ==
			  strlen(row->name));
		settings_init(&settings);
		if (row->initial != NULL)
			CHECK(set(&settings, row->name, row->initial));
		settings_free(&settings);
	}
	CHECK(settings_find("slo", 3) == NULL && settings_find("", 0) == NULL);
}

static void
test_values(void)
{
	Settings settings;

	settings_init(&settings);
	CHECK(settings.status_interval == 10000 && settings.max_stall == 60000);
	CHECK(set(&settings, "status_interval", "3") &&
		  settings.status_interval == 3000);
	CHECK(set(&settings, "status_interval", "250ms") &&
		  settings.status_interval == 250);
	CHECK(set(&settings, "max_stall", "2min") && settings.max_stall == 120000);
	CHECK(!set(&settings, "max_stall", "2 min"));
	CHECK(!set(&settings, "max_stall", "-1"));
	CHECK(!set(&settings, "max_stall", "99999999999999999999"));
	CHECK(!set(&settings, "status_interval", "1ms"));
	CHECK(set(&settings, "startpos", "16/B374D848") &&
		  settings.startpos == UINT64_C(0x16B374D848));
	CHECK(!set(&settings, "startpos", "16-B374D848"));
	CHECK(set(&settings, "control", "off") && !settings.control);
	CHECK(!set(&settings, "control", "maybe"));
	CHECK(!set(&settings, "create", "always"));
	CHECK(set(&settings, "slot", "a") && set(&settings, "slot", "b") &&
		  strcmp(settings.slot, "b") == 0);
	settings_free(&settings);
}

static void
test_pairs(void)
{
	Settings settings;

	settings_init(&settings);
	CHECK(pairs_put(&settings.options, "rows", "map"));
	CHECK(pairs_put(&settings.options, "null", ""));
	CHECK(pairs_put(&settings.options, "rows", "tuple"));
	CHECK(settings.options.count == 2);
	CHECK(strcmp(pairs_get(&settings.options, "rows"), "tuple") == 0);
	CHECK(pairs_get(&settings.options, "row") == NULL);
	settings_free(&settings);
}

static bool
parse(Arguments *args, const char *const *words)
{
	char *argv[16] = {(char *) "pg_etf_client"};
	char error[256] = "";
	int argc = 1;
	bool done;

	while (words[argc - 1] != NULL)
	{
		argv[argc] = (char *) words[argc - 1];
		argc++;
	}
	optind = 0;
	done = args_parse(args, argc, argv, error, sizeof(error));
	CHECK(done || error[0] != '\0');
	return done;
}

static bool
refused(const char *const *words)
{
	Arguments args;
	bool done = parse(&args, words);

	settings_free(&args.settings);
	return !done;
}

static void
test_arguments(void)
{
	static const char *const words[] = {"-S",
										"orders",
										"--print=json",
										"-o",
										"rows=tuple",
										"-n",
										"-t",
										"-E",
										"0/FF",
										"--max-stall=5",
										"--control=off",
										"-h",
										"db",
										NULL};
	Arguments args;

	CHECK(parse(&args, words));
	CHECK(strcmp(args.settings.slot, "orders") == 0);
	CHECK(args.print.style == TEXT_JSON && args.start);
	CHECK(!args.settings.reconnect && args.settings.two_phase);
	CHECK(args.settings.endpos == 255 && args.settings.max_stall == 5000);
	CHECK(!args.settings.control);
	CHECK(strcmp(pairs_get(&args.settings.connection, "host"), "db") == 0);
	CHECK(strcmp(pairs_get(&args.settings.options, "rows"), "tuple") == 0);
	settings_free(&args.settings);
}

static void
test_bad_arguments(void)
{
	CHECK(refused((const char *const[]){NULL}));
	CHECK(refused((const char *const[]){"--slot", NULL}));
	CHECK(refused((const char *const[]){"--slot=s", "more", NULL}));
	CHECK(refused((const char *const[]){"--slot=s", "--print=xml", NULL}));
	CHECK(refused((const char *const[]){"--slot=s", "--what", NULL}));
	CHECK(refused((const char *const[]){"--slot=s", "-E", "x", NULL}));
	CHECK(refused((const char *const[]){"--slot=s", "--drop-slot",
										"--create-slot", NULL}));
	CHECK(refused((const char *const[]){"--slot=A", "--temporary", NULL}));
	CHECK(!refused((const char *const[]){"--slot=a_0", "--temporary", NULL}));
	CHECK(refused((const char *const[]){"--slot=s", "-o", "a\"=1", NULL}));
	CHECK(!refused((const char *const[]){"--slot=s", "-o", "a=\"", NULL}));
	CHECK(!refused((const char *const[]){"-?", NULL}));
	CHECK(!refused((const char *const[]){"--version", NULL}));
}

/* What people type who know psql or pg_recvlogical. */
static void
test_words_of_other_programs(void)
{
	Arguments args;

	CHECK(parse(&args, (const char *const[]){"--port", NULL}));
	CHECK(args.beam && pairs_get(&args.settings.connection, "port") == NULL);
	settings_free(&args.settings);
	for (int i = 0; i < 3; i++)
	{
		static const char *const words[][5] = {
			{"-S", "s", "--port=5433", "--json", NULL},
			{"-S", "s", "-p5433", "--print=json", NULL},
			{"-Ss", "-p", "5433", "--json", NULL}};

		CHECK(parse(&args, words[i]));
		CHECK(!args.beam && args.print.style == TEXT_JSON && args.start);
		CHECK(strcmp(pairs_get(&args.settings.connection, "port"), "5433") ==
			  0);
		settings_free(&args.settings);
	}
	CHECK(parse(&args, (const char *const[]){"-Ss", "--port", "5433", "--print",
											 "json", NULL}));
	CHECK(!args.beam && args.print.style == TEXT_JSON);
	settings_free(&args.settings);
	CHECK(!refused((const char *const[]){"-Ss", "-P", "pg_etf_decoding", "-f",
										 "-", NULL}));
	CHECK(refused((const char *const[]){"-Ss", "-P", "test_decoding", NULL}));
	CHECK(refused((const char *const[]){"-Ss", "-f", "file", NULL}));
}

int
main(void)
{
	test_rows_are_sound();
	test_values();
	test_pairs();
	test_arguments();
	test_bad_arguments();
	test_words_of_other_programs();
	return check_done();
}
