/*
 * term_style.h
 *		Between term_text.c, which walks over a term, and the styles.
 */
#ifndef ETF_TERM_STYLE_H
#define ETF_TERM_STYLE_H

#include "common/term_text.h"

/* The longest text of a float and its terminator. */
#define FLOAT_TEXT_SIZE 32

typedef struct TextOps
{
	/* A token without children.  "parent" is NULL outside any container. */
	void (*scalar)(TermText *text, const TextLevel *parent, const Term *term);

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

/* ".1.2": what pids, ports and references have behind the node's name. */
extern void text_put_numbers(TermText *text, const Term *term);

/* The shortest digits that read back, as Erlang lays them out. */
extern size_t float_to_text(double value, char text[FLOAT_TEXT_SIZE]);

/* The next character of an atom; false at its end. */
extern bool name_next(const TermName *name, uint32_t *pos, uint32_t *code);

/* Is all of it valid and printable, to Erlang and Elixir both? */
extern bool code_is_printable(uint32_t code);

#endif
