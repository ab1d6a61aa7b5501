/*
 * put_tsvector.c
 *		Lexemes with their positions and weights: all but the words.
 *
 * Weight D is the default of a position; Postgrex represents it as nil.
 */
#include "common/term/template.h"
#include "common/value/tsvector.h"

#define WEIGHT(position) ((position) >> 14)
#define PLACE(position) ((position) &0x3FFF)

static EtfTemplate lexeme_template = {
	.module = "Elixir.Postgrex.Lexeme",
	.fields = {{"word", FILL_TERM, NULL}, {"positions", FILL_TERM, NULL}}};

void
etf_put_lexeme(TermOut *out)
{
	if (out->forms->dialect == DIALECT_ELIXIR)
		etf_put_template(out, &lexeme_template);
	else
		etf_put_tuple(out, 2);
}

/* A list of {Position, Weight}, empty for a stripped vector. */
void
etf_put_lexeme_positions(TermOut *out, const uint16_t *positions, uint32_t n)
{
	static const char *const weights[] = {"nil", "C", "B", "A"};

	if (out->forms->dialect == DIALECT_ELIXIR)
		etf_put_template_rest(out, &lexeme_template, 0);
	etf_put_list(out, n);
	for (uint32_t i = 0; i < n; i++)
	{
		const char *weight = weights[WEIGHT(positions[i])];

		etf_put_tuple(out, 2);
		etf_put_int(out, PLACE(positions[i]));
		etf_put_atom_len(out, weight, strlen(weight));
	}
	etf_put_list_end(out);
}
