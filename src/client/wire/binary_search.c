/*
 * binary_search.c
 *		tsvector in binary, as lexemes or, for dialect erlang, as its text.
 */
#include "client/wire/binary.h"
#include "common/value/tsvector.h"

/* A word's terminator and the number of its positions. */
#define LEXEME_SIZE 3

/* Of one word. */
#define MAX_POSITIONS 256

typedef struct Lexeme
{
	const char *word;
	size_t len;
	uint32_t npositions;
	uint16_t positions[MAX_POSITIONS];
} Lexeme;

const char *
binary_string(WireReader *in, size_t *len)
{
	const char *string = in->pos;
	const char *end = memchr(string, '\0', wire_left(in));

	*len = end != NULL ? (size_t) (end - string) : 0;
	binary_bytes(in, end != NULL ? *len + 1 : wire_left(in) + 1);
	return string;
}

static void
take_lexeme(WireReader *in, Lexeme *lexeme)
{
	lexeme->word = binary_string(in, &lexeme->len);
	lexeme->npositions = (uint32_t) binary_uint(in, 2);
	if (lexeme->npositions > MAX_POSITIONS)
	{
		wire_fail(in);
		lexeme->npositions = 0;
	}
	for (uint32_t i = 0; i < lexeme->npositions; i++)
		lexeme->positions[i] = (uint16_t) binary_uint(in, 2);
}

static void
put_list(WireReader *in, uint32_t count)
{
	Lexeme lexeme;

	etf_put_list(in->out, count);
	for (uint32_t i = 0; i < count; i++)
	{
		take_lexeme(in, &lexeme);
		if (wire_stopped(in))
			return;
		etf_put_lexeme(in->out);
		wire_put_text(in, lexeme.word, lexeme.len);
		etf_put_lexeme_positions(in->out, lexeme.positions, lexeme.npositions);
	}
	etf_put_list_end(in->out);
}

void
binary_quoted(StrBuf *text, const char *word, size_t len)
{
	strbuf_puts(text, "'");
	for (size_t i = 0; i < len; i++)
	{
		if (word[i] == '\'' || word[i] == '\\')
			strbuf_put(text, &word[i], 1);
		strbuf_put(text, &word[i], 1);
	}
	strbuf_puts(text, "'");
}

/* :1A,2 and so on, where weight D is not told. */
static void
print_positions(StrBuf *text, const Lexeme *lexeme)
{
	static const char *const weights[] = {"", "C", "B", "A"};

	for (uint32_t i = 0; i < lexeme->npositions; i++)
		strbuf_putf(text, "%c%d%s", i == 0 ? ':' : ',',
					lexeme->positions[i] & 0x3FFF,
					weights[lexeme->positions[i] >> 14]);
}

static void
put_as_text(WireReader *in, uint32_t count)
{
	StrBuf text = {0};
	Lexeme lexeme;

	for (uint32_t i = 0; i < count && !wire_stopped(in); i++)
	{
		take_lexeme(in, &lexeme);
		if (i > 0)
			strbuf_puts(&text, " ");
		binary_quoted(&text, lexeme.word, lexeme.len);
		print_positions(&text, &lexeme);
	}
	wire_put_strbuf(in, &text);
}

void
binary_tsvector(WireReader *in)
{
	uint32_t count = binary_count(in, LEXEME_SIZE);

	if (in->out->forms->dialect == DIALECT_ERLANG)
		put_as_text(in, count);
	else
		put_list(in, count);
}
