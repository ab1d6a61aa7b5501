/*
 * utf8.c
 *		Read, write and check UTF-8.
 *
 * Used by term/read.c, which lets no other atom pass, and by the styles
 * that print.
 */
#include "common/term/utf8.h"

/* How many bytes a character that starts like this takes; 0 if none does. */
static size_t
length_of(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first < 0xE0)
		return 2;
	if (first >= 0xE0 && first < 0xF0)
		return 3;
	if (first >= 0xF0 && first < 0xF5)
		return 4;
	return 0;
}

size_t
utf8_decode(const uint8_t *bytes, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t size = len > 0 ? length_of(bytes[0]) : 0;

	if (size == 0 || size > len)
		return 0;
	*code = size == 1 ? bytes[0] : bytes[0] & (0x7Fu >> size);
	for (size_t i = 1; i < size; i++)
	{
		if ((bytes[i] & 0xC0) != 0x80)
			return 0;
		*code = *code << 6 | (bytes[i] & 0x3F);
	}
	if (*code < least[size] || *code > 0x10FFFF ||
		(*code >= 0xD800 && *code <= 0xDFFF))
		return 0;
	return size;
}

size_t
utf8_encode(uint32_t code, char bytes[UTF8_MAX])
{
	size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	if (size == 1)
	{
		bytes[0] = (char) code;
		return 1;
	}
	for (size_t i = size - 1; i > 0; i--)
	{
		bytes[i] = (char) (0x80 | (code & 0x3F));
		code >>= 6;
	}
	bytes[0] = (char) ((0xF0u << (4 - size) & 0xFF) | code);
	return size;
}

bool
utf8_check(const uint8_t *bytes, size_t len, size_t *characters)
{
	size_t count = 0;
	uint32_t code;

	for (size_t pos = 0; pos < len; count++)
	{
		size_t size =
			bytes[pos] < 0x80 ? 1 : utf8_decode(bytes + pos, len - pos, &code);

		if (size == 0)
			return false;
		pos += size;
	}
	if (characters != NULL)
		*characters = count;
	return true;
}
