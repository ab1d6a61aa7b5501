/*
 * test_slot.c
 *		What a server can do, what it has lost of a timeline, what it says.
 */
#include <string.h>

#include "client/base/printable.h"
#include "client/engine/feedback.h"
#include "client/link/slot.h"
#include "client/link/timeline.h"

#include "check.h"

static void
test_history(void)
{
	static const char history[] =
		"# a comment\n\n1\t0/3000000\tno recovery target specified\n"
		"2 16/B374D848 before 2001-01-01\n\n12\t17/1\tlast line";
	uint64_t end = 0;

	CHECK(timeline_end(history, 1, &end) && end == 0x3000000);
	CHECK(timeline_end(history, 2, &end) && end == UINT64_C(0x16B374D848));
	CHECK(timeline_end(history, 12, &end) && end == UINT64_C(0x1700000001));
	CHECK(!timeline_end(history, 3, &end));
	CHECK(!timeline_end(history, 0, &end));
	CHECK(!timeline_end("", 1, &end) && !timeline_end("1", 1, &end));
	CHECK(!timeline_end("1\t", 1, &end) && !timeline_end("1\tx/y\n", 1, &end));
	CHECK(!timeline_end("10/3000000\n", 1, &end));
}

static void
test_reached(void)
{
	Feedback feedback;

	feedback_init(&feedback, 100);
	CHECK(feedback_reached(&feedback) == 100);
	CHECK(feedback_delivered(&feedback, 110, 120, true));
	CHECK(feedback_reached(&feedback) == 120);
	CHECK(feedback_delivered(&feedback, 130, 140, false));
	CHECK(feedback_reached(&feedback) == 131);
	feedback_reconnected(&feedback);
	CHECK(feedback_reached(&feedback) == 131);
	CHECK(feedback_take_rewind(&feedback) == 130);
	CHECK(feedback_delivered(&feedback, 130, 140, true));
	CHECK(feedback_reached(&feedback) == 140);
	feedback_free(&feedback);
}

static bool
supported(bool two_phase, bool failover, int version)
{
	Settings settings = {.two_phase = two_phase, .failover = failover};
	Failure failure = {0};
	bool yes = slot_supported(&settings, version, &failure);

	CHECK(yes == (failure.class == FAIL_NONE));
	CHECK(yes || (failure.class == FAIL_CONFIG && failure.hint[0] != '\0'));
	return yes;
}

static void
test_properties(void)
{
	CHECK(supported(false, false, 130023));
	CHECK(!supported(true, false, 130023) && supported(true, false, 140000));
	CHECK(!supported(false, true, 160010) && supported(false, true, 170000));
	CHECK(!supported(true, true, 130000) && supported(true, true, 180006));
}

static bool
readable(bool streaming, bool two_phase, int version)
{
	Settings settings = {.streaming = streaming, .two_phase = two_phase};
	Failure failure = {0};
	bool yes = slot_readable(&settings, version, &failure);

	CHECK(yes || (failure.class == FAIL_CONFIG && failure.hint[0] != '\0'));
	return yes;
}

static bool
fits(bool wanted, bool has, int version)
{
	Settings settings = {.slot = "s", .two_phase = wanted};
	Failure failure = {0};
	bool yes = slot_fits_two_phase(&settings, has, version, &failure);

	CHECK(yes || (failure.class == FAIL_CONFIG && failure.hint[0] != '\0'));
	return yes;
}

static void
test_reading(void)
{
	CHECK(readable(false, false, 130023) && readable(true, true, 140000));
	CHECK(!readable(true, false, 130023) && !readable(false, true, 130023));
	CHECK(fits(false, false, 150000) && fits(true, true, 140000));
	CHECK(!fits(false, true, 150000));
	CHECK(!fits(true, false, 140000) && fits(true, false, 150000));
}

static bool
cleaned(const char *from, const char *expected)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", from);
	make_printable(text);
	return strcmp(text, expected) == 0;
}

static void
test_text_of_a_server(void)
{
	CHECK(cleaned("one\ttwo\nthree", "one\ttwo\nthree"));
	CHECK(cleaned("\033[2J\rx\177", "?[2J?x?"));
	CHECK(cleaned("\302\2332J \303\251", "?2J \303\251"));
	CHECK(cleaned("\377\303", "??") && cleaned("", ""));
}

int
main(void)
{
	test_text_of_a_server();
	test_history();
	test_reached();
	test_properties();
	test_reading();
	return check_done();
}
