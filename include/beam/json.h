/*
 * json.h
 *		Documents as arguments and as results.
 */
#ifndef ETF_BEAM_JSON_H
#define ETF_BEAM_JSON_H

#include "utils/jsonb.h"

#include "common/term/read.h"
#include "plugin/host.h"

/* As docs/types.md has it for dialect=elixir, json=term. */
extern void json_put(TermOut *out, Jsonb *document);

/*
 * The next term as a jsonb, as a function in LANGUAGE elixir that returns
 * jsonb would have it, but that nil is the document null.  "function" is for
 * messages.
 */
extern Datum json_of_term(const char *function, const TermReader *reader);

#endif
