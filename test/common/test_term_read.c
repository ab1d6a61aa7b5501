/*
 * test_term_read.c
 *		The term reader survives what libei would not, and says what is wrong.
 *
 * test_term_libei.c compares it with libei over terms that are sound.
 */
#include "check.h"
#include "common/frame/read.h"
#include "common/show/text.h"
#include "common/term/read.h"
#include "random_term.h"

#define DEPTH 6
#define LEVELS 64

static void
no_sink(void *arg, const char *bytes, size_t len)
{
	(void) bytes;
	*(size_t *) arg += len;
}

static bool
skips(const void *bytes, size_t len, TermReader *reader)
{
	term_read_init(reader, bytes, len);
	return term_read_version(reader) && term_skip(reader);
}

/* All that may be done with bytes of unknown origin. */
static void
read_in_all_ways(const uint8_t *bytes, size_t len)
{
	static const TextStyle styles[] = {TEXT_ERLANG, TEXT_ELIXIR, TEXT_JSON};
	TextLevel levels[LEVELS];
	TermReader reader;
	FrameHead head;
	TermText text;
	size_t size = 0;
	bool good = skips(bytes, len, &reader);

	CHECK(good == (reader.error == NULL));
	CHECK(good || reader.error_offset <= len);
	frame_read_head(bytes, len, &head);
	for (int i = 0; i < 3; i++)
	{
		term_text_init(&text, styles[i], levels, LEVELS, no_sink, &size);
		term_read_init(&reader, bytes, len);
		CHECK_THAT((term_read_version(&reader) &&
					term_text_print(&text, &reader)) == good,
				   "style %d: %s", i, reader.error);
	}
}

static void
a_cut_at_any_byte_is_an_error(const ei_x_buff *x)
{
	TermReader reader;

	for (int len = 0; len < x->index; len++)
	{
		uint8_t *cut = exact_copy(x->buff, (size_t) len);

		CHECK_THAT(!skips(cut, (size_t) len, &reader), "length %d", len);
		read_in_all_ways(cut, (size_t) len);
		free(cut);
	}
}

static void
a_changed_byte_does_no_harm(const ei_x_buff *x)
{
	uint8_t *bytes = exact_copy(x->buff, (size_t) x->index);

	for (int i = 0; i < x->index; i++)
	{
		uint8_t was = bytes[i];

		bytes[i] ^= (uint8_t) (1u << chance_below(8));
		read_in_all_ways(bytes, (size_t) x->index);
		bytes[i] = (uint8_t) chance();
		read_in_all_ways(bytes, (size_t) x->index);
		bytes[i] = 0xFF;
		read_in_all_ways(bytes, (size_t) x->index);
		bytes[i] = was;
	}
	free(bytes);
}

static void
random_terms(void)
{
	for (int i = 0; i < 700; i++)
	{
		ei_x_buff x;

		ei_x_new_with_version(&x);
		random_term(&x, 1 + i % DEPTH);
		if (x.index < 400)
		{
			a_cut_at_any_byte_is_an_error(&x);
			a_changed_byte_does_no_harm(&x);
		}
		ei_x_free(&x);
	}
}

static void
random_bytes_do_no_harm(void)
{
	for (int i = 0; i < 20000; i++)
	{
		uint8_t bytes[40];
		size_t len = chance_below(sizeof(bytes));
		uint8_t *copy;

		/* Mostly tags, or hardly anything gets past the first byte. */
		for (size_t j = 0; j < len; j++)
			bytes[j] = (uint8_t) (chance_below(2) ? 97 + chance_below(24)
												  : chance_below(5));
		if (len > 0)
			bytes[0] = TERM_VERSION;
		copy = exact_copy(bytes, len);
		read_in_all_ways(copy, len);
		free(copy);
	}
}

/* A count that the data cannot hold ends reading at the token that has it. */
static void
counts_are_believed_only_as_far_as_data_go(void)
{
	static const char *const cases[] = {"69FFFFFFFF6A",	  "6CFFFFFFFF6A",
										"74FFFFFFFF6A6A", "74000000026A6A6A",
										"6DFFFFFFFF6A",	  "6FFFFFFFFF006A"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t len;
		uint8_t *bytes = from_hex(cases[i], &len);
		TermReader reader;
		Term term;

		term_read_init(&reader, bytes, len);
		CHECK_THAT(!term_next(&reader, &term), "%s", cases[i]);
		CHECK(reader.error_offset == 0);
		free(bytes);
	}
}

/* Each of these three counts is possible, but not all together. */
static void
counts_are_added_up(void)
{
	size_t len;
	uint8_t *bytes = from_hex("836803680368036A6A6A6A6A", &len);
	TermReader reader;

	CHECK(!skips(bytes, len, &reader));
	CHECK_THAT(reader.error_offset == 5, "%zu", reader.error_offset);
	free(bytes);
}

static void
depth_costs_no_stack(void)
{
	const size_t levels = 5000000;
	uint8_t *bytes = malloc(2 * levels + 2);
	TermReader reader;

	if (bytes == NULL)
		abort();
	bytes[0] = TERM_VERSION;
	for (size_t i = 0; i < levels; i++)
		memcpy(bytes + 1 + 2 * i, "h\1", 2);
	bytes[2 * levels + 1] = 'j';
	CHECK(skips(bytes, 2 * levels + 2, &reader) && term_at_end(&reader));
	free(bytes);
}

static void
an_error_stays(void)
{
	static const uint8_t bytes[] = {TERM_VERSION, 'h', 2, 'a', 1, 200, 'a', 2};
	TermReader reader;
	int64_t value;
	Term term;

	term_read_init(&reader, bytes, sizeof(bytes));
	CHECK(term_read_version(&reader) && term_next_tuple(&reader, 2, "tuple"));
	CHECK(term_next_int64(&reader, &value, "number") && value == 1);
	CHECK(!term_next(&reader, &term) && reader.error_offset == 5);
	CHECK(strcmp(reader.error, "unknown tag") == 0);
	CHECK(!term_next_int64(&reader, &value, "number") && value == 1);
	CHECK(!term_skip(&reader) && reader.error_offset == 5);
	CHECK(strcmp(reader.error, "unknown tag") == 0);
}

static void
expectations_name_what_is_wrong(void)
{
	static const uint8_t bytes[] = {TERM_VERSION, 'h', 2, 'j', 'j'};
	TermReader reader;
	uint64_t value;

	term_read_init(&reader, bytes, sizeof(bytes));
	CHECK(term_read_version(&reader));
	CHECK(!term_next_tuple(&reader, 3, "not a triple"));
	CHECK(strcmp(reader.error, "not a triple") == 0 &&
		  reader.error_offset == 1);

	term_read_init(&reader, bytes + 3, 2);
	CHECK(!term_next_uint64(&reader, &value, "not a position"));
	CHECK(strcmp(reader.error, "not a position") == 0);
}

static void
positions_have_64_bits(void)
{
	static const struct
	{
		const char *hex;
		bool good;
		uint64_t value;
	} cases[] = {{"6100", true, 0},
				 {"6E0800FFFFFFFFFFFFFFFF", true, UINT64_MAX},
				 {"6E0900000000000000000001", false, 0},
				 {"6E080100000000000000FF", false, 0},
				 {"62FFFFFFFF", false, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t len;
		uint8_t *bytes = from_hex(cases[i].hex, &len);
		TermReader reader;
		uint64_t value = 0;

		term_read_init(&reader, bytes, len);
		CHECK_THAT(term_next_uint64(&reader, &value, "") == cases[i].good, "%s",
				   cases[i].hex);
		CHECK(value == cases[i].value);
		free(bytes);
	}
}

static void
atoms_have_255_characters_at_most(void)
{
	uint8_t bytes[3 + 2 * 256] = {118};
	TermReader reader;
	Term term;

	for (size_t count = 254; count <= 256; count++)
	{
		bytes[1] = (uint8_t) (2 * count >> 8);
		bytes[2] = (uint8_t) (2 * count);
		for (size_t i = 0; i < count; i++)
			memcpy(bytes + 3 + 2 * i, "\xC3\xA9", 2);
		term_read_init(&reader, bytes, 3 + 2 * count);
		CHECK(term_next(&reader, &term) == (count <= 255));
	}
}

int
main(void)
{
	ei_init();
	random_terms();
	random_bytes_do_no_harm();
	counts_are_believed_only_as_far_as_data_go();
	counts_are_added_up();
	depth_costs_no_stack();
	an_error_stays();
	expectations_name_what_is_wrong();
	positions_have_64_bits();
	atoms_have_255_characters_at_most();
	return check_done();
}
