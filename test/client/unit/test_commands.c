/*
 * test_commands.c
 *		Commands of the BEAM: credit, acknowledgements, settings, and damage.
 *
 * libei is the oracle: it writes what the client reads.
 */
#include "client/consumer/command.h"

#include <ei.h>

#include "check.h"

static bool
decode(const ei_x_buff *x, Command *command, Settings *settings, char *error)
{
	char *packet = exact_copy(x->buff, (size_t) x->index);
	bool done = command_decode(packet, (size_t) x->index, command, settings,
							   error, 256);

	free(packet);
	return done;
}

static void
test_commands(void)
{
	Command command;
	Settings settings;
	char error[256];
	ei_x_buff x;

	settings_init(&settings);
	ei_x_new_with_version(&x);
	ei_x_format_wo_ver(&x, "{credit, 7, 65536}");
	CHECK(decode(&x, &command, &settings, error));
	CHECK(command.kind == COMMAND_CREDIT && command.events == 7 &&
		  command.bytes == 65536);
	ei_x_free(&x);
	ei_x_new_with_version(&x);
	ei_x_encode_tuple_header(&x, 2);
	ei_x_encode_atom(&x, "flushed");
	ei_x_encode_ulonglong(&x, UINT64_MAX);
	CHECK(decode(&x, &command, &settings, error));
	CHECK(command.kind == COMMAND_FLUSHED && command.lsn == UINT64_MAX);
	ei_x_free(&x);
	ei_x_new_with_version(&x);
	ei_x_encode_atom(&x, "stop");
	CHECK(decode(&x, &command, &settings, error));
	CHECK(command.kind == COMMAND_STOP);
	ei_x_encode_atom(&x, "stop");
	CHECK(!decode(&x, &command, &settings, error));
	ei_x_free(&x);
	settings_free(&settings);
}

/* A {start, Map} with settings of every type. */
static void
encode_start(ei_x_buff *x)
{
	ei_x_new_with_version(x);
	ei_x_encode_tuple_header(x, 2);
	ei_x_encode_atom(x, "start");
	ei_x_encode_map_header(x, 8);
	ei_x_encode_atom(x, "slot");
	ei_x_encode_binary(x, "orders", 6);
	ei_x_encode_binary(x, "conninfo", 8);
	ei_x_encode_string(x, "dbname=shop");
	ei_x_encode_atom(x, "connection");
	ei_x_encode_map_header(x, 2);
	ei_x_encode_atom(x, "port");
	ei_x_encode_long(x, 5433);
	ei_x_encode_atom(x, "password");
	ei_x_encode_binary(x, "p'w\\", 4);
	ei_x_encode_atom(x, "create");
	ei_x_encode_atom(x, "if_missing");
	ei_x_encode_atom(x, "control");
	ei_x_encode_atom(x, "false");
	ei_x_encode_atom(x, "startpos");
	ei_x_encode_ulonglong(x, UINT64_C(0x16B374D848));
	ei_x_encode_atom(x, "max_stall");
	ei_x_encode_long(x, 1234);
	ei_x_encode_atom(x, "options");
	ei_x_encode_map_header(x, 1);
	ei_x_encode_atom(x, "rows");
	ei_x_encode_atom(x, "tuple");
}

static void
test_start(void)
{
	Command command;
	Settings settings;
	char error[256] = "";
	ei_x_buff x;

	settings_init(&settings);
	encode_start(&x);
	CHECK_THAT(decode(&x, &command, &settings, error), "%s", error);
	CHECK(command.kind == COMMAND_START);
	CHECK(strcmp(settings.slot, "orders") == 0);
	CHECK(strcmp(settings.conninfo, "dbname=shop") == 0);
	CHECK(strcmp(pairs_get(&settings.connection, "port"), "5433") == 0);
	CHECK(strcmp(pairs_get(&settings.connection, "password"), "p'w\\") == 0);
	CHECK(settings.create == CREATE_IF_MISSING && !settings.control);
	CHECK(settings.startpos == UINT64_C(0x16B374D848));
	CHECK(settings.max_stall == 1234 && settings.status_interval == 10000);
	CHECK(strcmp(pairs_get(&settings.options, "rows"), "tuple") == 0);
	settings_free(&settings);
	ei_x_free(&x);
}

/* A charlist beyond ASCII is not UTF-8: a password must not go wrong. */
static void
test_charlists(void)
{
	Command command;
	Settings settings;
	char error[256] = "";
	ei_x_buff x;

	for (int i = 0; i < 2; i++)
	{
		settings_init(&settings);
		ei_x_new_with_version(&x);
		ei_x_encode_tuple_header(&x, 2);
		ei_x_encode_atom(&x, "start");
		ei_x_encode_map_header(&x, 2);
		ei_x_encode_atom(&x, "slot");
		ei_x_encode_string(&x, "s");
		ei_x_encode_atom(&x, "conninfo");
		ei_x_encode_string(&x, i == 0 ? "password=u" : "password=\xfc");
		CHECK(decode(&x, &command, &settings, error) == (i == 0));
		ei_x_free(&x);
		settings_free(&settings);
	}
	CHECK(strstr(error, "conninfo") != NULL);
}

/* Every prefix of a command, and every byte of it changed, is survived. */
static void
test_damaged_commands(void)
{
	Command command;
	Settings settings;
	char error[256];
	ei_x_buff x;
	int len;

	encode_start(&x);
	len = x.index;
	for (x.index = 0; x.index < len; x.index++)
	{
		settings_init(&settings);
		error[0] = '\0';
		CHECK(!decode(&x, &command, &settings, error) && error[0] != '\0');
		settings_free(&settings);
	}
	for (int i = 0; i < len * 64; i++)
	{
		char saved = x.buff[i % len];

		x.buff[i % len] = (char) chance();
		settings_init(&settings);
		error[0] = '\0';
		CHECK(decode(&x, &command, &settings, error) || error[0] != '\0');
		settings_free(&settings);
		x.buff[i % len] = saved;
	}
	ei_x_free(&x);
}

static void
encode_pair(ei_x_buff *x, const char *name, const char *text)
{
	ei_x_encode_atom(x, name);
	ei_x_encode_binary(x, text, (int) strlen(text));
}

/* {backfill, initial, #{..}} with values of every kind; the last one is given */
static void
encode_backfill(ei_x_buff *x, const char *name, const char *text)
{
	ei_x_new_with_version(x);
	ei_x_encode_tuple_header(x, 3);
	ei_x_encode_atom(x, "backfill");
	ei_x_encode_atom(x, "initial");
	ei_x_encode_map_header(x, 7);
	ei_x_encode_atom(x, "mode");
	ei_x_encode_atom(x, "exact");
	ei_x_encode_atom(x, "jobs");
	ei_x_encode_long(x, 4);
	encode_pair(x, "tables", "public.*");
	ei_x_encode_atom(x, "where");
	ei_x_encode_map_header(x, 1);
	encode_pair(x, "public.t", "a > 1");
	ei_x_encode_atom(x, "connection");
	ei_x_encode_map_header(x, 1);
	encode_pair(x, "host", "standby");
	ei_x_encode_atom(x, "state");
	ei_x_encode_binary(x, "a\0b", 3);
	encode_pair(x, name, text);
}

static void
test_backfill(void)
{
	Command command;
	BackfillRequest *request = &command.backfill.request;
	char error[256];
	ei_x_buff x;

	encode_backfill(&x, "store", "consumer");
	CHECK_THAT(decode(&x, &command, NULL, error), "%s", error);
	CHECK(command.kind == COMMAND_BACKFILL && !command.backfill.refused);
	CHECK(strcmp(request->id, "initial") == 0 && request->jobs == 4);
	CHECK(strcmp(request->tables, "public.*") == 0);
	CHECK(strcmp(request_where(request, "public", "t"), "a > 1") == 0);
	CHECK(request_where(request, "public", "u") == NULL);
	CHECK(strcmp(pairs_get(&request->connection, "host"), "standby") == 0);
	CHECK(request->store == STORE_CONSUMER && request->state_len == 3 &&
		  memcmp(request->state, "a\0b", 3) == 0);
	CHECK(request->max_hold == 1800000);
	request_free(request);
	ei_x_free(&x);
}

/* What makes no sense is no failure of the stream, but it is named. */
static void
test_refused_backfills(void)
{
	static const char *const wrong[][3] = {
		{"colour", "red", "unknown key of a backfill \"colour\""},
		{"mode", "quick", "must be exact or incremental"},
		{"jobs", "17", "must be from 1 to 16"},
		{"store", "server", "a state was given, but store is not consumer"}};
	Command command;
	char error[256];
	ei_x_buff x;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		encode_backfill(&x, wrong[i][0], wrong[i][1]);
		CHECK(decode(&x, &command, NULL, error));
		CHECK(command.kind == COMMAND_BACKFILL && command.backfill.refused);
		CHECK_THAT(strstr(error, wrong[i][2]) != NULL, "%s", error);
		request_free(&command.backfill.request);
		ei_x_free(&x);
	}
}

static void
test_backfill_commands(void)
{
	static const struct
	{
		const char *format;
		CommandKind kind;
	} commands[] = {
		{"{backfill_done, initial, 7}", COMMAND_BACKFILL_DONE},
		{"{backfill_keys, initial, 7, [[a]]}", COMMAND_BACKFILL_KEYS},
		{"{backfill_retry, initial, 7, busy}", COMMAND_BACKFILL_RETRY},
		{"{backfill_pause, initial}", COMMAND_BACKFILL_PAUSE},
		{"{backfill_resume, initial}", COMMAND_BACKFILL_RESUME},
		{"{backfill_stop, initial}", COMMAND_BACKFILL_STOP},
		{"{backfill_stop, 7}", COMMAND_NONE},
		{"{backfill_done, initial, x}", COMMAND_NONE},
		{"{backfill, [], x}", COMMAND_NONE}};
	Command command;
	char error[256];
	ei_x_buff x;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		bool good = commands[i].kind != COMMAND_NONE;

		ei_x_new_with_version(&x);
		ei_x_format_wo_ver(&x, commands[i].format);
		CHECK_THAT(decode(&x, &command, NULL, error) == good, "%s",
				   commands[i].format);
		CHECK(!good || (command.kind == commands[i].kind &&
						strcmp(command.backfill.id, "initial") == 0));
		CHECK(command.kind != COMMAND_BACKFILL_DONE || !good ||
			  command.backfill.chunk == 7);
		ei_x_free(&x);
	}
}

int
main(void)
{
	test_commands();
	test_backfill();
	test_refused_backfills();
	test_backfill_commands();
	test_start();
	test_charlists();
	test_damaged_commands();
	return check_done();
}
