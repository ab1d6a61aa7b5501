/*
 * fail.h
 *		What went wrong in the BEAM, as an ERROR of SQL.
 *
 * None of these returns.  Texts and terms of the BEAM are of any length and
 * may hold anything: what is shown of each ends after FAIL_TEXT bytes, and
 * what the server's encoding lacks is escaped.
 *
 * "function" is as fail_function writes it: "Shop.price/2", "lists:seq/2".
 */
#ifndef ETF_FAIL_H
#define ETF_FAIL_H

#include <stdbool.h>
#include <stddef.h>

#define FAIL_TEXT 2048

typedef enum FailKind
{
	FAIL_ERROR, /* "raised" */
	FAIL_THROW, /* "threw" */
	FAIL_EXIT	/* "exited with" */
} FailKind;

/* UTF-8, or a term without its version byte; none if bytes is NULL. */
typedef struct FailBytes
{
	const void *bytes;
	size_t len;
} FailBytes;

/* A module with "Elixir." in front is written as Elixir does. */
extern char *fail_function(const char *module, const char *function, int arity);

/*
 * 38000 "FUNCTION raised MESSAGE", with DETAIL and with the stack as CONTEXT;
 * all three are UTF-8 text.
 */
extern void fail_texts(const char *function, FailKind kind, FailBytes message,
					   FailBytes detail, FailBytes stack);

/* The same from the terms that the BEAM has for a reason and a stack. */
extern void fail_terms(const char *function, FailKind kind, FailBytes reason,
					   FailBytes stack);

/* 08P01 "PEER sent what is no answer: WHAT" */
extern void fail_protocol(const char *peer, const char *what);

/*
 * The texts themselves, in the server's encoding: of UTF-8, and of a term as
 * Elixir or Erlang writes it.
 */
extern char *fail_text(FailBytes text);
extern char *fail_term(FailBytes term, bool elixir);

#endif
