/*
 * test_value.c
 *		Plain values become the terms that docs/types.md has.
 *
 * Decimals have a test of their own.
 */
#include "common/value/bits.h"
#include "common/value/geometric.h"
#include "common/value/json.h"
#include "common/value/net.h"
#include "common/value/number.h"
#include "common/value/range.h"
#include "common/value/time.h"
#include "common/value/tsvector.h"
#include "shown.h"

static void
test_dates(void)
{
	begin(DIALECT_ELIXIR);
	etf_put_date(&out, 0);
	EXPECT("~D[2000-01-01]");
	etf_put_date(&out, -1);
	EXPECT("~D[1999-12-31]");
	etf_put_date(&out, INT32_MIN);
	EXPECT(":\"-inf\"");
	forms.timestamps = TIMESTAMPS_ISO;
	etf_put_date(&out, -730485);
	EXPECT("\"0000-01-01\"");
	etf_put_date(&out, -2451545);
	EXPECT("\"-4713-11-24\"");
	begin(DIALECT_ERLANG);
	etf_put_date(&out, 59);
	EXPECT("{2000,2,29}");
	begin(DIALECT_COMPACT);
	etf_put_date(&out, 0);
	EXPECT("10957");
}

/* Each day of five centuries, and of some around the ends, follows the last. */
static void
test_calendar(void)
{
	static const int32_t starts[] = {-2451545, -800000, 2144500000};
	static const int lengths[] = {31, 28, 31, 30, 31, 30,
								  31, 31, 30, 31, 30, 31};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
	{
		CalendarDate date = calendar_date(starts[i]);
		int wrong = calendar_days(date) != starts[i];

		for (int32_t day = starts[i] + 1; day < starts[i] + 190000; day++)
		{
			CalendarDate next = calendar_date(day);
			bool leap = date.year % 4 == 0 &&
						(date.year % 100 != 0 || date.year % 400 == 0);

			if (++date.day >
				lengths[date.month - 1] + (leap && date.month == 2))
			{
				date.day = 1;
				date.year += date.month == 12;
				date.month = date.month % 12 + 1;
			}
			wrong += calendar_days(next) != day;
			wrong += next.year != date.year || next.month != date.month ||
					 next.day != date.day;
		}
		CHECK(wrong == 0);
	}
}

static void
test_times(void)
{
	const int64_t usecs = 12 * HOUR_USECS + 34 * MINUTE_USECS + 5600000;

	begin(DIALECT_ELIXIR);
	etf_put_time(&out, usecs, 3);
	EXPECT("~T[12:34:05.600]");
	etf_put_timetz(&out, usecs, -3600, 0);
	EXPECT("~T[11:34:05]");
	etf_put_timestamp(&out, -1, 6, true);
	EXPECT("~U[1999-12-31 23:59:59.999999Z]");
	etf_put_timestamp(&out, usecs, 6, false);
	EXPECT("~N[2000-01-01 12:34:05.600000]");
	etf_put_timestamp(&out, INT64_MAX, 6, false);
	EXPECT(":inf");
	begin(DIALECT_ERLANG);
	etf_put_timestamp(&out, usecs, 6, false);
	EXPECT("{{2000,1,1},{12,34,5.6}}");
	etf_put_timetz(&out, usecs, -3600, 6);
	EXPECT("{{12,34,5.6},-3600}");
	begin(DIALECT_COMPACT);
	etf_put_timestamp(&out, INT64_MAX - 1, 6, true);
	EXPECT("9224318721654775806");
	forms.timestamps = TIMESTAMPS_ISO;
	etf_put_timestamp(&out, usecs, 2, true);
	EXPECT("<<\"2000-01-01T12:34:05.60Z\">>");
}

static void
test_intervals(void)
{
	begin(DIALECT_ELIXIR);
	etf_put_interval(&out, 1, -2, 3600000001, 6);
	EXPECT("%Postgrex.Interval{months: 1, days: -2, microsecs: 1, secs: 3600}");
	begin(DIALECT_ERLANG);
	etf_put_interval(&out, 1, -2, 3601500000, 6);
	EXPECT("{{1,0,1.5},-2,1}");
	begin(DIALECT_COMPACT);
	etf_put_interval(&out, 1, -2, 3, 6);
	EXPECT("{1,-2,3}");
	CHECK(interval_precision(-1) == 6 && interval_precision(0x7FFF0002) == 2);
	CHECK(time_precision(-1) == 6 && time_precision(0) == 0);
}

static void
test_numbers(void)
{
	static const float floats[] = {1.5, 0.0};

	begin(DIALECT_ERLANG);
	etf_put_money(&out, INT64_MIN);
	EXPECT("<<\"-92233720368547758.08\">>");
	etf_put_tid(&out, 4294967295, 65535);
	EXPECT("{4294967295,65535}");
	etf_put_floats(&out, floats, 2);
	EXPECT("[1.5,0.0]");
}

static void
put_json(const char *text)
{
	char *exact = exact_copy(text, strlen(text));

	etf_put_json(&out, exact, strlen(text));
	free(exact);
}

static void
test_json(void)
{
	begin(DIALECT_ELIXIR);
	put_json(
		" {\"a\": [1, -2.5, true, null, []], \"b\": {}, \"a\": \"\\u00e4\"} ");
	EXPECT("%{\"b\" => %{}, \"a\" => \"\xc3\xa4\"}");
	put_json("\"\\ud83d\\ude00\\n\"");
	EXPECT("\"\xf0\x9f\x98\x80\\n\"");
	put_json("123456789012345678901234567890");
	EXPECT("123456789012345678901234567890");
	put_json("[\"\\ud800\"]");
	EXPECT("{:unparsed, \"[\\\"\\\\ud800\\\"]\"}");
	put_json("[1,]");
	EXPECT("{:unparsed, \"[1,]\"}");
}

static void
test_net(void)
{
	static const uint8_t bytes[INET6_BYTES] = {127, 0, 0, 1, 0, 5, 0xFF, 0xFF};

	begin(DIALECT_ELIXIR);
	etf_put_inet(&out, bytes, INET_BYTES, 32, false);
	EXPECT("%Postgrex.INET{address: {127, 0, 0, 1}, netmask: nil}");
	etf_put_inet(&out, bytes, INET_BYTES, 32, true);
	EXPECT("%Postgrex.INET{address: {127, 0, 0, 1}, netmask: 32}");
	etf_put_mac(&out, bytes, 6);
	EXPECT("%Postgrex.MACADDR{address: {127, 0, 0, 1, 0, 5}}");
	begin(DIALECT_ERLANG);
	etf_put_inet(&out, bytes, INET6_BYTES, 64, false);
	EXPECT("{{32512,1,5,65535,0,0,0,0},64}");
	begin(DIALECT_COMPACT);
	etf_put_mac(&out, bytes, 8);
	EXPECT("<<127,0,0,1,0,5,255,255>>");
}

static void
test_geometry(void)
{
	static const double floats[] = {1, 2, 3, 4};

	begin(DIALECT_ELIXIR);
	etf_put_line(&out, floats);
	EXPECT("%Postgrex.Line{a: 1.0, b: 2.0, c: 3.0}");
	etf_put_box(&out, floats);
	EXPECT("%Postgrex.Box{upper_right: %Postgrex.Point{x: 1.0, y: 2.0}, "
		   "bottom_left: %Postgrex.Point{x: 3.0, y: 4.0}}");
	etf_put_lseg(&out, floats);
	EXPECT("%Postgrex.LineSegment{point1: %Postgrex.Point{x: 1.0, y: 2.0}, "
		   "point2: %Postgrex.Point{x: 3.0, y: 4.0}}");
	etf_put_path(&out, false, floats, 1);
	EXPECT("%Postgrex.Path{open: true, points: "
		   "[%Postgrex.Point{x: 1.0, y: 2.0}]}");
	etf_put_polygon(&out, floats, 0);
	EXPECT("%Postgrex.Polygon{vertices: []}");
	begin(DIALECT_ERLANG);
	etf_put_circle(&out, floats);
	EXPECT("{{1.0,2.0},3.0}");
	etf_put_path(&out, true, floats, 2);
	EXPECT("{closed,[{1.0,2.0},{3.0,4.0}]}");
}

static void
test_bits(void)
{
	static const uint8_t bytes[UUID_BYTES] = {0xA0, 0xEE, 0xBC, 0x99, [15] = 1};

	begin(DIALECT_ELIXIR);
	etf_put_uuid(&out, bytes);
	EXPECT("\"a0eebc99-0000-0000-0000-000000000001\"");
	begin(DIALECT_COMPACT);
	etf_put_bits(&out, (const char *) bytes, 3);
	EXPECT("<<5:3>>");
	etf_put_bits(&out, (const char *) bytes, 8);
	EXPECT("<<160>>");
	etf_put_bits(&out, "", 0);
	EXPECT("<<>>");
}

static void
put_range(unsigned flags)
{
	if (etf_put_range_begin(&out, flags))
		etf_put_int(&out, 1);
	if (etf_put_range_upper(&out, flags))
		etf_put_int(&out, 9);
	etf_put_range_end(&out, flags);
}

static void
test_ranges(void)
{
	begin(DIALECT_ELIXIR);
	put_range(RANGE_LOWER_INCLUSIVE);
	EXPECT("%Postgrex.Range{lower_inclusive: true, upper_inclusive: false, "
		   "lower: 1, upper: 9}");
	put_range(RANGE_IS_EMPTY);
	EXPECT("%Postgrex.Range{lower_inclusive: false, upper_inclusive: false, "
		   "lower: :empty, upper: :empty}");
	etf_put_multirange(&out, 1);
	put_range(RANGE_UPPER_UNBOUND);
	etf_put_list_end(&out);
	EXPECT("%Postgrex.Multirange{ranges: [%Postgrex.Range{lower_inclusive: "
		   "false, upper_inclusive: false, lower: 1, upper: :unbound}]}");
	begin(DIALECT_ERLANG);
	put_range(RANGE_LOWER_UNBOUND | RANGE_UPPER_INCLUSIVE);
	EXPECT("{{minus_infinity,9},{false,true}}");
	put_range(RANGE_IS_EMPTY);
	EXPECT("empty");
	begin(DIALECT_COMPACT);
	put_range(RANGE_LOWER_INCLUSIVE | RANGE_UPPER_UNBOUND);
	EXPECT("{1,nil,9}");
	put_range(RANGE_IS_EMPTY);
	EXPECT("{nil,nil,16}");
}

static void
test_lexemes(void)
{
	static const uint16_t positions[] = {1, 3 << 14 | 7};

	begin(DIALECT_ELIXIR);
	etf_put_lexeme(&out);
	etf_put_binary(&out, "cat", 3);
	etf_put_lexeme_positions(&out, positions, 2);
	EXPECT("%Postgrex.Lexeme{word: \"cat\", positions: [{1, nil}, {7, :A}]}");
}

int
main(void)
{
	test_dates();
	test_calendar();
	test_times();
	test_intervals();
	test_numbers();
	test_json();
	test_net();
	test_geometry();
	test_bits();
	test_ranges();
	test_lexemes();
	return check_done();
}
