/*
 * digits.c
 *		A magnitude in base 256 to decimal digits, without allocation.
 *
 * Used by show/text.c and show/struct.c.  Limbs of base 1000000000 are
 * multiplied up 32 bits at a time, which leaves the highest digits where they
 * are printed first.  Quadratic, but with one division by a constant for 4
 * times 9 digits: a quarter of a second for the largest.
 */
#include "common/term/digits.h"

#define BASE 1000000000u
#define LIMB_DIGITS 9

static const uint32_t powers[LIMB_DIGITS + 1] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, BASE};

/* digits = digits * 2^32 + word */
static void
shift_in(Digits *digits, uint32_t word)
{
	uint64_t carry = word;

	for (size_t i = 0; i < digits->nlimbs; i++)
	{
		uint64_t value = (uint64_t) digits->limbs[i] << 32 | carry;

		carry = value / BASE;
		digits->limbs[i] = (uint32_t) (value % BASE);
	}
	for (; carry > 0; carry /= BASE)
		digits->limbs[digits->nlimbs++] = (uint32_t) (carry % BASE);
}

static uint32_t
word_at(const uint8_t *bytes, size_t len, size_t pos)
{
	uint32_t word = 0;

	for (size_t i = 0; i < 4 && pos + i < len; i++)
		word |= (uint32_t) bytes[pos + i] << (8 * i);
	return word;
}

static size_t
limb_length(uint32_t limb)
{
	size_t length = 1;

	while (length < LIMB_DIGITS && limb >= powers[length])
		length++;
	return length;
}

bool
digits_init(Digits *digits, const uint8_t *bytes, size_t len)
{
	digits->nlimbs = 0;
	if (len > DIGITS_MAX_BYTES)
		return false;
	for (size_t pos = (len + 3) / 4 * 4; pos > 0; pos -= 4)
		shift_in(digits, word_at(bytes, len, pos - 4));
	if (digits->nlimbs == 0)
		digits->limbs[digits->nlimbs++] = 0;
	digits->ndigits = (digits->nlimbs - 1) * LIMB_DIGITS +
					  limb_length(digits->limbs[digits->nlimbs - 1]);
	return true;
}

size_t
digits_copy(const Digits *digits, size_t start, char *text, size_t size)
{
	size_t count = 0;

	for (; count < size && start + count < digits->ndigits; count++)
	{
		/* Counted from the lowest digit, as limbs are. */
		size_t place = digits->ndigits - 1 - start - count;
		uint32_t limb = digits->limbs[place / LIMB_DIGITS];

		text[count] = (char) ('0' + limb / powers[place % LIMB_DIGITS] % 10);
	}
	return count;
}
