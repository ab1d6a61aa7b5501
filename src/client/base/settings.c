/*
 * settings.c
 *		How a setting is read, set and checked.
 *
 * The rows are in settings_table.c.  Filled by command.c (the Port) and args.c
 * (the command line); read by all others.
 */
#include "client/base/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/term/lsn.h"

/* A network that drops a packet has not failed. */
#define TAKEOVER_MIN 1000

/* The server cuts a longer one where it is created, but not where it is read. */
#define SLOT_NAME_MAX 63

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

/* Texts are the copy's own, all else is the same. */
bool
settings_copy(Settings *settings, const Settings *from)
{
	bool done = true;

	*settings = *from;
	for (size_t i = 0; i < settings_count; i++)
	{
		char **place = (char **) ((char *) settings + settings_table[i].offset);

		if (settings_table[i].type != SETTING_TEXT || *place == NULL)
			continue;
		*place = strdup(*place);
		done = done && *place != NULL;
	}
	done &= pairs_copy(&settings->connection, &from->connection);
	done &= pairs_copy(&settings->options, &from->options);
	return done;
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

static bool
invalid(const Setting *setting, const char *what, char *error, size_t size)
{
	snprintf(error, size, "invalid value for \"%s\": %s", setting->name, what);
	return false;
}

bool
settings_set_number(void *settings, const Setting *setting, uint64_t value,
					char *error, size_t size)
{
	char what[80];

	if (setting->type == SETTING_TEXT || setting->type == SETTING_BOOL ||
		setting->type == SETTING_CHOICE)
		return invalid(setting, "must not be a number", error, size);
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
	return text[0] >= '0' && text[0] <= '9' && errno == 0 &&
		   *value <= SETTING_MAX;
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
		{"", 1000}, {"s", 1000}, {"ms", 1}, {"min", 60000}, {"h", 3600000}};
	const char *rest;

	if (!parse_number(text, ms, &rest))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
	{
		if (strcmp(rest, units[i].unit) == 0 &&
			*ms <= SETTING_MAX / units[i].factor)
		{
			*ms *= units[i].factor;
			return true;
		}
	}
	return false;
}

static bool
set_text(void *settings, const Setting *setting, const char *text, char *error,
		 size_t size)
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
set_bool(void *settings, const Setting *setting, const char *text, char *error,
		 size_t size)
{
	bool on = strcmp(text, "on") == 0 || strcmp(text, "true") == 0;

	if (!on && strcmp(text, "off") != 0 && strcmp(text, "false") != 0)
		return invalid(setting, "must be true or false", error, size);
	*(bool *) ((char *) settings + setting->offset) = on;
	return true;
}

/* "must be none, if_missing or temporary" */
static bool
invalid_choice(const Setting *setting, char *error, size_t size)
{
	char what[120];
	size_t len = (size_t) snprintf(what, sizeof(what), "must be %s",
								   setting->choices[0]);

	for (const char *const *choice = setting->choices + 1; *choice; choice++)
		len += (size_t) snprintf(what + len, sizeof(what) - len, "%s%s",
								 choice[1] != NULL ? ", " : " or ", *choice);
	return invalid(setting, what, error, size);
}

static bool
set_choice(void *settings, const Setting *setting, const char *text,
		   char *error, size_t size)
{
	for (int i = 0; setting->choices[i] != NULL; i++)
	{
		if (strcmp(text, setting->choices[i]) == 0)
		{
			*(int *) ((char *) settings + setting->offset) = i;
			return true;
		}
	}
	return invalid_choice(setting, error, size);
}

static bool
set_quantity(void *settings, const Setting *setting, const char *text,
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
settings_set_text(void *settings, const Setting *setting, const char *text,
				  char *error, size_t size)
{
	switch (setting->type)
	{
		case SETTING_TEXT:
			return set_text(settings, setting, text, error, size);
		case SETTING_BOOL:
			return set_bool(settings, setting, text, error, size);
		case SETTING_CHOICE:
			return set_choice(settings, setting, text, error, size);
		default:
			return set_quantity(settings, setting, text, error, size);
	}
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

const char *
settings_unpublished(const Settings *settings)
{
	if (settings->create_publication &&
		pairs_get(&settings->options, "publication_names") == NULL)
		return "create_publication creates the first of publication_names, and "
			   "there is none";
	return NULL;
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
		problem = "the name of a new slot may only contain a-z, 0-9 and _";
	else if (has_quoted_name(&settings->options))
		problem = "the name of a plugin option contains a quote";
	else if (pairs_get(&settings->options, "streaming") != NULL)
		problem = "plugin option streaming: use the setting streaming";
	else if (pairs_get(&settings->options, "two_phase") != NULL)
		problem = "plugin option two_phase: use the setting two_phase";
	else if (settings->create == CREATE_TEMPORARY && settings->startpos != 0)
		problem = "a temporary slot cannot start at a stored position";
	else if (settings->takeover_timeout > 0 &&
			 settings->takeover_timeout < TAKEOVER_MIN)
		problem = "takeover_timeout is below one second";
	else if (settings->reconnect_min > settings->reconnect_max)
		problem = "reconnect_min is above reconnect_max";
	else
		problem = settings_unpublished(settings);
	if (problem != NULL)
		snprintf(error, size, "%s", problem);
	return problem == NULL;
}
