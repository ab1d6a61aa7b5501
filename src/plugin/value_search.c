/*
 * value_search.c
 *		tsvector: its lexemes with their positions and weights.
 *
 * Weight D is what a position has by default; Postgrex tells it as nil.
 */
#include "postgres.h"

#include "tsearch/ts_type.h"
#include "utils/builtins.h"

#include "plugin/encoders.h"
#include "plugin/template.h"

static EtfTemplate lexeme_template = {
	.module = "Elixir.Postgrex.Lexeme",
	.fields = {{"word", FILL_TERM, NULL}, {"positions", FILL_TERM, NULL}}};

static void put_lexeme(EtfOut *out, TSVector vector, const WordEntry *entry);
static void put_positions(EtfOut *out, TSVector vector, const WordEntry *entry);
static void put_vector_text(EtfOut *out, TSVector vector);

void
encode_tsvector(EtfOut *out, const EtfType *type, Datum value)
{
	TSVector vector = DatumGetTSVector(value);

	if (out->options->dialect == DIALECT_ERLANG)
	{
		put_vector_text(out, vector);
		return;
	}
	etf_put_list(out, vector->size);
	for (int i = 0; i < vector->size; i++)
		put_lexeme(out, vector, &ARRPTR(vector)[i]);
	etf_put_list_end(out);
}

static void
put_lexeme(EtfOut *out, TSVector vector, const WordEntry *entry)
{
	const char *word = STRPTR(vector) + entry->pos;
	bool as_struct = out->options->dialect == DIALECT_ELIXIR;

	if (as_struct)
		etf_put_template(out, &lexeme_template);
	else
		etf_put_tuple(out, 2);
	etf_put_text(out, word, entry->len);
	if (as_struct)
		etf_put_template_rest(out, &lexeme_template, 0);
	put_positions(out, vector, entry);
}

/* A list of {Position, Weight}, empty for a stripped vector. */
static void
put_positions(EtfOut *out, TSVector vector, const WordEntry *entry)
{
	static const char *const weights[] = {"nil", "C", "B", "A"};
	int n = POSDATALEN(vector, entry);

	etf_put_list(out, n);
	for (int i = 0; i < n; i++)
	{
		WordEntryPos position = POSDATAPTR(vector, entry)[i];
		const char *weight = weights[WEP_GETWEIGHT(position)];

		etf_put_tuple(out, 2);
		etf_put_int(out, WEP_GETPOS(position));
		etf_put_atom_len(out, weight, strlen(weight));
	}
	etf_put_list_end(out);
}

static void
put_vector_text(EtfOut *out, TSVector vector)
{
	char *text = DatumGetCString(
		DirectFunctionCall1(tsvectorout, TSVectorGetDatum(vector)));

	etf_put_text(out, text, strlen(text));
	pfree(text);
}
