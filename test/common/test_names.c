/*
 * test_names.c
 *		Lists of names are read as SQL reads them.
 *
 * That this is how the server reads them is for test/plugin/t/publication.pl.
 */
#include "check.h"
#include "common/option/names.h"

/* The names of a list with "|" behind each; NULL: it is malformed. */
static const char *
names_of(const char *list, char *names)
{
	char *text = exact_copy(list, strlen(list) + 1);
	char *name = malloc(strlen(list) + 1);
	const char *rest = text;
	bool sound = true;

	*names = '\0';
	while (rest != NULL && (sound = sql_names_next(&rest, name)))
		strcat(strcat(names, name), "|");
	CHECK(sound == sql_names_sound(text));
	free(name);
	free(text);
	return sound ? names : NULL;
}

static void
reads_names(void)
{
	static const char *const lists[][2] = {{"a", "a|"},
										   {" a , B,c ", "a|b|c|"},
										   {"\"A\",\"a,b\"", "A|a,b|"},
										   {"\"a\"\"b\" ", "a\"b|"},
										   {"\"\"", "|"},
										   {"a\"b", "a\"b|"},
										   {"\tx\n,\fy\v", "x|y|"},
										   {"\xC3\x84, a.b", "\xC3\x84|a.b|"}};
	char names[100];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
	{
		const char *got = names_of(lists[i][0], names);

		CHECK_THAT(got != NULL && strcmp(got, lists[i][1]) == 0, "<%s>: <%s>",
				   lists[i][0], got ? got : "malformed");
	}
}

static void
refuses_what_is_no_list(void)
{
	static const char *const wrong[] = {"",	   " ",		 ",",	"a,",
										",a",  "a,,b",	 "a b", "\"a\"b",
										"\"a", "\"\"\"", "\""};
	char names[100];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_THAT(names_of(wrong[i], names) == NULL, "<%s>", wrong[i]);
}

int
main(void)
{
	reads_names();
	refuses_what_is_no_list();
	return check_done();
}
