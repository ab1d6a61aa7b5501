/*
 * test_utf8.c
 *		Exactly the characters of Unicode pass, each in its one form.
 */
#include "check.h"
#include "common/term/utf8.h"

static void
every_character_reads_back(void)
{
	long wrong = 0;

	for (uint32_t code = 0; code <= 0x10FFFF; code++)
	{
		uint32_t read = 0;
		char bytes[UTF8_MAX];
		size_t len;

		if (code >= 0xD800 && code <= 0xDFFF)
			continue;
		len = utf8_encode(code, bytes);
		if (utf8_decode((const uint8_t *) bytes, len, &read) != len ||
			read != code)
			wrong++;
		for (size_t cut = 0; cut < len; cut++)
		{
			if (utf8_decode((const uint8_t *) bytes, cut, &read) != 0)
				wrong++;
		}
	}
	CHECK_THAT(wrong == 0, "%ld characters", wrong);
}

/* All sequences of 4 bytes would take long; their borders are here. */
static void
other_forms_are_refused(void)
{
	static const char *const wrong[] = {
		"80",		"BF",		"C080",		"C1BF",		"C220",		"C2C2",
		"E08080",	"E09FBF",	"EDA080",	"EDBFBF",	"E28220",	"F0808080",
		"F08FBFBF", "F4908080", "F5808080", "F8888080", "F09F9820", "FF"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		uint32_t code;
		size_t len;
		uint8_t *bytes = from_hex(wrong[i], &len);

		CHECK_THAT(utf8_decode(bytes, len, &code) == 0, "%s", wrong[i]);
		CHECK(!utf8_check(bytes, len, NULL));
		free(bytes);
	}
}

static void
characters_are_counted(void)
{
	size_t characters;

	CHECK(
		utf8_check((const uint8_t *) "a\xC3\xA9\xE2\x82\xAC", 6, &characters) &&
		characters == 3);
	CHECK(utf8_check(NULL, 0, &characters) && characters == 0);
}

int
main(void)
{
	every_character_reads_back();
	other_forms_are_refused();
	characters_are_counted();
	return check_done();
}
