/*
 * options.c
 *		Options as START_REPLICATION or a SQL caller gives them.
 *
 * pg_etf_decoding.c parses them at the start of a decoding session, and SQL's
 * etf_encode() for its own.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "lib/stringinfo.h"

#include "common/option/mask.h"
#include "common/option/pattern.h"
#include "plugin/options.h"

char *
etf_option_valid_values(const EtfOption *option)
{
	char *words = palloc(OPTION_WORDS_MAX);

	etf_option_words(option, words);
	return words;
}

static int
find_option(const char *name)
{
	const EtfOption *option;
	StringInfoData names;
	int found = etf_option_find(name);

	if (found >= 0)
		return found;
	initStringInfo(&names);
	for (int i = 0; (option = etf_option(i)) != NULL; i++)
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ", option->name);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized option \"%s\"", name),
					errhint("Valid options are: %s.", names.data)));
}

/* The one pattern of a list that is wrong; it may be a long list. */
static void
bad_pattern(const EtfOption *option, const char *bad)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid pattern in option \"%s\": \"%.*s\"",
						   option->name, (int) strcspn(bad, ","), bad),
					errhint("Valid values are: %s.",
							etf_option_valid_values(option))));
}

static void
bad_value(const EtfOption *option, const char *text)
{
	int version;

	if (option->offset == offsetof(EtfOptions, protocol_version) &&
		option_parse_int(text, &version))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("protocol_version %d is not supported", version),
						errhint("This server's pg_etf_decoding supports "
								"protocol_version %s.",
								etf_option_valid_values(option))));
	if (option->kind == OPTION_MASKS)
		bad_pattern(option, masks_bad(text));
	if (option->kind == OPTION_TABLES || option->kind == OPTION_PREFIXES ||
		option->kind == OPTION_COLUMNS)
		bad_pattern(option, patterns_bad(text, option_parts(option->kind)));
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("invalid value for option \"%s\": \"%s\"", option->name, text),
		 errhint("Valid values are: %s.", etf_option_valid_values(option))));
}

static void
parse_element(DefElem *element, EtfOptions *options, bool *given)
{
	int i = find_option(element->defname);
	const EtfOption *option = etf_option(i);
	const char *text;

	if (given[i])
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("option \"%s\" is given twice", option->name),
						errhint("Give each option at most once.")));
	given[i] = true;
	if (element->arg == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" needs a value", option->name),
						errhint("Valid values are: %s.",
								etf_option_valid_values(option))));
	text = pstrdup(strVal(element->arg));
	if (!options_set(options, option, text))
		bad_value(option, text);
}

EtfOptions *
etf_options_parse(List *elements)
{
	EtfOptions *options = palloc(sizeof(EtfOptions));
	bool given[MAX_OPTIONS] = {false};
	ListCell *cell;

	options_init(options);
	foreach (cell, elements)
		parse_element(lfirst(cell), options, given);
	if (options->message_prefixes != NULL && !options->messages)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"message_prefixes\" has no effect without "
						"\"messages\""),
				 errhint("Add messages=on, or omit message_prefixes.")));
	forms_resolve(&options->forms);
	return options;
}
