/*
 * random_term.c
 *		Terms made by chance, encoded by libei.
 */
#include "random_term.h"

#include "check.h"

static void
random_integer(ei_x_buff *x)
{
	uint64_t value = chance() >> chance_below(64);

	if (chance_below(2))
		ei_x_encode_ulonglong(x, value);
	else
		ei_x_encode_longlong(x, (long long) (chance_below(2) ? value : -value));
}

static void
random_float(ei_x_buff *x)
{
	uint64_t pattern = chance();
	double value;

	memcpy(&value, &pattern, sizeof(value));
	/* Infinities and NaN are not terms. */
	ei_x_encode_double(x, value - value == 0 ? value : 1.5);
}

static void
random_atom(ei_x_buff *x)
{
	static const char *const names[] = {
		"nil", "true", "a",	   "an atom",	"Foo",	"Elixir.Foo.Bar",
		"",	   "end",  "it's", "\x01",		"a@b?", "Elixir.",
		"+",   "\\",   "\"",   "__struct__"};

	if (chance_below(8) == 0)
		ei_x_encode_atom_as(x, "\xC3\xA9t\xC3\xA9", ERLANG_UTF8, ERLANG_UTF8);
	else if (chance_below(8) == 0)
		ei_x_encode_atom_as(x, "caf\xE9", ERLANG_LATIN1, ERLANG_LATIN1);
	else
		ei_x_encode_atom(x,
						 names[chance_below(sizeof(names) / sizeof(names[0]))]);
}

static void
random_bytes(char *bytes, size_t len)
{
	bool text = chance_below(2);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char) (text ? 32 + chance_below(95) : chance_below(256));
}

static void
random_binary(ei_x_buff *x)
{
	char bytes[64];
	uint32_t len = chance_below(sizeof(bytes));

	random_bytes(bytes, len);
	if (chance_below(3) == 0)
		ei_x_encode_bitstring(x, bytes, 0, (size_t) len * 8 + chance_below(8));
	else if (chance_below(3) == 0)
		ei_x_encode_string_len(x, bytes, (int) len);
	else
		ei_x_encode_binary(x, bytes, (int) len);
}

/* libei has no call for these without GMP. */
static void
random_big(ei_x_buff *x)
{
	uint32_t len = 1 + chance_below(300);
	char head[6] = {'o', 0, 0, (char) (len >> 8), (char) len, 0};
	char bytes[300];

	random_bytes(bytes, len);
	if (len < 256)
		memcpy(head + 3, (char[]){'n', (char) len}, 2);
	head[5] = (char) chance_below(2);
	ei_x_append_buf(x, len < 256 ? head + 3 : head, len < 256 ? 3 : 6);
	ei_x_append_buf(x, bytes, (int) len);
}

static void
random_identifier(ei_x_buff *x)
{
	static const char function[] = "qw\5listsw\3mapa\2";
	erlang_pid pid = {.node = "n@h", .num = 7, .serial = 9, .creation = 3};
	erlang_port port = {.node = "n@h", .id = chance() >> 4, .creation = 3};
	erlang_ref ref = {.node = "n@h", .len = 3, .n = {1, 2, 3}, .creation = 3};

	switch (chance_below(4))
	{
		case 0:
			ei_x_encode_pid(x, &pid);
			break;
		case 1:
			ei_x_encode_port(x, &port);
			break;
		case 2:
			ei_x_encode_ref(x, &ref);
			break;
		default:
			ei_x_append_buf(x, function, sizeof(function) - 1);
	}
}

static void
random_list(ei_x_buff *x, int depth)
{
	uint32_t count = chance_below(5);

	if (count == 0)
	{
		ei_x_encode_empty_list(x);
		return;
	}
	ei_x_encode_list_header(x, count);
	for (uint32_t i = 0; i < count; i++)
		random_term(x, depth - 1);
	if (chance_below(4) == 0)
		random_term(x, depth - 1);
	else
		ei_x_encode_empty_list(x);
}

static void
random_container(ei_x_buff *x, int depth)
{
	/* More than 255 elements need another tag. */
	uint32_t count = chance_below(100) == 0 ? 300 : chance_below(5);
	bool map = chance_below(2);

	if (chance_below(3) == 0)
	{
		random_list(x, depth);
		return;
	}
	if (map)
		ei_x_encode_map_header(x, count);
	else
		ei_x_encode_tuple_header(x, count);
	for (uint32_t i = 0; i < (map ? 2 * count : count); i++)
		random_term(x, count == 300 ? 0 : depth - 1);
}

void
random_term(ei_x_buff *x, int depth)
{
	if (depth > 0 && chance_below(2))
	{
		random_container(x, depth);
		return;
	}
	switch (chance_below(6))
	{
		case 0:
			random_integer(x);
			break;
		case 1:
			random_float(x);
			break;
		case 2:
			random_atom(x);
			break;
		case 3:
			random_big(x);
			break;
		case 4:
			random_identifier(x);
			break;
		default:
			random_binary(x);
	}
}
