/*
 * style.h
 *		Between show/text.c, which walks over a term, and the styles.
 */
#ifndef ETF_TERM_STYLE_H
#define ETF_TERM_STYLE_H

#include "common/show/text.h"

/* The longest text of a float and its terminator. */
#define FLOAT_TEXT_SIZE 32

typedef struct TextOps
{
	/* Tokens without children, each in the level that is innermost. */
	void (*integer)(TermText *text, const Term *term);
	void (*number)(TermText *text, const Term *term); /* a float */
	void (*atom)(TermText *text, const Term *term);
	void (*binary)(TermText *text, const Term *term);
	void (*bits)(TermText *text, const Term *term);
	void (*export)(TermText *text, const Term *term);

	/* An identifier: one of these, the node, its numbers, and the end. */
	const char *pid;
	const char *port;
	const char *reference;
	void (*node)(TermText *text, const TermName *name);
	const char *identifier_end;

	const char *fun; /* all of it */

	/*
	 * A tuple, list or map begins.  Set level->form and print what opens it;
	 * or print all of it, move the reader behind it, and return false.
	 */
	bool (*open)(TermText *text, const TextLevel *parent, TextLevel *level,
				 const Term *term);

	/*
	 * Print what stands before this child.  To leave a key out, read its
	 * value, count both in level->index, and return false.
	 */
	bool (*before)(TermText *text, TextLevel *level, const Term *term);

	void (*close)(TermText *text, const TextLevel *level);
} TextOps;

extern const TextOps erlang_ops;
extern const TextOps elixir_ops;
extern const TextOps json_ops;

/* NULL outside any container. */
static inline TextLevel *
text_innermost(TermText *text)
{
	return text->depth > 0 ? &text->levels[text->depth - 1] : NULL;
}

/* The child that stands behind the last element of a list. */
static inline bool
level_at_tail(const TextLevel *level)
{
	return level->kind == TERM_LIST && level->index + 1 == level->count;
}

/* A key of a map comes next, or has just been read. */
static inline bool
level_at_key(const TextLevel *level)
{
	return level != NULL && level->kind == TERM_MAP && level->index % 2 == 0;
}

/* Give the sink what the buffer has. */
extern void text_flush(TermText *text);

extern void text_put(TermText *text, const char *bytes, size_t len);
extern void text_puts(TermText *text, const char *string);
extern void text_putc(TermText *text, char c);

/*
 * Put the characters at the start that are the same in every quoted text: all
 * of printable ASCII but the quote and the backslash.  Returns how many.
 */
extern size_t text_put_plain(TermText *text, const uint8_t *bytes, size_t len,
							 char quote);

extern void text_put_code(TermText *text, uint32_t code);
extern void text_put_uint(TermText *text, uint64_t value);

/* TERM_INTEGER or TERM_BIG; "hex" is the prefix of hexadecimal numbers. */
extern void text_put_integer(TermText *text, const Term *term, const char *hex);

/* The shortest digits that read back, as Erlang lays them out. */
extern size_t float_to_text(double value, char text[FLOAT_TEXT_SIZE]);

/* The next character of an atom; false at its end. */
extern bool name_next(const TermName *name, uint32_t *pos, uint32_t *code);

/* Is all of it valid and printable, to Erlang and Elixir both? */
extern bool code_is_printable(uint32_t code);

#endif
