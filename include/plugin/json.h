/*
 * json.h
 *		What json and jsonb have in common: numbers.
 */
#ifndef ETF_JSON_H
#define ETF_JSON_H

#include "plugin/out.h"

/*
 * Without a fraction and an exponent a number is an integer of any size, else
 * the float that a JSON library would read, or what option json_numbers asks
 * for instead.  A number that no float can hold takes the form of a numeric,
 * but never compact's: its reader finishes columns, and looks into no document.
 */
static inline EtfNumeric
json_decimal_form(const EtfOptions *options)
{
	return options->numeric == NUMERIC_PAIR ? NUMERIC_DECIMAL
											: (EtfNumeric) options->numeric;
}

/* A number of jsonb, which is a numeric.  value_numeric.c */
extern void json_put_numeric(EtfOut *out, Datum value);

/* No less than the bytes that numeric_out would make of it. */
extern Size numeric_text_size(Datum value);

/*
 * The number that is all of "text".  False, and nothing is written, where it
 * is no JSON number or too long for the BEAM.  json_number.c
 */
extern bool json_put_number(EtfOut *out, const char *text, Size len);

#endif
