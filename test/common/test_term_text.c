/*
 * test_term_text.c
 *		Terms as text, case by case: forms that no BEAM of today writes, JSON,
 *		and errors.  test/common/oracle.* compare the rest with Erlang and Elixir.
 */
#include "check.h"
#include "common/show/text.h"

#define LEVELS 4

/* The checksum in a fun. */
#define NEW_FUN_UNIQUE "00112233445566778899AABBCCDDEEFF"

typedef struct Output
{
	char bytes[1024];
	size_t len;
} Output;

static void
collect(void *arg, const char *bytes, size_t len)
{
	Output *output = arg;

	if (len < sizeof(output->bytes) - output->len)
	{
		memcpy(output->bytes + output->len, bytes, len);
		output->len += len;
	}
}

/* The text, or "error@offset". */
static const char *
show(const char *hex, TextStyle style, bool ascii)
{
	static Output output;
	TextLevel levels[LEVELS];
	TermReader reader;
	TermText text;
	size_t len;
	uint8_t *bytes = from_hex(hex, &len);
	uint8_t *exact = exact_copy(bytes, len);

	memset(&output, 0, sizeof(output));
	term_read_init(&reader, exact, len);
	term_text_init(&text, style, levels, LEVELS, collect, &output);
	text.ascii = ascii;
	if (!term_text_print(&text, &reader))
		snprintf(output.bytes, sizeof(output.bytes), "%s@%zu", reader.error,
				 reader.error_offset);
	else
		CHECK(term_at_end(&reader));
	free(exact);
	free(bytes);
	return output.bytes;
}

typedef struct Case
{
	const char *hex;
	const char *erlang;
	const char *elixir;
	const char *json;
} Case;

static const Case cases[] = {
	/* Integers of every form, also longer than need be. */
	{"61FF", "255", "255", "255"},
	{"62FFFFFFFF", "-1", "-1", "-1"},
	{"6E0101FF", "-255", "-255", "-255"},
	{"6E040005000000", "5", "5", "5"},
	{"6E0001", "0", "0", "0"},
	{"6E0801000000000000"
	 "0080",
	 "-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
	{"6E0800000000000000"
	 "0080",
	 "9223372036854775808", "9223372036854775808", "9223372036854775808"},
	{"6F0000000901000000000000000001", "-18446744073709551616",
	 "-18446744073709551616", "-18446744073709551616"},

	/* The text form of floats, and where exponents begin. */
	{"63312E35303030303030303030303030303030303030"
	 "30652B30300000000000",
	 "1.5", "1.5", "1.5"},
	{"4640F86A0000000000", "1.0e5", "100000.0", "1.0e5"},
	{"468000000000000000", "-0.0", "-0.0", "-0.0"},
	{"460000000000000001", "5.0e-324", "5.0e-324", "5.0e-324"},
	{"463D30000000000000", "5.684341886080802e-14", "5.684341886080802e-14",
	 "5.684341886080802e-14"},

	/* Atoms of all four forms. */
	{"640003666F6F", "foo", ":foo", "\"foo\""},
	{"7303666F6F", "foo", ":foo", "\"foo\""},
	{"760003666F6F", "foo", ":foo", "\"foo\""},
	{"7301E9", "\xC3\xA9", ":\"\xC3\xA9\"", "\"\xC3\xA9\""},
	{"7703E282AC", "'\xE2\x82\xAC'", ":\"\xE2\x82\xAC\"", "\"\xE2\x82\xAC\""},
	{"7703"
	 "6E696C",
	 "nil", "nil", "null"},
	{"7704"
	 "74727565",
	 "true", "true", "true"},
	{"770A456C697869722E466F6F", "'Elixir.Foo'", "Foo", "\"Elixir.Foo\""},
	{"7700", "''", ":\"\"", "\"\""},
	{"77056D61796265", "'maybe'", ":maybe", "\"maybe\""},

	/* Binaries and bitstrings. */
	{"6D00000000", "<<>>", "\"\"", "\"\""},
	{"6D000000022263", "<<\"\\\"c\">>", "\"\\\"c\"", "\"\\\"c\""},
	{"6D00000002C3A9", "<<\"\xC3\xA9\"/utf8>>", "\"\xC3\xA9\"", "\"\xC3\xA9\""},
	{"6D00000002FF00", "<<255,0>>", "<<255, 0>>", "{\"base64\":\"/wA=\"}"},
	{"6D00000003FFFFFF", "<<255,255,255>>", "<<255, 255, 255>>",
	 "{\"base64\":\"////\"}"},
	{"6D0000000101", "<<1>>", "<<1>>", "\"\\u0001\""},
	{"6D00000002237B", "<<\"#{\">>", "\"\\#{\"", "\"#{\""},
	{"4D000000020301A0", "<<1,5:3>>", "<<1, 5::size(3)>>", "\"00000001101\""},
	{"4D000000010841", "<<\"A\">>", "\"A\"", "\"A\""},
	{"4D0000000000", "<<>>", "\"\"", "\"\""},

	/* Lists in all their forms. */
	{"6A", "[]", "[]", "[]"},
	{"6B0000", "[]", "[]", "[]"},
	{"6B00026162", "[97,98]", "[97, 98]", "[97,98]"},
	{"6C0000000161016102", "[1|2]", "[1 | 2]", "[1,2]"},
	{"6C0000000161016C0000000161026A", "[1,2]", "[1, 2]", "[1,2]"},
	{"6C0000000161016B00020203", "[1,2,3]", "[1, 2, 3]", "[1,2,3]"},
	{"6C000000006C000000006A", "[]", "[]", "[]"},
	{"6C00000000610A", "10", "10", "10"},
	{"6C0000000168027701616101"
	 "6A",
	 "[{a,1}]", "[a: 1]", "[[\"a\",1]]"},

	/* Tuples and maps. */
	{"6800", "{}", "{}", "[]"},
	{"69000000016101", "{1}", "{1}", "[1]"},
	{"7400000000", "#{}", "%{}", "{}"},
	{"74000000017701616101", "#{a => 1}", "%{a: 1}", "{\"a\":1}"},
	{"740000000161016D000000016B", "#{1 => <<\"k\">>}", "%{1 => \"k\"}",
	 "{\"1\":\"k\"}"},
	{"740000000277016161016800"
	 "6102",
	 "#{a => 1,{} => 2}", "%{:a => 1, {} => 2}", "[[\"a\",1],[[],2]]"},

	/* Identifiers and funs, new and old. */
	{"67770161000000010000000203", "#Pid<a.1.2>", "#PID<a.1.2>",
	 "\"#Pid<a.1.2>\""},
	{"5877016100000001000000020000"
	 "0003",
	 "#Pid<a.1.2>", "#PID<a.1.2>", "\"#Pid<a.1.2>\""},
	{"667701610000000103", "#Port<a.1>", "#Port<a.1>", "\"#Port<a.1>\""},
	{"597701610000000100000003", "#Port<a.1>", "#Port<a.1>", "\"#Port<a.1>\""},
	{"78770161000000010000000000000003", "#Port<a.4294967296>",
	 "#Port<a.4294967296>", "\"#Port<a.4294967296>\""},
	{"657701610000000103", "#Ref<a.1>", "#Reference<a.1>", "\"#Ref<a.1>\""},
	{"720002770161030000000100000002", "#Ref<a.2.1>", "#Reference<a.2.1>",
	 "\"#Ref<a.2.1>\""},
	{"5A0001770161000000030000"
	 "0001",
	 "#Ref<a.1>", "#Reference<a.1>", "\"#Ref<a.1>\""},
	{"71770161770162"
	 "6103",
	 "fun a:b/3", "&:a.b/3", "\"fun a:b/3\""},
	{"67770122000000010000000203", "#Pid<\".1.2>", "#PID<\\\".1.2>",
	 "\"#Pid<\\\".1.2>\""},
	{"6802700000003101" NEW_FUN_UNIQUE
	 "00000000000000007701616101610167770161000000010000000203"
	 "6101",
	 "{#Fun<>,1}", "{#Function<>, 1}", "[\"#Fun<>\",1]"},
	{"6802750000000167770161000000010000000203770161610161026A6101",
	 "{#Fun<>,1}", "{#Function<>, 1}", "[\"#Fun<>\",1]"},

	/* What is wrong, and where. */
	{"", "the data ends inside a term@0", NULL, NULL},
	{"FF", "unknown tag@0", NULL, NULL},
	{"6802"
	 "61015000",
	 "compressed terms are not supported@4", NULL, NULL},
	{"467FF0000000000000", "float is not finite@0", NULL, NULL},
	{"467FF8000000000000", "float is not finite@0", NULL, NULL},
	{"7702C328", "atom is not valid UTF-8@0", NULL, NULL},
	{"4D0000000109FF", "bitstring with a wrong number of bits@0", NULL, NULL},
	{"7000000003", "fun with a wrong size@0", NULL, NULL},
	{"700000002401" NEW_FUN_UNIQUE "00000000000000007701616A",
	 "an integer was expected inside this fun@0", NULL, NULL},
	{"700000002901" NEW_FUN_UNIQUE "000000000000000077016161016101"
	 "6A",
	 "a pid was expected inside this fun@0", NULL, NULL},
	{"700000003101" NEW_FUN_UNIQUE
	 "00000000000000027701616101610167770161000000010000000203"
	 "6A",
	 "more elements announced than data left@0", NULL, NULL},
	{"680168016801680168016A", "term is nested too deeply to be shown@8", NULL,
	 NULL},
};

static void
check_text(const Case *c, TextStyle style, const char *expected)
{
	const char *text;

	if (expected == NULL)
		return;
	text = show(c->hex, style, false);
	CHECK_THAT(strcmp(text, expected) == 0, "%s: %s, not %s", c->hex, text,
			   expected);
}

static void
terms_are_shown_in_three_styles(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		check_text(&cases[i], TEXT_ERLANG, cases[i].erlang);
		check_text(&cases[i], TEXT_ELIXIR, cases[i].elixir);
		check_text(&cases[i], TEXT_JSON, cases[i].json);
	}
}

static void
ascii_is_enough_for_erlang(void)
{
	CHECK(strcmp(show("7702C3A9", TEXT_ERLANG, true), "'\\x{E9}'") == 0);
	CHECK(strcmp(show("677702C3A9000000010000000203", TEXT_ERLANG, true),
				 "#Pid<\\x{E9}.1.2>") == 0);
	CHECK(strcmp(show("6D00000005C3A9E282AC", TEXT_ERLANG, true),
				 "<<\"\\x{E9}\\x{20AC}\"/utf8>>") == 0);
}

int
main(void)
{
	terms_are_shown_in_three_styles();
	ascii_is_enough_for_erlang();
	return check_done();
}
