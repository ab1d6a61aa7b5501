/*
 * text.c
 *		Walk over a term and let a style show it as text.
 *
 * Above term/read.c; the styles are show/erlang.c, show/elixir.c and
 * show/json.c.  One loop, however deep the term is: what is open stands in
 * the levels that the caller lent.
 */
#include "common/show/text.h"

#include "common/show/style.h"

static const TextOps *const styles[] = {[TEXT_ERLANG] = &erlang_ops,
										[TEXT_ELIXIR] = &elixir_ops,
										[TEXT_JSON] = &json_ops};

void
term_text_init(TermText *text, TextStyle style, TextLevel *levels,
			   size_t capacity, TextSink sink, void *arg)
{
	*text = (TermText){.null = "nil",
					   .ops = styles[style],
					   .levels = levels,
					   .capacity = capacity,
					   .sink = sink,
					   .arg = arg};
}

/* One more child of the innermost level has been read. */
static void
count_child(TermText *text)
{
	if (text->depth > 0)
		text_innermost(text)->index++;
}

static bool
open_level(TermText *text, const Term *term, TermKind kind, uint64_t count)
{
	const TextLevel *parent = text_innermost(text);
	TextLevel *level = &text->levels[text->depth];

	if (text->depth == text->capacity)
		return term_fail(text->reader, "term is nested too deeply to be shown");
	*level = (TextLevel){.kind = kind, .count = count};
	if (text->ops->open(text, parent, level, term))
		text->depth++;
	else
		count_child(text);
	return text->reader->error == NULL;
}

static void
close_levels(TermText *text)
{
	while (text->depth > 0 &&
		   text_innermost(text)->index == text_innermost(text)->count)
	{
		text->ops->close(text, text_innermost(text));
		text->depth--;
		count_child(text);
	}
}

/* The list of small integers that a string is, inside an open level. */
static void
print_string_elements(TermText *text, const Term *string)
{
	TextLevel *level = text_innermost(text);
	Term element = {.kind = TERM_INTEGER};

	for (uint32_t i = 0; i < string->len; i++)
	{
		element.integer = string->bytes[i];
		text->ops->before(text, level, &element);
		text->ops->integer(text, &element);
		level->index++;
	}
}

static bool
print_string(TermText *text, const Term *string)
{
	/* As a list it would have a tail; here there is none to come. */
	if (!open_level(text, string, TERM_STRING, string->len))
		return false;
	print_string_elements(text, string);
	return true;
}

/* The numbers of a reference are shown from the last to the first. */
static void
put_numbers(TermText *text, const Term *term)
{
	for (uint32_t end = term->kind == TERM_REFERENCE ? term->len : 0; end > 0;
		 end -= 4)
	{
		const uint8_t *word = term->bytes + end - 4;

		text_putc(text, '.');
		text_put_uint(text, (uint32_t) word[0] << 24 |
								(uint32_t) word[1] << 16 |
								(uint32_t) word[2] << 8 | word[3]);
	}
	if (term->kind == TERM_REFERENCE)
		return;
	text_putc(text, '.');
	text_put_uint(text, term->id);
	if (term->kind == TERM_PID)
	{
		text_putc(text, '.');
		text_put_uint(text, term->serial);
	}
}

static void
put_identifier(TermText *text, const char *start, const Term *term)
{
	text_puts(text, start);
	text->ops->node(text, &term->name);
	put_numbers(text, term);
	text_puts(text, text->ops->identifier_end);
}

static void
put_scalar(TermText *text, const Term *term)
{
	const TextOps *ops = text->ops;

	switch (term->kind)
	{
		case TERM_INTEGER:
		case TERM_BIG:
			ops->integer(text, term);
			break;
		case TERM_FLOAT:
			ops->number(text, term);
			break;
		case TERM_ATOM:
			ops->atom(text, term);
			break;
		case TERM_BINARY:
			ops->binary(text, term);
			break;
		case TERM_BITS:
			ops->bits(text, term);
			break;
		case TERM_NIL:
			text_puts(text, "[]");
			break;
		case TERM_PID:
			put_identifier(text, ops->pid, term);
			break;
		case TERM_PORT:
			put_identifier(text, ops->port, term);
			break;
		case TERM_REFERENCE:
			put_identifier(text, ops->reference, term);
			break;
		case TERM_EXPORT:
			ops->export(text, term);
			break;
		default:
			text_puts(text, ops->fun);
	}
}

static bool
print_scalar(TermText *text, const Term *term)
{
	put_scalar(text, term);
	for (uint64_t left = term_children(term); left > 0; left--)
	{
		if (!term_skip(text->reader))
			return false;
	}
	count_child(text);
	return true;
}

static bool
print_token(TermText *text, const Term *term)
{
	if (text->depth > 0 && !text->ops->before(text, text_innermost(text), term))
		return text->reader->error == NULL;
	switch (term->kind)
	{
		case TERM_STRING:
			return print_string(text, term);
		case TERM_TUPLE:
		case TERM_LIST:
		case TERM_MAP:
			return open_level(text, term, term->kind, term_children(term));
		default:
			return print_scalar(text, term);
	}
}

/*
 * What stands behind the last element of a list.  More of a list belongs to
 * the same level: libei's users like to write lists element by element, and
 * such a list is not deep.
 */
static bool
print_tail(TermText *text, const Term *tail)
{
	TextLevel *level = text_innermost(text);

	switch (tail->kind)
	{
		case TERM_NIL:
			level->index++;
			return true;
		case TERM_LIST:
			level->count = level->index + term_children(tail);
			return true;
		case TERM_STRING:
			level->count = level->index + tail->len + 1;
			print_string_elements(text, tail);
			level->index++;
			return true;
		default:
			return print_token(text, tail);
	}
}

static bool
print_next(TermText *text)
{
	Term term;

	if (!term_next(text->reader, &term))
		return false;
	if (text->depth > 0 && level_at_tail(text_innermost(text)))
		return print_tail(text, &term);
	return print_token(text, &term);
}

bool
term_text_print(TermText *text, TermReader *reader)
{
	bool good;

	text->reader = reader;
	text->depth = 0;
	text->used = 0;
	do
	{
		good = print_next(text);
		if (good)
			close_levels(text);
	} while (good && text->depth > 0);
	text_flush(text);
	return good;
}
