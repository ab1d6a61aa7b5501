/*
 * options.c
 *		The table of options, and what reads it.
 *
 * A row of the table is all there is to an option: its parser, its place in
 * EtfOptions, its default (in the text form a client would give), what is
 * valid, and a line of help.  pg_etf_decoding.c parses at the start of a
 * decoding session, sql.c for etf_encode() and etf_options().
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "plugin/filter.h"
#include "plugin/options.h"
#include "plugin/sql.h"

#define MAX_OPTIONS 32
#define MAX_ATOM_LENGTH 255

typedef struct EtfChoice
{
	const char *name;
	int value;
} EtfChoice;

typedef enum EtfOptionKind
{
	OPTION_BOOL,
	OPTION_INT,
	OPTION_CHOICE,	 /* one of choices */
	OPTION_SET,		 /* comma-separated choices, or "all" */
	OPTION_TABLES,	 /* patterns of two parts */
	OPTION_PREFIXES, /* patterns of one part */
	OPTION_ATOM
} EtfOptionKind;

typedef struct EtfOption
{
	const char *name;
	EtfOptionKind kind;
	size_t offset;
	const char *fallback; /* NULL: nothing, the option stays zero */
	const char *help;
	const EtfChoice *choices;
	int min;
	int max;
} EtfOption;

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

static const EtfOption etf_options[] = {
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
	 256 * 1024 * 1024},
	{"skip_empty", OPTION_BOOL, PLACE(skip_empty), "on",
	 "send nothing for a transaction without events", NULL, 0, 0},
};

StaticAssertDecl(lengthof(etf_options) <= MAX_OPTIONS, "raise MAX_OPTIONS");

static void
append_choices(StringInfo buf, const EtfChoice *choices)
{
	for (const EtfChoice *choice = choices; choice->name != NULL; choice++)
		appendStringInfo(buf, "%s%s", choice == choices ? "" : ", ",
						 choice->name);
}

/* What a client may say, in words: for hints and for etf_options(). */
static char *
valid_values(const EtfOption *option)
{
	StringInfoData buf;

	initStringInfo(&buf);
	switch (option->kind)
	{
		case OPTION_BOOL:
			appendStringInfoString(&buf, "on, off");
			break;
		case OPTION_INT:
			appendStringInfo(&buf, "%d to %d", option->min, option->max);
			break;
		case OPTION_CHOICE:
			append_choices(&buf, option->choices);
			break;
		case OPTION_SET:
			appendStringInfoString(&buf, "all, or a comma-separated list of ");
			append_choices(&buf, option->choices);
			break;
		case OPTION_TABLES:
			appendStringInfoString(&buf, "comma-separated schema.table "
										 "patterns with * and \\ escapes");
			break;
		case OPTION_PREFIXES:
			appendStringInfoString(&buf, "comma-separated patterns with * "
										 "and \\ escapes");
			break;
		case OPTION_ATOM:
			appendStringInfo(&buf, "1 to %d characters", MAX_ATOM_LENGTH);
			break;
	}
	return buf.data;
}

static bool
find_choice(const EtfChoice *choices, const char *text, int *value)
{
	for (const EtfChoice *choice = choices; choice->name != NULL; choice++)
	{
		if (strcmp(choice->name, text) == 0)
		{
			*value = choice->value;
			return true;
		}
	}
	return false;
}

/* "all", or the union of the named choices. */
static bool
parse_set(const EtfChoice *choices, const char *text, int *value)
{
	List *names = strcmp(text, "all") == 0 ? NIL : etf_patterns_parse(text, 1);
	ListCell *cell;
	int bit;

	*value = 0;
	for (const EtfChoice *choice = choices; choice->name != NULL; choice++)
		*value |= choice->value;
	if (strcmp(text, "all") == 0)
		return true;
	*value = 0;
	foreach (cell, names)
	{
		if (!find_choice(choices, ((EtfPattern *) lfirst(cell))->name, &bit))
			return false;
		*value |= bit;
	}
	return *value != 0;
}

static bool
parse_patterns(const char *text, int parts, List **value)
{
	*value = etf_patterns_parse(text, parts);
	return *value != NIL;
}

/* Atoms are UTF-8 whatever the server's encoding is; so keep to ASCII. */
static bool
parse_atom(const char *text, EtfOptions *options)
{
	size_t len = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
		if (IS_HIGHBIT_SET(*p))
			return false;
	options->null = pstrdup(text);
	options->null_len = (int) len;
	return len > 0 && len <= MAX_ATOM_LENGTH;
}

static bool
parse_int32(const char *text, int *value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	*value = (int) number;
	return errno == 0 && end != text && *end == '\0' && number == *value;
}

/* False when the text is not valid for the option. */
static bool
parse_value(const EtfOption *option, const char *text, EtfOptions *options)
{
	void *place = (char *) options + option->offset;

	switch (option->kind)
	{
		case OPTION_BOOL:
			return parse_bool(text, (bool *) place);
		case OPTION_INT:
			return parse_int32(text, (int *) place) &&
				   *(int *) place >= option->min &&
				   *(int *) place <= option->max;
		case OPTION_CHOICE:
			return find_choice(option->choices, text, (int *) place);
		case OPTION_SET:
			return parse_set(option->choices, text, (int *) place);
		case OPTION_TABLES:
			return parse_patterns(text, 2, (List **) place);
		case OPTION_PREFIXES:
			return parse_patterns(text, 1, (List **) place);
		case OPTION_ATOM:
			return parse_atom(text, options);
	}
	return false;
}

static int
find_option(const char *name)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < (int) lengthof(etf_options); i++)
	{
		if (strcmp(etf_options[i].name, name) == 0)
			return i;
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ",
						 etf_options[i].name);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized option \"%s\"", name),
					errhint("Valid options are: %s.", names.data)));
}

static void
bad_value(const EtfOption *option, const char *text)
{
	int version;

	if (option->offset == PLACE(protocol_version) &&
		parse_int32(text, &version))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("protocol_version %d is not supported", version),
						errhint("This server's pg_etf_decoding supports "
								"protocol_version %s.",
								valid_values(option))));
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for option \"%s\": \"%s\"",
						   option->name, text),
					errhint("Valid values are: %s.", valid_values(option))));
}

static void
parse_element(DefElem *element, EtfOptions *options, bool *given)
{
	int i = find_option(element->defname);
	const EtfOption *option = &etf_options[i];
	const char *text;

	if (given[i])
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("option \"%s\" is given twice", option->name),
						errhint("Give each option at most once.")));
	given[i] = true;
	if (element->arg == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" needs a value", option->name),
				 errhint("Valid values are: %s.", valid_values(option))));
	text = strVal(element->arg);
	if (!parse_value(option, text, options))
		bad_value(option, text);
}

/* What each dialect means by "auto". */
static void
resolve_dialect(EtfOptions *options)
{
	static const struct
	{
		int numeric, timestamps, interval, uuid;
	} forms[] = {
		[DIALECT_ELIXIR] = {NUMERIC_DECIMAL, TIMESTAMPS_STRUCT,
							INTERVAL_POSTGREX, UUID_TEXT},
		[DIALECT_ERLANG] = {NUMERIC_TEXT, TIMESTAMPS_TUPLE, INTERVAL_TUPLE,
							UUID_TEXT},
		[DIALECT_COMPACT] = {NUMERIC_PAIR, TIMESTAMPS_US, INTERVAL_TUPLE,
							 UUID_BINARY},
	};

	if (options->numeric == NUMERIC_AUTO)
		options->numeric = forms[options->dialect].numeric;
	if (options->timestamps == TIMESTAMPS_AUTO)
		options->timestamps = forms[options->dialect].timestamps;
	if (options->interval == INTERVAL_AUTO)
		options->interval = forms[options->dialect].interval;
	if (options->uuid == UUID_AUTO)
		options->uuid = forms[options->dialect].uuid;
}

EtfOptions *
etf_options_parse(List *elements)
{
	EtfOptions *options = palloc0(sizeof(EtfOptions));
	bool given[MAX_OPTIONS] = {false};
	ListCell *cell;

	for (int i = 0; i < (int) lengthof(etf_options); i++)
		if (etf_options[i].fallback != NULL)
			parse_value(&etf_options[i], etf_options[i].fallback, options);
	foreach (cell, elements)
		parse_element(lfirst(cell), options, given);
	if (options->message_prefixes != NIL && !options->messages)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"message_prefixes\" has no effect without "
						"\"messages\""),
				 errhint("Add messages=on, or leave message_prefixes out.")));
	resolve_dialect(options);
	return options;
}

PG_FUNCTION_INFO_V1(etf_options_list);

/* SQL: etf_options() returns setof (name, default_value, valid, help) */
Datum
etf_options_list(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	const EtfOption *option;
	char *columns[4];
	HeapTuple tuple;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc desc;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		get_call_result_type(fcinfo, NULL, &desc);
		call->attinmeta = TupleDescGetAttInMetadata(desc);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= lengthof(etf_options))
		SRF_RETURN_DONE(call);
	option = &etf_options[call->call_cntr];
	columns[0] = unconstify(char *, option->name);
	columns[1] = unconstify(char *, option->fallback);
	columns[2] = valid_values(option);
	columns[3] = unconstify(char *, option->help);
	tuple = BuildTupleFromCStrings(call->attinmeta, columns);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(tuple));
}
