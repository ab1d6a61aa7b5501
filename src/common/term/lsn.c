/*
 * lsn.c
 *		Text of a log sequence number to its 64 bits, and back.
 *
 * Stricter than sscanf("%X/%X"), which lets blanks, signs, a 0x prefix and
 * overlong numbers pass: a position that was misread silently is data that
 * was skipped silently.
 */
#include "common/term/lsn.h"

/* The value of a hexadecimal digit, or -1. */
static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
half_from_text(const char *text, size_t len, uint64_t *half)
{
	if (len < 1 || len > 8)
		return false;
	*half = 0;
	for (size_t i = 0; i < len; i++)
	{
		int digit = digit_value(text[i]);

		if (digit < 0)
			return false;
		*half = *half << 4 | (uint64_t) digit;
	}
	return true;
}

bool
lsn_from_text(const char *text, size_t len, uint64_t *lsn)
{
	size_t slash = 0;
	uint64_t high;
	uint64_t low;

	while (slash < len && text[slash] != '/')
		slash++;
	if (slash == len || !half_from_text(text, slash, &high) ||
		!half_from_text(text + slash + 1, len - slash - 1, &low))
		return false;
	*lsn = high << 32 | low;
	return true;
}

static char *
half_to_text(uint32_t half, char *text)
{
	int shift = 28;

	while (shift > 0 && half >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*text++ = "0123456789ABCDEF"[half >> shift & 15];
	return text;
}

size_t
lsn_to_text(uint64_t lsn, char text[LSN_TEXT_SIZE])
{
	char *end = half_to_text((uint32_t) (lsn >> 32), text);

	*end++ = '/';
	end = half_to_text((uint32_t) lsn, end);
	*end = '\0';
	return (size_t) (end - text);
}
