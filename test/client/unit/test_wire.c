/*
 * test_wire.c
 *		What no server that test/client/t/wire.pl asks would send, or only
 *		after its types were altered.
 */
#include "client/wire/wire.h"
#include "shown.h"

#define OID_INT4 23
#define OID_TEXT 25

static WireField fields[] = {{.name = {"a", false}, .typmod = -1},
							 {.name = {"b", false}, .typmod = -1},
							 {.name = {"c", false}, .typmod = -1}};
static WireType was = {.oid = 20000,
					   .base = 20000,
					   .name = "pair",
					   .kind = KIND_COMPOSITE,
					   .typmod = -1,
					   .delimiter = ',',
					   .sends = true,
					   .fields = fields,
					   .nfields = 1};

static WireResult
put(const WireType *type, WireFormat format, const char *bytes, size_t len)
{
	char *copy = exact_copy(bytes, len);
	WireResult result = wire_put_value(&out, type, -1, format, copy, len);

	free(copy);
	return result;
}

#define PUT_BINARY(type, bytes) put(type, WIRE_BINARY, bytes, sizeof(bytes) - 1)
#define PUT_TEXT(type, text) put(type, WIRE_TEXT, text, sizeof(text) - 1)

static void
test_not_a_value(void)
{
	begin(DIALECT_ELIXIR);
	CHECK(PUT_BINARY(wire_builtin(OID_INT4), "\1\2\3") == WIRE_UNPARSED);
	EXPECT("{:unparsed, <<1, 2, 3>>}");
	CHECK(PUT_BINARY(wire_builtin(OID_INT4), "\0\0\0\1\0") == WIRE_UNPARSED);
	EXPECT("{:unparsed, <<0, 0, 0, 1, 0>>}");
	CHECK(PUT_TEXT(wire_builtin(OID_INT4), "12x") == WIRE_UNPARSED);
	EXPECT("{:unparsed, \"12x\"}");
	CHECK(PUT_TEXT(wire_builtin(OID_INT4), "") == WIRE_UNPARSED);
	EXPECT("{:unparsed, \"\"}");
}

/* A count of elements for which there are no bytes, and much too many. */
static void
test_hostile_arrays(void)
{
	const WireType *array = wire_builtin(1007);

	begin(DIALECT_ELIXIR);
	CHECK(PUT_BINARY(array, "\0\0\0\1\0\0\0\0\0\0\0\27\x7f\xff\xff\xff"
							"\0\0\0\1") == WIRE_UNPARSED);
	out.len = 0;
	CHECK(PUT_BINARY(array, "\0\0\0\2\0\0\0\0\0\0\0\27\xff\xff\xff\xff\0\0\0\1"
							"\0\0\0\0\0\0\0\1") == WIRE_UNPARSED);
	out.len = 0;
	CHECK(PUT_BINARY(array, "\0\0\0\7\0\0\0\0\0\0\0\27") == WIRE_UNPARSED);
	out.len = 0;
	CHECK(PUT_BINARY(array, "\0\0\0\0\0\0\0\0\0\0\0\31") == WIRE_UNPARSED);
	out.len = 0;
	CHECK(PUT_TEXT(array, "{{{{{{{1}}}}}}}") == WIRE_UNPARSED);
	out.len = 0;
	CHECK(PUT_TEXT(array, "{1,{2}") == WIRE_UNPARSED);
	out.len = 0;
}

#define ONE "\0\0\0\1\0\0\0\27\0\0\0\4\0\0\0\7"
#define NONE "\0\0\0\0"
#define TWO "\0\0\0\2\0\0\0\27\0\0\0\4\0\0\0\7\0\0\0\31\0\0\0\1x"

/* Rows of before have their names still; a new shape is to be asked for. */
static void
test_composite_versions(void)
{
	WireType is = was;

	is.nfields = 2;
	begin(DIALECT_ELIXIR);
	CHECK(PUT_BINARY(&was, TWO) == WIRE_CHANGED);
	out.len = 0;
	CHECK(PUT_TEXT(&was, "(7,x)") == WIRE_CHANGED);
	out.len = 0;
	CHECK(PUT_BINARY(&is, ONE) == WIRE_CHANGED);
	out.len = 0;
	is.older = &was;
	CHECK(PUT_BINARY(&is, ONE) == WIRE_OLDER);
	EXPECT("%{\"a\" => 7}");
	CHECK(PUT_BINARY(&is, TWO) == WIRE_DONE);
	EXPECT("%{\"a\" => 7, \"b\" => \"x\"}");
	CHECK(PUT_TEXT(&is, "(7)") == WIRE_OLDER);
	EXPECT("%{\"a\" => 7}");
	CHECK(PUT_TEXT(&is, "(7,\"x\")") == WIRE_DONE);
	EXPECT("%{\"a\" => 7, \"b\" => \"x\"}");
	/* By its first fields, those of before the last were added. */
	fields[0].number = 1;
	is.older = NULL;
	CHECK(PUT_BINARY(&is, ONE) == WIRE_OLDER);
	EXPECT("%{\"a\" => 7}");
	CHECK(PUT_TEXT(&is, "(7)") == WIRE_OLDER);
	EXPECT("%{\"a\" => 7}");
	CHECK(PUT_BINARY(&is, NONE) == WIRE_OLDER);
	EXPECT("%{}");
	/* Another one was dropped, perhaps it was this. */
	fields[0].number = 2;
	CHECK(PUT_BINARY(&is, ONE) == WIRE_CHANGED);
	out.len = 0;
	CHECK(PUT_TEXT(&is, "(7)") == WIRE_CHANGED);
	out.len = 0;
	/* Another type where one was dropped and added anew. */
	CHECK(PUT_BINARY(&is, "\0\0\0\1\0\0\0\24\0\0\0\4\0\0\0\7") == WIRE_CHANGED);
	out.len = 0;
}

/* A tuple is as the type is described, whatever its value had. */
static void
test_composite_versions_as_tuples(void)
{
	WireField now[] = {fields[0], fields[2]};
	WireType is = was;
	WireType before = was;

	now[0].number = fields[0].number = 1;
	fields[1].number = 2;
	now[1].number = 3;
	before.nfields = 2;
	is.fields = now;
	is.nfields = 2;
	begin(DIALECT_COMPACT);
	CHECK(PUT_BINARY(&is, ONE) == WIRE_OLDER);
	EXPECT("{7,nil}");
	CHECK(PUT_TEXT(&is, "(7)") == WIRE_OLDER);
	EXPECT("{7,nil}");
	is.older = &before;
	CHECK(PUT_BINARY(&is, TWO) == WIRE_OLDER);
	EXPECT("{7,nil}");
	is.nfields = 1;
	CHECK(PUT_BINARY(&is, TWO) == WIRE_OLDER);
	EXPECT("{7}");
	CHECK(PUT_TEXT(&is, "(7,\"x\")") == WIRE_OLDER);
	EXPECT("{7}");
	is.fields = &now[1];
	CHECK(PUT_TEXT(&is, "(7,\"x\")") == WIRE_OLDER);
	EXPECT("{nil}");
}

/* Deeper than types can be: only the size is told. */
static void
test_too_deep(void)
{
	static WireField inner = {.name = {"f", false}, .typmod = -1};
	WireType loop = was;
	size_t len = 12 * 3000;
	char *bytes = malloc(len);

	inner.type = &loop;
	loop.fields = &inner;
	for (size_t i = 0; i < len; i += 12)
	{
		memcpy(bytes + i, "\0\0\0\1\0\0\x4e\x20", 8);
		store_uint32(bytes + i + 8, (uint32_t) (len - i - 12));
	}
	begin(DIALECT_ELIXIR);
	CHECK(put(&loop, WIRE_BINARY, bytes, len) == WIRE_DONE);
	EXPECT("{:oversized, 36000}");
	free(bytes);
}

/* A type that has gone, and one that nobody knows. */
static void
test_unknown(void)
{
	WireType type = {.oid = 20001, .base = 20001, .name = "x", .sends = true};

	begin(DIALECT_ELIXIR);
	type.kind = KIND_NONE;
	CHECK(PUT_BINARY(&type, "abc") == WIRE_DONE);
	EXPECT("{:oversized, 3}");
	wire_set_base(&type, "cube");
	CHECK(PUT_BINARY(&type, "abc") == WIRE_UNPARSED);
	EXPECT("{:unparsed, \"abc\"}");
	CHECK(PUT_TEXT(&type, "abc") == WIRE_DONE);
	EXPECT("\"abc\"");
}

/* PostGIS and pgvector are not everywhere where this is tested. */
static void
test_extensions(void)
{
	WireType type = {.oid = 20002, .base = 20002, .sends = true};

	begin(DIALECT_ELIXIR);
	type.name = "geometry";
	wire_set_base(&type, "postgis");
	CHECK(PUT_BINARY(&type, "\1\xab") == WIRE_DONE);
	EXPECT("\"01AB\"");
	type.name = "vector";
	wire_set_base(&type, "vector");
	CHECK(PUT_BINARY(&type, "\0\2\0\0\x3f\x80\0\0\x40\0\0\0") == WIRE_DONE);
	EXPECT("[1.0, 2.0]");
	CHECK(PUT_TEXT(&type, "[1,2]") == WIRE_DONE);
	EXPECT("[1.0, 2.0]");
}

static void
expect_culprit(const WireType *column, const WireType *expected)
{
	const WireType *culprit;

	CHECK(wire_fits_binary(column, &culprit) == (expected == NULL));
	CHECK(culprit == expected);
}

/* A column that does not send comes as text; an element cannot. */
static void
test_fits_binary(void)
{
	const WireType *aclitem = wire_builtin(1033);
	WireType unknown = {.oid = 20003, .base = 20003, .name = "cube"};
	WireType array = {.oid = 20004,
					  .base = 20004,
					  .name = "_cube",
					  .kind = KIND_ARRAY,
					  .sends = true,
					  .element = &unknown};

	expect_culprit(wire_builtin(1007), NULL);
	expect_culprit(&was, NULL);
	expect_culprit(aclitem, NULL);
	expect_culprit(wire_builtin(1034), aclitem);
	wire_set_base(&unknown, "cube");
	expect_culprit(&unknown, NULL);
	unknown.sends = true;
	expect_culprit(&unknown, &unknown);
	expect_culprit(&array, &unknown);
}

int
main(void)
{
	fields[0].type = wire_builtin(OID_INT4);
	fields[1].type = wire_builtin(OID_TEXT);
	fields[2].type = wire_builtin(OID_INT4);
	test_not_a_value();
	test_hostile_arrays();
	test_composite_versions();
	test_composite_versions_as_tuples();
	test_too_deep();
	test_unknown();
	test_extensions();
	test_fits_binary();
	free(out.data);
	return check_done();
}
