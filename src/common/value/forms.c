/*
 * forms.c
 *		The forms that terms take, as options, and what a dialect chooses.
 */
#include "common/value/forms.h"

#include <string.h>

static const EtfChoice row_choices[] = {
	{"map", ROWS_MAP}, {"tuple", ROWS_TUPLE}, {NULL, 0}};
static const EtfChoice key_choices[] = {
	{"binary", KEYS_BINARY}, {"atom", KEYS_ATOM}, {NULL, 0}};
static const EtfChoice dialect_choices[] = {{"elixir", DIALECT_ELIXIR},
											{"erlang", DIALECT_ERLANG},
											{"compact", DIALECT_COMPACT},
											{NULL, 0}};
static const EtfChoice numeric_choices[] = {{"auto", NUMERIC_AUTO},
											{"decimal", NUMERIC_DECIMAL},
											{"text", NUMERIC_TEXT},
											{"float", NUMERIC_FLOAT},
											{NULL, 0}};
static const EtfChoice timestamp_choices[] = {{"auto", TIMESTAMPS_AUTO},
											  {"struct", TIMESTAMPS_STRUCT},
											  {"us", TIMESTAMPS_US},
											  {"iso", TIMESTAMPS_ISO},
											  {NULL, 0}};
static const EtfChoice interval_choices[] = {{"auto", INTERVAL_AUTO},
											 {"postgrex", INTERVAL_POSTGREX},
											 {"duration", INTERVAL_DURATION},
											 {NULL, 0}};
static const EtfChoice timetz_choices[] = {
	{"utc", TIMETZ_UTC}, {"offset", TIMETZ_OFFSET}, {NULL, 0}};
static const EtfChoice uuid_choices[] = {{"auto", UUID_AUTO},
										 {"text", UUID_TEXT},
										 {"binary", UUID_BINARY},
										 {NULL, 0}};
static const EtfChoice json_choices[] = {
	{"term", JSON_TERM}, {"text", JSON_TEXT}, {NULL, 0}};
static const EtfChoice json_number_choices[] = {
	{"float", JSON_NUMBERS_FLOAT},
	{"decimal", JSON_NUMBERS_DECIMAL},
	{NULL, 0}};
static const EtfChoice float4_choices[] = {
	{"exact", FLOAT4_EXACT}, {"shortest", FLOAT4_SHORTEST}, {NULL, 0}};

#define PLACE(field) offsetof(Forms, field)

const EtfOption forms_options[] = {
	{"rows", OPTION_CHOICE, PLACE(rows), "map",
	 "a row as a map by column name, or as a tuple in column order",
	 row_choices, 0, 0},
	{"keys", OPTION_CHOICE, PLACE(keys), "binary", "column names in maps",
	 key_choices, 0, 0},
	{"dialect", OPTION_CHOICE, PLACE(dialect), "elixir",
	 "Postgrex's terms, epgsql's, or plain numbers and binaries",
	 dialect_choices, 0, 0},
	{"numeric", OPTION_CHOICE, PLACE(numeric), "auto",
	 "form of numeric; auto: depends on the dialect", numeric_choices, 0, 0},
	{"timestamps", OPTION_CHOICE, PLACE(timestamps), "auto",
	 "form of date, time, timestamp and timestamptz; auto: depends on the "
	 "dialect",
	 timestamp_choices, 0, 0},
	{"interval", OPTION_CHOICE, PLACE(interval), "auto",
	 "form of interval; auto: depends on the dialect", interval_choices, 0, 0},
	{"timetz", OPTION_CHOICE, PLACE(timetz), "utc",
	 "timetz converted to UTC, or with its offset", timetz_choices, 0, 0},
	{"uuid", OPTION_CHOICE, PLACE(uuid), "auto",
	 "36 characters, or 16 bytes; auto: depends on the dialect", uuid_choices,
	 0, 0},
	{"json", OPTION_CHOICE, PLACE(json), "term",
	 "json and jsonb as terms, or as their text", json_choices, 0, 0},
	{"json_numbers", OPTION_CHOICE, PLACE(json_numbers), "float",
	 "form of non-integral numbers in json", json_number_choices, 0, 0},
	{"float4", OPTION_CHOICE, PLACE(float4), "exact",
	 "float4 widened exactly, or through its shortest decimal form",
	 float4_choices, 0, 0},
	{"null", OPTION_ATOM, PLACE(null), "nil", "the atom for NULL", NULL, 0, 0},
};

void
forms_resolve(Forms *forms)
{
	static const struct
	{
		int numeric, timestamps, interval, uuid;
	} autos[] = {
		[DIALECT_ELIXIR] = {NUMERIC_DECIMAL, TIMESTAMPS_STRUCT,
							INTERVAL_POSTGREX, UUID_TEXT},
		[DIALECT_ERLANG] = {NUMERIC_TEXT, TIMESTAMPS_TUPLE, INTERVAL_TUPLE,
							UUID_TEXT},
		[DIALECT_COMPACT] = {NUMERIC_PAIR, TIMESTAMPS_US, INTERVAL_TUPLE,
							 UUID_BINARY},
	};

	if (forms->numeric == NUMERIC_AUTO)
		forms->numeric = autos[forms->dialect].numeric;
	if (forms->timestamps == TIMESTAMPS_AUTO)
		forms->timestamps = autos[forms->dialect].timestamps;
	if (forms->interval == INTERVAL_AUTO)
		forms->interval = autos[forms->dialect].interval;
	if (forms->uuid == UUID_AUTO)
		forms->uuid = autos[forms->dialect].uuid;
}

/* Atoms are UTF-8 whatever encoding the text has; so keep to ASCII. */
bool
forms_set_null(Forms *forms, const char *text)
{
	static const char *const taken[] = {
		"true", "false", "unchanged", "unchanged_toast", "NaN",	 "nan",
		"inf",	"-inf",	 "infinity",  "-infinity",		 "empty"};
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(text, taken[i]) == 0)
			return false;
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char) *p > 127)
			return false;
	forms->null = text;
	forms->null_len = (int) len;
	return len > 0 && len <= MAX_ATOM_LENGTH;
}
