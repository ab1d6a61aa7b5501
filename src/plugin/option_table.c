/*
 * option_table.c
 *		The options: names, defaults, what is valid, a line of help each.
 *
 * options.c reads the table; etf_options() shows it; a test compares the
 * README with it.
 */
#include "postgres.h"

#include "plugin/option_table.h"

static const EtfChoice action_choices[] = {{"insert", ACTION_INSERT},
										   {"update", ACTION_UPDATE},
										   {"delete", ACTION_DELETE},
										   {"truncate", ACTION_TRUNCATE},
										   {NULL, 0}};
static const EtfChoice origin_choices[] = {
	{"any", ORIGIN_ANY}, {"none", ORIGIN_NONE}, {NULL, 0}};
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
static const EtfChoice relation_choices[] = {{"session", RELATIONS_SESSION},
											 {"frame", RELATIONS_FRAME},
											 {"off", RELATIONS_OFF},
											 {NULL, 0}};
static const EtfChoice old_row_choices[] = {
	{"identity", OLD_ROWS_IDENTITY}, {"none", OLD_ROWS_NONE}, {NULL, 0}};

#define PLACE(field) offsetof(EtfOptions, field)

const EtfOption etf_option_table[] = {
	{"protocol_version", OPTION_INT, PLACE(protocol_version), "1",
	 "version of the frames that the client reads", NULL, ETF_PROTOCOL_MIN,
	 ETF_PROTOCOL_MAX},
	{"include_tables", OPTION_TABLES, PLACE(include_tables), NULL,
	 "send only these tables", NULL, 0, 0},
	{"exclude_tables", OPTION_TABLES, PLACE(exclude_tables), NULL,
	 "do not send these tables; wins over include_tables", NULL, 0, 0},
	{"actions", OPTION_SET, PLACE(actions), "all", "kinds of change to send",
	 action_choices, 0, 0},
	{"messages", OPTION_BOOL, PLACE(messages), "off",
	 "send what pg_logical_emit_message() wrote", NULL, 0, 0},
	{"message_prefixes", OPTION_PREFIXES, PLACE(message_prefixes), NULL,
	 "send only messages with these prefixes", NULL, 0, 0},
	{"origin", OPTION_CHOICE, PLACE(origin), "any",
	 "none: leave out what was replicated in from elsewhere", origin_choices, 0,
	 0},
	{"rows", OPTION_CHOICE, PLACE(rows), "map",
	 "a row as a map by column name, or as a tuple in column order",
	 row_choices, 0, 0},
	{"keys", OPTION_CHOICE, PLACE(keys), "binary", "column names in maps",
	 key_choices, 0, 0},
	{"dialect", OPTION_CHOICE, PLACE(dialect), "elixir",
	 "Postgrex's terms, epgsql's, or plain numbers and binaries",
	 dialect_choices, 0, 0},
	{"numeric", OPTION_CHOICE, PLACE(numeric), "auto",
	 "form of numeric; auto: as the dialect has it", numeric_choices, 0, 0},
	{"timestamps", OPTION_CHOICE, PLACE(timestamps), "auto",
	 "form of date, time, timestamp and timestamptz; auto: as the dialect "
	 "has it",
	 timestamp_choices, 0, 0},
	{"interval", OPTION_CHOICE, PLACE(interval), "auto",
	 "form of interval; auto: as the dialect has it", interval_choices, 0, 0},
	{"timetz", OPTION_CHOICE, PLACE(timetz), "utc",
	 "timetz moved to UTC, or with its offset", timetz_choices, 0, 0},
	{"uuid", OPTION_CHOICE, PLACE(uuid), "auto",
	 "36 characters, or 16 bytes; auto: as the dialect has it", uuid_choices, 0,
	 0},
	{"json", OPTION_CHOICE, PLACE(json), "term",
	 "json and jsonb as terms, or as their text", json_choices, 0, 0},
	{"json_numbers", OPTION_CHOICE, PLACE(json_numbers), "float",
	 "numbers of json that are not integral", json_number_choices, 0, 0},
	{"float4", OPTION_CHOICE, PLACE(float4), "exact",
	 "float4 widened exactly, or through its shortest decimal form",
	 float4_choices, 0, 0},
	{"null", OPTION_ATOM, PLACE(null), "nil", "the atom for NULL", NULL, 0, 0},
	{"relations", OPTION_CHOICE, PLACE(relations), "session",
	 "describe a table at its first use and after a change of it, in every "
	 "frame that uses it, or never",
	 relation_choices, 0, 0},
	{"old_rows", OPTION_CHOICE, PLACE(old_rows), "identity",
	 "none: updates carry no old row", old_row_choices, 0, 0},
	{"frame_bytes", OPTION_INT, PLACE(frame_bytes), "65536",
	 "a frame is closed after the event that reaches this size", NULL, 1,
	 16 * 1024 * 1024},
	{"skip_empty", OPTION_BOOL, PLACE(skip_empty), "on",
	 "send nothing for a transaction without events", NULL, 0, 0},
};

const int etf_option_count = lengthof(etf_option_table);

StaticAssertDecl(lengthof(etf_option_table) <= MAX_OPTIONS,
				 "raise MAX_OPTIONS");
