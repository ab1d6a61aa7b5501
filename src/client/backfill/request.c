/*
 * request.c
 *		What is to be read of tables, and how.
 *
 * Filled by command.c (the Port) and print.c (the command line), each by the
 * same rows.
 */
#include "client/backfill/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW(name, type, initial, min, max, choices)                          \
	{                                                                        \
#name, type, offsetof(BackfillRequest, name), initial, min, max, "", \
			choices                                                          \
	}

#define DAY ((uint64_t) 24 * 3600 * 1000)

/* In the order of BackfillMode and BackfillStore. */
static const char *const modes[] = {"exact", "incremental", NULL};
static const char *const stores[] = {"server", "consumer", NULL};

static const Setting rows[] = {
	ROW(mode, SETTING_CHOICE, "exact", 0, 0, modes),
	ROW(tables, SETTING_TEXT, NULL, 0, 0, NULL),
	ROW(jobs, SETTING_COUNT, "2", 1, BACKFILL_JOBS_MAX, NULL),
	ROW(max_hold, SETTING_TIME, "30min", 0, DAY, NULL),
	ROW(chunk_bytes, SETTING_COUNT, "1048576", 1, 1 << 30, NULL),
	ROW(unsafe_backfill, SETTING_BOOL, "false", 0, 0, NULL),
	ROW(store, SETTING_CHOICE, "server", 0, 0, stores),
	ROW(once, SETTING_BOOL, "false", 0, 0, NULL),
	ROW(close_state, SETTING_BOOL, "false", 0, 0, NULL),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

bool
request_init(BackfillRequest *request, const char *id)
{
	char error[128];
	bool done = true;

	*request = (BackfillRequest){0};
	snprintf(request->id, sizeof(request->id), "%s", id);
	for (size_t i = 0; i < ROWS; i++)
	{
		if (rows[i].initial != NULL)
			done &= settings_set_text(request, &rows[i], rows[i].initial, error,
									  sizeof(error));
	}
	return done;
}

void
request_free(BackfillRequest *request)
{
	free(request->tables);
	free(request->state);
	free(request->kept);
	early_free(&request->early);
	pairs_free(&request->where);
	pairs_free(&request->connection);
	*request = (BackfillRequest){0};
}

const Setting *
request_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
	{
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

bool
request_check(const BackfillRequest *request, char *error, size_t size)
{
	const char *problem = NULL;

	if (request->id[0] == '\0')
		problem = "the backfill has no id";
	else if (request->state != NULL && request->store != STORE_CONSUMER)
		problem = "a state was given, but store is not consumer";
	else if (request->kept != NULL && request->store != STORE_SERVER)
		problem = "a request was given, but store is not server";
	else if (request->close_state && request->store != STORE_CONSUMER)
		problem = "close_state was given, but store is not consumer";
	if (problem != NULL)
		snprintf(error, size, "%s", problem);
	return problem == NULL;
}

const char *
request_where(const BackfillRequest *request, const char *schema,
			  const char *table)
{
	char name[2 * 64 + 2];
	const char *where;

	snprintf(name, sizeof(name), "%s.%s", schema, table);
	where = pairs_get(&request->where, name);
	return where != NULL ? where : pairs_get(&request->where, "");
}
