/*
 * test_decimal.c
 *		Decimals from digits and from text are the same, in every form.
 */
#include "common/value/json.h"
#include "shown.h"

/* A numeric as the server would store it: groups aligned with the point. */
static Decimal
stored(const char *text, uint16_t *groups)
{
	bool negative = *text == '-';
	const char *digits = text + negative;
	const char *point = strchr(digits, '.');
	int whole = (int) (point ? (size_t) (point - digits) : strlen(digits));
	int scale = point ? (int) strlen(point + 1) : 0;
	int first = (whole + 3) / 4;
	int ngroups = first + (scale + 3) / 4;
	int leading = 0;

	for (int i = 0; i < 4 * ngroups; i++)
	{
		int at = i - 4 * first;
		char digit = '0';

		if (at < 0 && at >= -whole)
			digit = digits[whole + at];
		else if (at >= 0 && at < scale)
			digit = point[1 + at];
		groups[i / 4] =
			(uint16_t) (groups[i / 4] * (i % 4 ? 10 : 0) + (digit - '0'));
	}
	while (leading < ngroups && groups[leading] == 0)
		leading++;
	while (ngroups > leading && groups[ngroups - 1] == 0)
		ngroups--;
	return decimal_from_groups(negative, first - 1 - leading, scale,
							   (const char *) (groups + leading),
							   ngroups - leading);
}

/* By way of json, too, where a number has a fraction. */
static void
check_decimal(const char *text)
{
	uint16_t groups[64];
	Decimal number = stored(text, groups);
	char number_text[300];
	char by_digits[TEXT_MAX];

	*decimal_write_text(number_text, &number) = '\0';
	CHECK_THAT(strcmp(number_text, text) == 0, "%s, not %s", number_text, text);
	CHECK_THAT(decimal_double(&out, &number) == strtod(text, NULL), "%s", text);
	forms.json_numbers = JSON_NUMBERS_DECIMAL;
	etf_put_json_decimal(&out, &number);
	strcpy(by_digits, written());
	CHECK(etf_put_json_number(&out, text, strlen(text)));
	CHECK_THAT(strcmp(written(), by_digits) == 0, "%s", text);
}

static void
random_decimal(char *text)
{
	int whole = 1 + (int) chance_below(chance_below(2) ? 30 : 6);
	int scale = (int) chance_below(chance_below(2) ? 30 : 4);

	if (chance_below(2))
		*text++ = '-';
	*text++ = (char) ((whole > 1 ? '1' : '0') + chance_below(9));
	for (int i = 1; i < whole; i++)
		*text++ = (char) ('0' + (chance_below(2) ? chance_below(10) : 0));
	if (scale > 0)
		*text++ = '.';
	for (int i = 0; i < scale; i++)
		*text++ = (char) ('0' + (chance_below(2) ? chance_below(10) : 0));
	*text = '\0';
}

static void
test_decimals(void)
{
	char text[100];

	begin(DIALECT_ELIXIR);
	for (int i = 0; i < 20000; i++)
	{
		random_decimal(text);
		if (strcmp(text, "-0") != 0) /* an integer has no such */
			check_decimal(text);
	}
}

static void
put_stored(const char *text)
{
	uint16_t groups[64];
	Decimal number = stored(text, groups);

	etf_put_decimal(&out, &number);
}

static void
test_decimal_forms(void)
{
	const Decimal infinity = {.special = true, .negative = true};
	const Decimal nan = {.special = true, .nan = true};

	begin(DIALECT_ELIXIR);
	put_stored("12345678901234567890123.50");
	EXPECT("Decimal.new(\"12345678901234567890123.50\")");
	etf_put_decimal(&out, &infinity);
	EXPECT("Decimal.new(\"-Infinity\")");
	etf_put_decimal(&out, &nan);
	EXPECT("Decimal.new(\"NaN\")");
	CHECK(etf_put_json_number(&out, "1e99999999999", 13));
	EXPECT("%Decimal{sign: 1, exp: 99999999999, coef: 1}");
	begin(DIALECT_ERLANG);
	put_stored("-0.0010");
	EXPECT("<<\"-0.0010\">>");
	begin(DIALECT_COMPACT);
	put_stored("-120.5");
	EXPECT("{-1205,-1}");
	forms.numeric = NUMERIC_FLOAT;
	put_stored("-120.5");
	EXPECT("-120.5");
}

/* Groups may be stored of which the scale shows nothing, or a part. */
static void
test_cut_groups(void)
{
	static const uint16_t groups[] = {1, 2599, 7500};
	Decimal number = decimal_from_groups(false, 0, 2, (const char *) groups, 3);

	begin(DIALECT_COMPACT);
	etf_put_decimal(&out, &number);
	EXPECT("{125,-2}");
	etf_put_decimal_as(&out, &number, NUMERIC_TEXT);
	EXPECT("<<\"1.25\">>");
}

int
main(void)
{
	test_decimals();
	test_decimal_forms();
	test_cut_groups();
	return check_done();
}
