/*
 * elixir_name.h
 *		Atoms, keys and quoted text as Elixir writes them.
 */
#ifndef ETF_ELIXIR_NAME_H
#define ETF_ELIXIR_NAME_H

#include "common/show/text.h"

/* nil, :atom, :"an atom", Foo.Bar */
extern void elixir_put_atom(TermText *text, const TermName *name);

/* "a: ", as in keyword lists and maps of atom keys. */
extern void elixir_put_key(TermText *text, const TermName *name);

/* The name of a function behind a point. */
extern void elixir_put_function(TermText *text, const TermName *name);

/* As inside double quotes; "#{" is escaped lest it be read as code. */
extern void elixir_put_characters(TermText *text, const TermName *name);

/* With the quotes. */
extern void elixir_put_quoted(TermText *text, const TermName *name);

/* Elixir itself, or Elixir.Foo.Bar: what Elixir writes as a module. */
extern bool elixir_is_alias(const TermName *name);

/* May it stand before a colon?  Modules may not. */
extern bool elixir_is_keyword(const TermName *name);

/* May it stand in a string, perhaps as an escape? */
extern bool elixir_is_printable(uint32_t code);

#endif
