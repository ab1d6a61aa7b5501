/*
 * test_write.c
 *		Terms are written as libei writes them, and a value that does not fit
 *		leaves nothing behind.
 */
#include <ei.h>

#include "check.h"
#include "common/term/unique_keys.h"
#include "host.h"

static const Forms forms = {.null = "nil", .null_len = 3};

static TermOut out = {.forms = &forms, .host = &test_host};

static void
begin(void)
{
	free(out.data);
	out.data = NULL;
	out.len = out.size = 0;
}

static bool
is(const char *bytes, int len)
{
	return out.len == (size_t) len && memcmp(out.data, bytes, out.len) == 0;
}

static void
check_int(int64_t value)
{
	char expected[16];
	int len = 0;

	begin();
	etf_put_int(&out, value);
	ei_encode_longlong(expected, &len, value);
	CHECK_THAT(is(expected, len), "%" PRId64, value);
}

static void
check_uint(uint64_t value)
{
	char expected[16];
	int len = 0;

	begin();
	etf_put_uint(&out, value);
	ei_encode_ulonglong(expected, &len, value);
	CHECK_THAT(is(expected, len), "%" PRIu64, value);
}

/* Around every power of two, where tags and lengths change. */
static void
test_integers(void)
{
	check_int(INT64_MIN);
	for (int bit = 0; bit < 64; bit++)
		for (uint64_t near = 0; near < 4; near++)
		{
			uint64_t value = (UINT64_C(1) << bit) - 2 + near;

			check_uint(value);
			check_int((int64_t) value);
			check_int((int64_t) -value);
		}
	for (int i = 0; i < 1000; i++)
		check_int((int64_t) (chance() >> chance_below(64)));
}

static void
test_floats(void)
{
	static const double values[] = {0.0, -0.0, 1.5, -1e300, 5e-324};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		char expected[16];
		int len = 0;

		begin();
		etf_put_float(&out, values[i]);
		ei_encode_double(expected, &len, values[i]);
		CHECK_THAT(is(expected, len), "%g", values[i]);
	}
}

static void
test_headers(void)
{
	static const uint32_t counts[] = {0, 1, 255, 256, 70000};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
	{
		char expected[16];
		int len = 0;

		begin();
		etf_put_tuple(&out, counts[i]);
		etf_put_map(&out, counts[i]);
		ei_encode_tuple_header(expected, &len, (int) counts[i]);
		ei_encode_map_header(expected, &len, (int) counts[i]);
		CHECK(is(expected, len));
	}
}

/* The bytes of a value that is too long are not even looked at. */
static void
test_limit(void)
{
	size_t before;

	begin();
	etf_put_int(&out, 1);
	before = out.len;
	out_value_begin(&out);
	etf_put_list(&out, 2);
	etf_put_int(&out, 2);
	etf_put_binary(&out, "", ETF_FRAME_LIMIT);
	CHECK(out.overflow && out.len == before);
	out_patch_uint32(&out, before + 1, 7);
	etf_put_list_end(&out);
	CHECK(!out_value_end(&out) && out.len == before && !out.overflow);
	etf_put_oversized(&out, 300);
	CHECK(out.len > before);

	out_value_begin(&out);
	etf_put_int(&out, 3);
	CHECK(out_value_end(&out));
}

/*
 * Maps of one-byte keys, repeated by chance, against the last value of each.
 * The term is {Key, Value} pairs of small integers: two bytes each.
 */
static void
check_unique(int n)
{
	UniqueKeys keys = {NULL, 0, 0};
	int last[256];
	int distinct = 0;

	memset(last, -1, sizeof(last));
	begin();
	etf_put_map(&out, 0);
	for (int i = 0; i < n; i++)
	{
		uint8_t key = (uint8_t) chance_below((uint32_t) n + 1);
		size_t start = out.len;

		etf_put_int(&out, key);
		unique_keys_add(&keys, &out, start);
		etf_put_int(&out, i);
		distinct += last[key] < 0;
		last[key] = i;
	}
	unique_keys_close(&keys, &out, 0, 0);
	CHECK(keys.count == 0 && (uint8_t) out.data[4] == distinct);
	CHECK(out.len == ETF_HEADER_SIZE + 4 * (size_t) distinct);
	for (size_t at = ETF_HEADER_SIZE; at < out.len; at += 4)
		CHECK(last[(uint8_t) out.data[at + 1]] == (uint8_t) out.data[at + 3]);
	free(keys.pairs);
}

static void
test_unique_keys(void)
{
	for (int n = 0; n < 250; n++)
		check_unique(n);
}

int
main(void)
{
	test_integers();
	test_floats();
	test_headers();
	test_limit();
	test_unique_keys();
	free(out.data);
	return check_done();
}
