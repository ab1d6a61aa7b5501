/*
 * text_number.c
 *		Integers, floats, booleans, numerics and money from their text.
 */
#include <ctype.h>
#include <stdlib.h>

#include "client/wire/text.h"
#include "common/term/lsn.h"
#include "common/value/number.h"

/* "-1.7976931348623157e+308", and more. */
#define FLOAT_TEXT 64

/* Numerics of ordinary length need no scratch memory. */
#define LOCAL_GROUPS 64

/* The magnitude of the smallest integer of 64 bits. */
#define MAGNITUDE_MAX (UINT64_C(1) << 63)

void
text_bool(WireReader *in)
{
	if (text_skip(in, 't'))
		etf_put_bool(in->out, true);
	else if (text_skip(in, 'f'))
		etf_put_bool(in->out, false);
	else
		wire_fail(in);
}

static int64_t
negate(uint64_t magnitude)
{
	return magnitude == 0 ? 0 : -(int64_t) (magnitude - 1) - 1;
}

void
text_int(WireReader *in)
{
	if (text_skip(in, '-'))
		etf_put_int(in->out, negate(text_uint(in, MAGNITUDE_MAX)));
	else
		etf_put_int(in->out, (int64_t) text_uint(in, INT64_MAX));
}

/* What an object is called is the text of a reg*, and "-" that of none. */
void
text_uint4(WireReader *in)
{
	int c = text_peek(in);

	if (c >= '0' && c <= '9')
		etf_put_uint(in->out, text_uint(in, UINT32_MAX));
	else if (wire_left(in) == 1 && text_skip(in, '-'))
		etf_put_uint(in->out, 0);
	else
		wire_rest_text(in);
}

void
text_uint8(WireReader *in)
{
	size_t len;
	const char *text;
	uint64_t lsn;

	if (memchr(in->pos, '/', wire_left(in)) == NULL)
	{
		etf_put_uint(in->out, text_uint(in, UINT64_MAX));
		return;
	}
	text = wire_take_rest(in, &len);
	if (lsn_from_text(text, len, &lsn))
		etf_put_uint(in->out, lsn);
	else
		wire_fail(in);
}

/* A terminated copy of a number, which strtod needs. */
static void
take_float(WireReader *in, char text[FLOAT_TEXT])
{
	size_t len = 0;

	while (len < FLOAT_TEXT - 1 && in->pos < in->end &&
		   (isalnum((unsigned char) *in->pos) ||
			memchr("+-.", *in->pos, 3) != NULL))
		text[len++] = *in->pos++;
	text[len] = '\0';
}

static void
check_float(WireReader *in, const char *text, const char *end)
{
	if (end == text || *end != '\0')
		wire_fail(in);
}

double
text_double(WireReader *in)
{
	char text[FLOAT_TEXT];
	char *end;
	double value;

	take_float(in, text);
	value = strtod(text, &end);
	check_float(in, text, end);
	return value;
}

float
text_float(WireReader *in)
{
	char text[FLOAT_TEXT];
	char *end;
	float value;

	take_float(in, text);
	value = strtof(text, &end);
	check_float(in, text, end);
	return value;
}

/* The text is the shortest that there is. */
void
text_float4(WireReader *in)
{
	if (in->out->forms->float4 == FLOAT4_SHORTEST)
		etf_put_float(in->out, text_double(in));
	else
		etf_put_float(in->out, text_float(in));
}

void
text_float8(WireReader *in)
{
	etf_put_float(in->out, text_double(in));
}

/* Digits from "text" on into groups that begin "before" digits into one. */
static bool
fill_groups(uint16_t *groups, const char *text, size_t len, size_t before)
{
	static const uint16_t places[] = {1000, 100, 10, 1};

	for (size_t i = 0; i < len; i++)
	{
		size_t place = before + i;

		if (text[i] < '0' || text[i] > '9')
			return false;
		groups[place / 4] = (uint16_t) (groups[place / 4] +
										(text[i] - '0') * places[place % 4]);
	}
	return true;
}

static void
put_digits(WireReader *in, bool negative, const char *text, size_t len)
{
	const char *point = memchr(text, '.', len);
	size_t whole = point != NULL ? (size_t) (point - text) : len;
	size_t scale = point != NULL ? len - whole - 1 : 0;
	size_t weight = (whole + 3) / 4;
	size_t ngroups = weight + (scale + 3) / 4;
	uint16_t local[LOCAL_GROUPS] = {0};
	uint16_t *groups = local;

	if (ngroups > LOCAL_GROUPS)
	{
		groups = in->out->host->scratch(NULL, ngroups * sizeof(*groups));
		memset(groups, 0, ngroups * sizeof(*groups));
	}
	if (whole == 0 || scale > INT16_MAX || weight > INT16_MAX ||
		!fill_groups(groups, text, whole, weight * 4 - whole) ||
		!fill_groups(groups + weight, text + len - scale, scale, 0))
		wire_fail(in);
	else
		wire_put_numeric(in, negative, (int) weight - 1, (int) scale, groups,
						 (int) ngroups);
	if (groups != local)
		out_scratch_free(in->out, groups);
}

void
text_numeric(WireReader *in)
{
	bool negative = text_skip(in, '-');
	size_t len;
	const char *digits;

	if (text_skip_word(in, "NaN"))
		wire_put_special_numeric(in, true, false);
	else if (text_skip_word(in, "Infinity"))
		wire_put_special_numeric(in, false, negative);
	else
	{
		digits = wire_take_rest(in, &len);
		put_digits(in, negative, digits, len);
	}
}

/* -$1,234.56, as in locale C. */
void
text_money(WireReader *in)
{
	bool negative = text_skip(in, '-');
	uint64_t cents = 0;

	text_skip(in, '$');
	while (in->pos < in->end && cents <= MAGNITUDE_MAX / 10)
	{
		if (!text_skip(in, ',') && !text_skip(in, '.'))
			cents = cents * 10 + (uint64_t) text_digit(in);
	}
	if (cents > MAGNITUDE_MAX - !negative)
		wire_fail(in);
	else
		etf_put_money(in->out, negative ? negate(cents) : (int64_t) cents);
}

void
text_tid(WireReader *in)
{
	uint32_t block;

	text_expect(in, '(');
	block = (uint32_t) text_uint(in, UINT32_MAX);
	text_expect(in, ',');
	etf_put_tid(in->out, block, (uint16_t) text_uint(in, UINT16_MAX));
	text_expect(in, ')');
}
