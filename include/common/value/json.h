/*
 * json.h
 *		Documents as terms: numbers of any, and json from its text.
 *
 * Without a fraction and an exponent a number is an integer of any size, else
 * the float that a JSON library would read, or what option json_numbers asks
 * for instead.  A number that no float can hold takes the form of a numeric,
 * but never compact's: its reader finishes columns, and looks into no document.
 */
#ifndef ETF_JSON_H
#define ETF_JSON_H

#include "common/value/decimal.h"

static inline EtfNumeric
json_decimal_form(const Forms *forms)
{
	return forms->numeric == NUMERIC_PAIR ? NUMERIC_DECIMAL
										  : (EtfNumeric) forms->numeric;
}

/* A number of jsonb, which is a numeric. */
extern void etf_put_json_decimal(TermOut *out, const Decimal *number);

/*
 * The number that is all of "text".  False, and nothing is written, where it
 * is no JSON number or too long for the BEAM.
 */
extern bool etf_put_json_number(TermOut *out, const char *text, size_t len);

/* A document in UTF-8; {unparsed, Text} where it has no term. */
extern void etf_put_json(TermOut *out, const char *text, size_t len);

#endif
