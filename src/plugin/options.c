/*
 * options.c
 *		Parse options by the table in option_table.c.
 *
 * pg_etf_decoding.c does so at the start of a decoding session, sql.c for
 * etf_encode().
 */
#include "postgres.h"

#include <ctype.h>

#include "commands/defrem.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "plugin/filter.h"
#include "plugin/option_table.h"
#include "plugin/sql.h"

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
			appendStringInfoString(&buf, "on, off, or another boolean");
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
			appendStringInfo(&buf,
							 "1 to %d ASCII characters, no atom that has a "
							 "meaning already",
							 MAX_ATOM_LENGTH);
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
	const char *bad;
	List *names =
		strcmp(text, "all") == 0 ? NIL : etf_patterns_parse(text, 1, &bad);
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
		if (!find_choice(choices, ((EtfPattern *) lfirst(cell))->name, &bit) ||
			(*value & bit) != 0)
			return false;
		*value |= bit;
	}
	return *value != 0;
}

static bool
parse_patterns(const char *text, int parts, List **value)
{
	const char *bad;

	*value = etf_patterns_parse(text, parts, &bad);
	return *value != NIL;
}

/*
 * Atoms are UTF-8 whatever the server's encoding is; so keep to ASCII.  What
 * stands for something else in the place of a value cannot stand for NULL.
 */
static bool
parse_atom(const char *text, EtfOptions *options)
{
	static const char *const taken[] = {
		"true", "false", "unchanged_toast", "NaN",		 "nan",
		"inf",	"-inf",	 "infinity",		"-infinity", "empty"};
	size_t len = strlen(text);

	for (int i = 0; i < (int) lengthof(taken); i++)
		if (strcmp(text, taken[i]) == 0)
			return false;
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
	return errno == 0 && (isdigit((unsigned char) *text) || *text == '-') &&
		   end != text && *end == '\0' && number == *value;
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
	for (int i = 0; i < etf_option_count; i++)
	{
		if (strcmp(etf_option_table[i].name, name) == 0)
			return i;
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ",
						 etf_option_table[i].name);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized option \"%s\"", name),
					errhint("Valid options are: %s.", names.data)));
}

/* The one pattern of a list that is wrong; it may be a long list. */
static void
bad_pattern(const EtfOption *option, const char *text, int parts)
{
	const char *bad;

	etf_patterns_parse(text, parts, &bad);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid pattern in option \"%s\": \"%.*s\"",
						   option->name, (int) strcspn(bad, ","), bad),
					errhint("Valid values are: %s.", valid_values(option))));
}

static void
bad_value(const EtfOption *option, const char *text)
{
	int version;

	if (option->offset == offsetof(EtfOptions, protocol_version) &&
		parse_int32(text, &version))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("protocol_version %d is not supported", version),
						errhint("This server's pg_etf_decoding supports "
								"protocol_version %s.",
								valid_values(option))));
	if (option->kind == OPTION_TABLES || option->kind == OPTION_PREFIXES)
		bad_pattern(option, text, option->kind == OPTION_TABLES ? 2 : 1);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for option \"%s\": \"%s\"",
						   option->name, text),
					errhint("Valid values are: %s.", valid_values(option))));
}

static void
parse_element(DefElem *element, EtfOptions *options, bool *given)
{
	int i = find_option(element->defname);
	const EtfOption *option = &etf_option_table[i];
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

	for (int i = 0; i < etf_option_count; i++)
		if (etf_option_table[i].fallback != NULL)
			parse_value(&etf_option_table[i], etf_option_table[i].fallback,
						options);
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
	if (call->call_cntr >= (uint64) etf_option_count)
		SRF_RETURN_DONE(call);
	option = &etf_option_table[call->call_cntr];
	columns[0] = unconstify(char *, option->name);
	columns[1] = unconstify(char *, option->fallback);
	columns[2] = valid_values(option);
	columns[3] = unconstify(char *, option->help);
	tuple = BuildTupleFromCStrings(call->attinmeta, columns);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(tuple));
}
