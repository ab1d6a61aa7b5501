/*
 * test_frame.c
 *		The head of a frame is read from exactly what docs/protocol.md says.
 */
#include <ei.h>

#include "check.h"
#include "common/frame.h"

/* {tx, Part, {7, 16#16B374D848, End, Time}, 3, 2, #{}, [1, 2]} */
static void
put_tx(ei_x_buff *x, const char *part, uint64_t end, int64_t time)
{
	ei_x_new_with_version(x);
	ei_x_encode_tuple_header(x, 7);
	ei_x_encode_atom(x, "tx");
	ei_x_encode_atom(x, part);
	ei_x_encode_tuple_header(x, 4);
	ei_x_encode_ulonglong(x, 7);
	ei_x_encode_ulonglong(x, UINT64_C(0x16B374D848));
	ei_x_encode_ulonglong(x, end);
	ei_x_encode_longlong(x, time);
	ei_x_encode_ulonglong(x, 3);
	ei_x_encode_ulonglong(x, 2);
	ei_x_encode_map_header(x, 1);
	ei_x_encode_atom(x, "origin");
	ei_x_encode_binary(x, "node", 4);
	ei_x_encode_list_header(x, 2);
	ei_x_encode_ulonglong(x, 1);
	ei_x_encode_ulonglong(x, 2);
	ei_x_encode_empty_list(x);
}

static bool
read_exactly(const ei_x_buff *x, size_t len, FrameHead *head)
{
	void *copy = exact_copy(x->buff, len);
	bool good = frame_read_head(copy, len, head);

	free(copy);
	return good;
}

static void
a_transaction_has_its_position(void)
{
	FrameHead head;
	ei_x_buff x;

	put_tx(&x, "whole", UINT64_MAX, -1);
	CHECK_THAT(read_exactly(&x, (size_t) x.index, &head), "%s", head.error);
	CHECK(head.kind == FRAME_TX && head.part == FRAME_WHOLE);
	CHECK(head.xid == 7 && head.commit_lsn == UINT64_C(0x16B374D848));
	CHECK(head.end_lsn == UINT64_MAX && head.commit_time == -1);
	CHECK(head.first_index == 3 && head.count == 2);
	CHECK(head.payload == 1 && x.buff[head.payload] == 'h');
	CHECK(x.buff[head.meta] == 't' && x.buff[head.events] == 'l');
	ei_x_free(&x);
}

static void
parts_begin_and_end(void)
{
	static const struct
	{
		const char *name;
		FramePart part;
		bool begins;
		bool ends;
	} parts[] = {{"whole", FRAME_WHOLE, true, true},
				 {"first", FRAME_FIRST, true, false},
				 {"middle", FRAME_MIDDLE, false, false},
				 {"last", FRAME_LAST, false, true}};
	FrameHead head;
	ei_x_buff x;

	for (int i = 0; i < 4; i++)
	{
		put_tx(&x, parts[i].name, 1, 0);
		CHECK(read_exactly(&x, (size_t) x.index, &head));
		CHECK(head.part == parts[i].part);
		CHECK(frame_begins(&head) == parts[i].begins);
		CHECK(frame_ends(&head) == parts[i].ends);
		ei_x_free(&x);
	}
	put_tx(&x, "wholly", 1, 0);
	CHECK(!read_exactly(&x, (size_t) x.index, &head));
	CHECK(strncmp(head.error, "part is none of", 15) == 0);
	ei_x_free(&x);
}

static void
a_message_counts_as_one_event(void)
{
	FrameHead head;
	ei_x_buff x;

	ei_x_new_with_version(&x);
	ei_x_encode_tuple_header(&x, 4);
	ei_x_encode_atom(&x, "message");
	ei_x_encode_ulonglong(&x, 77);
	ei_x_encode_binary(&x, "prefix", 6);
	ei_x_encode_binary(&x, "content", 7);
	CHECK(read_exactly(&x, (size_t) x.index, &head));
	CHECK(head.kind == FRAME_MESSAGE && head.part == FRAME_WHOLE);
	CHECK(head.commit_lsn == 77 && head.end_lsn == 77 && head.count == 1);
	CHECK(memcmp(x.buff + head.meta + 5, "prefix", 6) == 0);
	CHECK(memcmp(x.buff + head.events + 5, "content", 7) == 0);
	ei_x_free(&x);
}

/* The events may be cut: that they are whole is not the head's business. */
static void
a_head_that_is_cut_is_an_error(void)
{
	FrameHead head;
	ei_x_buff x;
	size_t events;

	put_tx(&x, "last", 1, 0);
	CHECK(read_exactly(&x, (size_t) x.index, &head));
	events = head.events;
	for (size_t len = 0; len <= events; len++)
	{
		CHECK_THAT(!read_exactly(&x, len, &head), "length %zu", len);
		CHECK(head.error != NULL && head.error_offset <= len);
	}
	CHECK(read_exactly(&x, events + 2, &head));
	ei_x_free(&x);
}

/* Else a frame could take, or give back, any amount of credit. */
static void
a_frame_cannot_cost_more_than_it_has_bytes(void)
{
	FrameHead head;
	ei_x_buff x;

	put_tx(&x, "whole", 1, 0);
	CHECK(read_exactly(&x, (size_t) x.index, &head) && head.count == 2);
	CHECK(!read_exactly(&x, head.events + 1, &head));
	CHECK(strcmp(head.error, "count is larger than the frame") == 0);
	ei_x_free(&x);
}

static void
what_is_no_frame_is_named(void)
{
	static const struct
	{
		const char *hex;
		const char *error;
	} cases[] = {
		{"", "the data end inside a term"},
		{"0A", "not in external term format: it does not start with byte 131"},
		{"836A", "frame is not a tuple"},
		{"836800", "the data end inside a term"},
		{"8368016A", "frame does not start with an atom"},
		{"836801770574786678786A", "unknown kind of frame"},
		{"83680177027478", "unknown kind of frame"},
		{"835000000001", "compressed terms are not supported"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t len;
		uint8_t *bytes = from_hex(cases[i].hex, &len);
		FrameHead head;

		CHECK(!frame_read_head(bytes, len, &head));
		CHECK_THAT(strcmp(head.error, cases[i].error) == 0, "%s", head.error);
		free(bytes);
	}
}

int
main(void)
{
	ei_init();
	a_transaction_has_its_position();
	parts_begin_and_end();
	a_message_counts_as_one_event();
	a_head_that_is_cut_is_an_error();
	a_frame_cannot_cost_more_than_it_has_bytes();
	what_is_no_frame_is_named();
	return check_done();
}
