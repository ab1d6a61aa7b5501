/*
 * settings.c
 *		The table of settings, and how one is set.
 *
 * Filled by command.c (the Port) and args.c (the command line); read by all
 * others.
 */
#include "client/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/lsn.h"

#define ROW(name, type, initial, min, max, help)                       \
	{                                                                  \
#name, type, offsetof(Settings, name), initial, min, max, help \
	}

#define HOUR ((uint64_t) 3600 * 1000)
#define DAY (24 * HOUR)
#define LARGE ((uint64_t) 1 << 48)

/* A network that drops a packet is not one that has gone. */
#define TAKEOVER_MIN 1000

/* The server cuts a longer one where it is created, but not where it is read. */
#define SLOT_NAME_MAX 63

const Setting settings_table[] = {
	ROW(conninfo, SETTING_TEXT, NULL, 0, 0,
		"conninfo string, URI or database name"),
	ROW(slot, SETTING_TEXT, NULL, 0, 0, "name of the replication slot"),
	ROW(create, SETTING_CREATE, "none", 0, 0,
		"create the slot: none, if_missing or temporary"),
	ROW(two_phase, SETTING_BOOL, "off", 0, 0,
		"create the slot for two-phase transactions"),
	ROW(failover, SETTING_BOOL, "off", 0, 0,
		"create a slot that follows a failover (PostgreSQL 17)"),
	ROW(startpos, SETTING_LSN, "0/0", 0, 0,
		"position that the consumer has stored"),
	ROW(endpos, SETTING_LSN, "0/0", 0, 0,
		"stop after the last transaction that ends here or before"),
	ROW(system_identifier, SETTING_TEXT, NULL, 0, 0,
		"identifier of the only cluster to read from"),
	ROW(timeline, SETTING_COUNT, "0", 0, UINT32_MAX,
		"timeline that startpos is of; 0: not known"),
	ROW(peek, SETTING_BOOL, "off", 0, 0,
		"look only: confirm nothing, so that all comes again"),
	ROW(ack_positions, SETTING_BOOL, "off", 0, 0,
		"confirm a position without changes only when it is acknowledged"),
	ROW(credit_events, SETTING_COUNT, "0", 0, LARGE,
		"events that may be sent until the first grant"),
	ROW(credit_bytes, SETTING_COUNT, "0", 0, LARGE,
		"bytes that may be sent until the first grant"),
	ROW(packet_bytes, SETTING_COUNT, "262144", 1, 64 << 20,
		"frames that wait are joined up to this size"),
	ROW(status_interval, SETTING_TIME, "10s", 100, DAY,
		"time between status updates"),
	ROW(max_stall, SETTING_TIME, "60s", 0, DAY,
		"disconnect when the consumer takes nothing for so long; 0: never"),
	ROW(connect_timeout, SETTING_TIME, "15s", 100, HOUR,
		"time for a connection and the set-up of the stream, each"),
	ROW(liveness_timeout, SETTING_TIME, "60s", 1000, DAY,
		"a server that is silent for so long is taken for gone"),
	ROW(slot_wait, SETTING_TIME, "0", 0, DAY,
		"wait for a busy slot; at least wal_sender_timeout"),
	ROW(standby, SETTING_BOOL, "off", 0, 0,
		"wait for a busy slot as long as it takes, at no cost to the server"),
	ROW(standby_interval, SETTING_TIME, "500ms", 50, HOUR,
		"time between two looks at a busy slot"),
	ROW(takeover_timeout, SETTING_TIME, "0", 0, DAY,
		"the server gives up a client that vanished after so long; 0: its own"),
	ROW(shrink_after, SETTING_TIME, "60s", 0, DAY,
		"connect anew so long after the last message above 8 MiB; 0: never"),
	ROW(stop_timeout, SETTING_TIME, "5s", 100, HOUR,
		"time for the last position to be confirmed"),
	ROW(stats_interval, SETTING_TIME, "0", 0, DAY,
		"time between statistics; 0: none"),
	ROW(control, SETTING_BOOL, "on", 0, 0,
		"open a second connection to watch the slot and the server"),
	ROW(reconnect, SETTING_BOOL, "on", 0, 0,
		"connect again after a failure that may pass"),
	ROW(reconnect_min, SETTING_TIME, "200ms", 1, HOUR,
		"longest wait before the first attempt"),
	ROW(reconnect_max, SETTING_TIME, "30s", 1, DAY,
		"longest wait before any attempt"),
	ROW(circuit_after, SETTING_COUNT, "10", 0, 1000000,
		"failures in a row that open the circuit; 0: it never opens"),
};

const size_t settings_count =
	sizeof(settings_table) / sizeof(settings_table[0]);

static const char *const create_names[] = {
	[CREATE_NONE] = "none",
	[CREATE_IF_MISSING] = "if_missing",
	[CREATE_TEMPORARY] = "temporary",
};

void
settings_init(Settings *settings)
{
	char error[128];

	*settings = (Settings){.reconnect = true};
	for (size_t i = 0; i < settings_count; i++)
	{
		if (settings_table[i].initial != NULL)
			settings_set_text(settings, &settings_table[i],
							  settings_table[i].initial, error, sizeof(error));
	}
}

static void
pairs_free(PairList *list)
{
	for (size_t i = 0; i < list->count; i++)
	{
		free(list->items[i].name);
		free(list->items[i].value);
	}
	free(list->items);
	*list = (PairList){0};
}

void
settings_free(Settings *settings)
{
	for (size_t i = 0; i < settings_count; i++)
	{
		if (settings_table[i].type == SETTING_TEXT)
			free(*(char **) ((char *) settings + settings_table[i].offset));
	}
	pairs_free(&settings->connection);
	pairs_free(&settings->options);
}

const Setting *
settings_find(const char *name, size_t len)
{
	for (size_t i = 0; i < settings_count; i++)
	{
		if (strlen(settings_table[i].name) == len &&
			memcmp(settings_table[i].name, name, len) == 0)
			return &settings_table[i];
	}
	return NULL;
}

static bool
invalid(const Setting *setting, const char *what, char *error, size_t size)
{
	snprintf(error, size, "invalid value for \"%s\": %s", setting->name, what);
	return false;
}

bool
settings_set_number(Settings *settings, const Setting *setting, uint64_t value,
					char *error, size_t size)
{
	char what[80];

	if (setting->type == SETTING_TEXT || setting->type == SETTING_BOOL ||
		setting->type == SETTING_CREATE)
		return invalid(setting, "a number is not expected", error, size);
	if (setting->type != SETTING_LSN &&
		(value < setting->min || value > setting->max))
	{
		snprintf(what, sizeof(what), "must be from %llu to %llu%s",
				 (unsigned long long) setting->min,
				 (unsigned long long) setting->max,
				 setting->type == SETTING_TIME ? " ms" : "");
		return invalid(setting, what, error, size);
	}
	*(uint64_t *) ((char *) settings + setting->offset) = value;
	return true;
}

static bool
parse_number(const char *text, uint64_t *value, const char **rest)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	*rest = end;
	return text[0] >= '0' && text[0] <= '9' && errno == 0 && *value <= LARGE;
}

/* "10" and "10s" are seconds, "10ms", "10min" and "10h" what they say. */
static bool
parse_time(const char *text, uint64_t *ms)
{
	static const struct
	{
		const char *unit;
		uint64_t factor;
	} units[] = {
		{"", 1000}, {"s", 1000}, {"ms", 1}, {"min", 60 * 1000}, {"h", HOUR}};
	const char *rest;

	if (!parse_number(text, ms, &rest))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
	{
		if (strcmp(rest, units[i].unit) == 0 && *ms <= LARGE / HOUR)
		{
			*ms *= units[i].factor;
			return true;
		}
	}
	return false;
}

static bool
set_text(Settings *settings, const Setting *setting, const char *text,
		 char *error, size_t size)
{
	char **place = (char **) ((char *) settings + setting->offset);
	char *copy = strdup(text);

	if (copy == NULL)
		return invalid(setting, "out of memory", error, size);
	free(*place);
	*place = copy;
	return true;
}

static bool
set_bool(Settings *settings, const Setting *setting, const char *text,
		 char *error, size_t size)
{
	bool on = strcmp(text, "on") == 0 || strcmp(text, "true") == 0;

	if (!on && strcmp(text, "off") != 0 && strcmp(text, "false") != 0)
		return invalid(setting, "must be true or false", error, size);
	*(bool *) ((char *) settings + setting->offset) = on;
	return true;
}

static bool
set_create(Settings *settings, const Setting *setting, const char *text,
		   char *error, size_t size)
{
	for (int i = CREATE_NONE; i <= CREATE_TEMPORARY; i++)
	{
		if (strcmp(text, create_names[i]) == 0)
		{
			settings->create = i;
			return true;
		}
	}
	return invalid(setting, "must be none, if_missing or temporary", error,
				   size);
}

static bool
set_quantity(Settings *settings, const Setting *setting, const char *text,
			 char *error, size_t size)
{
	uint64_t value;
	const char *rest;

	if (setting->type == SETTING_LSN)
	{
		if (!lsn_from_text(text, strlen(text), &value))
			return invalid(setting, "must be like 16/B374D848", error, size);
	}
	else if (setting->type == SETTING_TIME)
	{
		if (!parse_time(text, &value))
			return invalid(setting, "must be like 10s, 500ms or 1min", error,
						   size);
	}
	else if (!parse_number(text, &value, &rest) || *rest != '\0')
		return invalid(setting, "must be a number", error, size);
	return settings_set_number(settings, setting, value, error, size);
}

bool
settings_set_text(Settings *settings, const Setting *setting, const char *text,
				  char *error, size_t size)
{
	switch (setting->type)
	{
		case SETTING_TEXT:
			return set_text(settings, setting, text, error, size);
		case SETTING_BOOL:
			return set_bool(settings, setting, text, error, size);
		case SETTING_CREATE:
			return set_create(settings, setting, text, error, size);
		default:
			return set_quantity(settings, setting, text, error, size);
	}
}

bool
pairs_put(PairList *list, const char *name, const char *value)
{
	Pair *items;
	char *copy = strdup(value);

	if (copy == NULL)
		return false;
	for (size_t i = 0; i < list->count; i++)
	{
		if (strcmp(list->items[i].name, name) == 0)
		{
			free(list->items[i].value);
			list->items[i].value = copy;
			return true;
		}
	}
	items = realloc(list->items, (list->count + 1) * sizeof(Pair));
	if (items != NULL)
	{
		list->items = items;
		items[list->count] = (Pair){strdup(name), copy};
		if (items[list->count].name != NULL)
		{
			list->count++;
			return true;
		}
	}
	free(copy);
	return false;
}

const char *
pairs_get(const PairList *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
	{
		if (strcmp(list->items[i].name, name) == 0)
			return list->items[i].value;
	}
	return NULL;
}

/* What the server lets a slot's name be made of. */
static bool
is_slot_name(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* PostgreSQL 13 knows no quote within a name of its replication commands. */
static bool
has_quoted_name(const PairList *list)
{
	for (size_t i = 0; i < list->count; i++)
	{
		if (strchr(list->items[i].name, '"') != NULL)
			return true;
	}
	return false;
}

bool
settings_check(const Settings *settings, char *error, size_t size)
{
	const char *problem = NULL;

	if (settings->slot == NULL || settings->slot[0] == '\0')
		problem = "no slot is given";
	else if (strlen(settings->slot) > SLOT_NAME_MAX)
		problem = "the slot's name is longer than 63 bytes";
	else if (settings->create != CREATE_NONE && !is_slot_name(settings->slot))
		problem = "a new slot's name may hold a-z, 0-9 and _ only";
	else if (has_quoted_name(&settings->options))
		problem = "an option of the plugin has a quote in its name";
	else if (settings->create == CREATE_TEMPORARY && settings->startpos != 0)
		problem = "a temporary slot has no changes after a stored position";
	else if (settings->takeover_timeout > 0 &&
			 settings->takeover_timeout < TAKEOVER_MIN)
		problem = "takeover_timeout is below one second";
	else if (settings->reconnect_min > settings->reconnect_max)
		problem = "reconnect_min is above reconnect_max";
	if (problem != NULL)
		snprintf(error, size, "%s", problem);
	return problem == NULL;
}
