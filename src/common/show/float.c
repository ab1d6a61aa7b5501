/*
 * float.c
 *		The shortest decimal digits that read back as the same double.
 *
 * Lays them out as io_lib:format("~w") does, which float_to_list(F, [short])
 * of OTP 25 does as well.  snprintf() and strtod() know the digits; both
 * programs that use this keep LC_NUMERIC at "C".
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/show/style.h"

/* Digits that any double keeps, and digits that keep any double. */
#define DIGITS_SURE DBL_DIG
#define DIGITS_ENOUGH 17

/* From here on neighbors are more than 1 apart, and ".0" would be a lie. */
#define EXACT_LIMIT 9007199254740992.0

/* value = 0.digits * 10^place, no zero at either end of the digits */
typedef struct Shortest
{
	char digits[DIGITS_ENOUGH + 1];
	int ndigits;
	int place;
} Shortest;

/*
 * Add one to the last of "ndigits" digits of "d.ddde+XX".  A power of two has
 * a closer neighbor below than above: there the shortest digits may be the
 * ones above the nearest.
 */
static bool
round_up(char *text, int ndigits)
{
	for (int i = ndigits > 1 ? ndigits : 0; i >= 0; i--)
	{
		if (text[i] == '.')
			continue;
		if (text[i] < '9')
		{
			text[i]++;
			return true;
		}
		text[i] = '0';
	}
	return false;
}

static bool
reads_back(const char *text, double value)
{
	return strtod(text, NULL) == value;
}

static void
split(const char *text, Shortest *shortest)
{
	const char *exponent = strchr(text, 'e');

	shortest->ndigits = 0;
	for (const char *c = text; c < exponent; c++)
	{
		if (*c != '.')
			shortest->digits[shortest->ndigits++] = *c;
	}
	while (shortest->ndigits > 1 &&
		   shortest->digits[shortest->ndigits - 1] == '0')
		shortest->ndigits--;
	shortest->place = atoi(exponent + 1) + 1;
}

/* "value" is positive. */
static void
find_shortest(double value, Shortest *shortest)
{
	int unused;
	bool power_of_two = frexp(value, &unused) == 0.5;

	/* Below DBL_MIN fewer digits may do, and be other digits. */
	int ndigits = value < DBL_MIN ? 1 : DIGITS_SURE;
	char text[FLOAT_TEXT_SIZE];

	for (; ndigits <= DIGITS_ENOUGH; ndigits++)
	{
		snprintf(text, sizeof(text), "%.*e", ndigits - 1, value);
		if (reads_back(text, value))
			break;
		if (power_of_two && round_up(text, ndigits) && reads_back(text, value))
			break;
	}
	split(text, shortest);
}

static char *
put(char *text, const char *bytes, int len)
{
	memcpy(text, bytes, (size_t) len);
	return text + len;
}

static char *
put_zeros(char *text, int count)
{
	memset(text, '0', (size_t) count);
	return text + count;
}

/* d.ddde-XX, or d.0e-XX */
static char *
put_scientific(char *text, const Shortest *s)
{
	text = put(text, s->digits, 1);
	*text++ = '.';
	text = s->ndigits > 1 ? put(text, s->digits + 1, s->ndigits - 1)
						  : put_zeros(text, 1);
	return text + sprintf(text, "e%d", s->place - 1);
}

/* The longest of the forms without an exponent that Erlang still prefers. */
static bool
is_scientific(const Shortest *s, double value)
{
	char exponent[16];
	int cost = sprintf(exponent, "%d", s->place - 1) + 1;

	cost += s->ndigits == 1 ? 2 : 1;
	if (s->place < 0)
		return 2 - s->place > cost;
	if (s->place >= s->ndigits)
		return s->place - s->ndigits + 2 > cost || value >= EXACT_LIMIT;
	return false;
}

static char *
put_plain(char *text, const Shortest *s)
{
	if (s->place <= 0)
	{
		text = put(text, "0.", 2);
		text = put_zeros(text, -s->place);
		return put(text, s->digits, s->ndigits);
	}
	if (s->place >= s->ndigits)
	{
		text = put(text, s->digits, s->ndigits);
		text = put_zeros(text, s->place - s->ndigits);
		return put(text, ".0", 2);
	}
	text = put(text, s->digits, s->place);
	*text++ = '.';
	return put(text, s->digits + s->place, s->ndigits - s->place);
}

size_t
float_to_text(double value, char text[FLOAT_TEXT_SIZE])
{
	char *end = text;
	Shortest shortest;

	if (signbit(value))
		*end++ = '-';
	value = fabs(value);
	if (value == 0)
		end = put(end, "0.0", 3);
	else
	{
		find_shortest(value, &shortest);
		end = is_scientific(&shortest, value) ? put_scientific(end, &shortest)
											  : put_plain(end, &shortest);
	}
	*end = '\0';
	return (size_t) (end - text);
}
