/*
 * source_begin.c
 *		What a stream of pgoutput is to ask for, and whether it can be read.
 *
 * Called by connect.c, when all is set up but the start; and for tables that are
 * read beside the stream.
 */
#include <stdio.h>

#include "client/source/host.h"
#include "client/source/source.h"
#include "common/option/table.h"

static bool
refuse(Failure *failure, const char *what, const char *hint)
{
	failure_set(failure, FAIL_CONFIG, "%s is not possible with pgoutput", what);
	failure_hint(failure, "%s", hint);
	return false;
}

/* In the words of the plugin, which would refuse it, too. */
static bool
refuse_value(const EtfOption *option, const char *value, Failure *failure)
{
	char words[OPTION_WORDS_MAX];

	etf_option_words(option, words);
	failure_set(failure, FAIL_CONFIG, "invalid value for option \"%s\": \"%s\"",
				option->name, value);
	failure_hint(failure, "Valid values are: %s.", words);
	return false;
}

static bool
refuse_name(const char *name, Failure *failure)
{
	char names[400];
	size_t len = 0;
	const EtfOption *option;

	for (int i = 0; (option = etf_option(i)) != NULL && len < sizeof(names);
		 i++)
		len += (size_t) snprintf(names + len, sizeof(names) - len, "%s%s",
								 i == 0 ? "" : ", ", option->name);
	failure_set(failure, FAIL_CONFIG, "unrecognized option \"%s\"", name);
	failure_hint(failure, "Valid options are: %s.", names);
	return false;
}

/* The options of the plugin are the client's own here. */
static bool
read_options(const PairList *pairs, EtfOptions *options, Failure *failure)
{
	options_init(options);
	for (size_t i = 0; i < pairs->count; i++)
	{
		const Pair *pair = &pairs->items[i];
		int number = etf_option_find(pair->name);

		if (number < 0)
			return refuse_name(pair->name, failure);
		if (!options_set(options, etf_option(number), pair->value))
			return refuse_value(etf_option(number), pair->value, failure);
	}
	forms_resolve(&options->forms);
	return true;
}

/* What only the plugin can do must not be left out without a word. */
static bool
can_be_had(const EtfOptions *options, int server_version, Failure *failure)
{
	static const char on_server[] =
		"What is to stay on the server, a column list of the publication can "
		"leave out (PostgreSQL 15).";
	static const char ours[] = "It needs the plugin " PLUGIN_NAME ".";
	const struct
	{
		bool wanted;
		const char *what;
		const char *hint;
	} refusals[] = {
		{options->include_columns != NULL, "include_columns", on_server},
		{options->exclude_columns != NULL, "exclude_columns", on_server},
		{options->mask_columns != NULL, "mask_columns", on_server},
		{options->ddl != DDL_OFF, "ddl", ours},
		{options->updates != UPDATES_FULL, "updates", ours},
		{options->skip_unchanged, "skip_unchanged", ours},
		{!options->skip_empty, "skip_empty=off",
		 "Since PostgreSQL 15 the server does not send them."},
		{options->messages && server_version < 140000,
		 "messages on PostgreSQL 13", "Leave out the option messages."},
		{options->message_prefixes != NULL && !options->messages,
		 "message_prefixes alone", "Add messages=on, or omit it."},
	};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].wanted)
			return refuse(failure, refusals[i].what, refusals[i].hint);
	return true;
}

bool
source_read_options(const Settings *settings, int server_version,
					EtfOptions *options, Failure *failure)
{
	return read_options(&settings->options, options, failure) &&
		   can_be_had(options, server_version, failure);
}

bool
source_choose_format(int format, int server_version, const WireType *unfit,
					 bool *text, Failure *failure)
{
	bool binary = server_version >= 140000 && unfit == NULL && !*text;

	*text = format == FORMAT_TEXT || !binary;
	if (format != FORMAT_BINARY || binary)
		return true;
	if (unfit == NULL)
		return refuse(failure, "format=binary on PostgreSQL 13",
					  "Set format to auto or text.");
	failure_set(failure, FAIL_CONFIG,
				"type \"%s\" of a published table has no binary form that the "
				"client knows",
				unfit->name);
	failure_hint(failure, "Set format to auto or text.");
	return false;
}

const WireType *
source_unfit(const Source *source)
{
	const Stream *stream = source->stream;
	bool needs_none = stream->settings->format == FORMAT_TEXT ||
					  stream->server_version < 140000;

	return needs_none ? NULL : source->assembler.catalog.unfit;
}

bool
source_begin(Source *source)
{
	Stream *stream = source->stream;
	Pgoutput *pgoutput = &stream->pgoutput;
	Failure *failure = &stream->db.failure;
	Assembler *assembler = &source->assembler;
	EtfOptions *options = &assembler->options;

	pgoutput->text = source->needs_text;
	if (!source_read_options(stream->settings, stream->server_version, options,
							 failure) ||
		!source_choose_format(stream->settings->format, stream->server_version,
							  assembler->catalog.unfit, &pgoutput->text,
							  failure))
		return false;
	pgoutput->messages = options->messages;
	pgoutput->local_only = options->origin == ORIGIN_NONE;
	assembler->streaming = stream_streams(stream);
	assembler_begin(assembler, stream->server_version, !pgoutput->text,
					pgoutput->raw && !pgoutput->ascii ? &source_raw_host
													  : &source_host);
	return true;
}
