/*
 * json.h
 *		What json and jsonb have in common: numbers.
 */
#ifndef ETF_JSON_H
#define ETF_JSON_H

#include "plugin/out.h"

/*
 * Write the number that is all of "text": without a fraction and an exponent
 * an integer of any size, else the float that a JSON library would read, or
 * what option json_numbers asks for instead.  A number that no float can
 * hold becomes a decimal.  False, and nothing is written, where it is no JSON
 * number or too long for a BEAM integer.
 */
extern bool json_put_number(EtfOut *out, const char *text, Size len);

#endif
