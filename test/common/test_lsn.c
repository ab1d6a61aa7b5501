/*
 * test_lsn.c
 *		LSN text is read strictly, and written as PostgreSQL writes it.
 */
#include "check.h"
#include "common/term/lsn.h"

static void
reads_what_it_writes(void)
{
	static const uint64_t values[] = {0,		  1,
									  0xFFFFFFFF, UINT64_C(0x100000000),
									  UINT64_MAX, UINT64_C(0x16B374D848)};
	static const char *const texts[] = {
		"0/0", "0/1", "0/FFFFFFFF", "1/0", "FFFFFFFF/FFFFFFFF", "16/B374D848"};
	char text[LSN_TEXT_SIZE];
	uint64_t lsn;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		size_t len = lsn_to_text(values[i], text);

		CHECK_THAT(strcmp(text, texts[i]) == 0, "%s", text);
		CHECK(len == strlen(text));
		CHECK(lsn_from_text(text, len, &lsn) && lsn == values[i]);
	}
	for (int i = 0; i < 1000; i++)
	{
		uint64_t value = chance() >> chance_below(64);
		size_t len = lsn_to_text(value, text);

		CHECK(lsn_from_text(text, len, &lsn) && lsn == value);
	}
}

static void
takes_lower_case_and_leading_zeros(void)
{
	uint64_t lsn;

	CHECK(lsn_from_text("00000016/0b374d84", 17, &lsn) &&
		  lsn == UINT64_C(0x160B374D84));
}

static void
refuses_all_else(void)
{
	static const char *const wrong[] = {
		"",		"/",	"0",		   "0/",	"/0",		   " 0/0",
		"0/0 ", "0 /0", "0/ 0",		   "+1/0",	"0/-1",		   "0x1/0",
		"G/0",	"0/0/", "123456789/0", "0/0x1", "0/123456789", "0/0\n"};
	uint64_t lsn;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		char *text = exact_copy(wrong[i], strlen(wrong[i]));

		CHECK_THAT(!lsn_from_text(text, strlen(wrong[i]), &lsn), "\"%s\"",
				   wrong[i]);
		free(text);
	}
	CHECK(!lsn_from_text("0/0\0", 4, &lsn));
}

int
main(void)
{
	reads_what_it_writes();
	takes_lower_case_and_leading_zeros();
	refuses_all_else();
	return check_done();
}
