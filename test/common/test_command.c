/*
 * test_command.c
 *		The command in a message, which anybody may have written.
 *
 * test/plugin/t/commands.pl has more that is none.
 */
#include "check.h"
#include "common/frame/command.h"

/* #{tag => <<"T">>, text => {oversized, 7}, objects => [{<<>>, {unconverted,
 * <<255>>}, 300}], user => <<>>} */
static const char sound[] =
	"\x83\x74\0\0\0\4"
	"\x77\3tag\x6d\0\0\0\1T"
	"\x77\4text\x68\2\x77\11oversized\x61\7"
	"\x77\7objects\x6c\0\0\0\1\x68\3\x6d\0\0\0\0\x68\2"
	"\x77\13unconverted\x6d\0\0\0\1\xff\x62\0\0\1\x2c\x6a"
	"\x77\4user\x6d\0\0\0\0";
#define SOUND_LEN (sizeof(sound) - 1)

static bool
is_sound(const char *bytes, size_t len)
{
	char *copy = exact_copy(bytes, len);
	bool answer = command_is_sound(copy, len);

	free(copy);
	return answer;
}

static void
takes_a_command(void)
{
	CHECK(is_sound(sound, SOUND_LEN));
}

static void
takes_nothing_shorter(void)
{
	for (size_t len = 0; len < SOUND_LEN; len++)
		CHECK_THAT(!is_sound(sound, len), "%zu bytes", len);
}

/* Only what is in a text, a number or an object's OID may be anything. */
static void
takes_no_other_shape(void)
{
	static const char *const shapes[] = {"\x83\x74", "\x77\3tag", "\x77\4text",
										 "\x77\7objects", "\x77\4user"};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
	{
		char bytes[SOUND_LEN];
		char *at = bytes;

		memcpy(bytes, sound, SOUND_LEN);
		while (memcmp(at, shapes[i], strlen(shapes[i])) != 0)
			at++;
		for (size_t place = 0; place < strlen(shapes[i]); place++)
		{
			at[place] ^= 1;
			CHECK_THAT(!is_sound(bytes, SOUND_LEN), "%zu, %zu", i, place);
			at[place] ^= 1;
		}
	}
}

int
main(void)
{
	takes_a_command();
	takes_nothing_shorter();
	takes_no_other_shape();
	return check_done();
}
