/*
 * test_frame_read.c
 *		The head of a frame is read from exactly what docs/protocol.md says.
 */
#include <ei.h>

#include "check.h"
#include "common/frame/read.h"

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

/* A term as ei_x_format() reads it. */
static void
put_text_term(ei_x_buff *x, const char *format)
{
	ei_x_new_with_version(x);
	CHECK(ei_x_format_wo_ver(x, format) == 0);
}

static void
what_was_read_has_a_head(void)
{
	FrameHead head;
	ei_x_buff x;

	put_text_term(&x, "{read, {a, 1}, 2, [{relation, 1}, {read, 1, []}, x]}");
	CHECK(read_exactly(&x, (size_t) x.index, &head));
	CHECK(head.kind == FRAME_READ && head.part == FRAME_WHOLE);
	CHECK(head.count == 2 && head.xid == 0 && head.end_lsn == 0);
	CHECK(x.buff[head.meta] == ERL_SMALL_TUPLE_EXT);
	CHECK(x.buff[head.events] == ERL_LIST_EXT);
	CHECK(!read_exactly(&x, head.events + 1, &head));
	ei_x_free(&x);
	put_text_term(&x, "{read, {a, 1}, two, [x]}");
	CHECK(!read_exactly(&x, (size_t) x.index, &head));
	ei_x_free(&x);
}

/* {read_end, 7, Map}; "pairs" are its keys and values, by turns. */
static void
put_read_end(ei_x_buff *x, const char *const *pairs)
{
	int count = 0;

	while (pairs[count] != NULL)
		count++;
	ei_x_new_with_version(x);
	ei_x_encode_tuple_header(x, 3);
	ei_x_encode_atom(x, "read_end");
	ei_x_encode_long(x, 7);
	ei_x_encode_map_header(x, count / 2);
	for (int i = 0; i < count; i++)
		CHECK(ei_x_format_wo_ver(x, pairs[i]) == 0);
}

typedef struct End
{
	const char *pairs[12];
	bool good;
	bool has_last;
	ReadEnd end;
} End;

static void
the_end_of_a_read_is_told(void)
{
	static const End ends[] = {{{"rows", "3", "bytes", "70", "more", "false"},
								true,
								false,
								{3, 70, false, 0}},
							   {{"more", "true", "new", "{x}", "last", "[a]",
								 "rows", "1", "bytes", "2"},
								true,
								true,
								{1, 2, true, 0}},
							   {{"rows", "x"}, false, false, {0}},
							   {{"more", "1"}, false, false, {0}},
							   {{"[]", "1"}, false, false, {0}}};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
	{
		const End *that = &ends[i];
		FrameHead head;
		ReadEnd end;
		ei_x_buff x;

		put_read_end(&x, that->pairs);
		CHECK(read_exactly(&x, (size_t) x.index, &head));
		CHECK(head.kind == FRAME_READ_END && head.count == 0);
		CHECK_THAT(frame_read_end(x.buff, (size_t) x.index, &head, &end) ==
					   that->good,
				   "end %zu", i);
		CHECK(!that->good ||
			  (end.rows == that->end.rows && end.bytes == that->end.bytes &&
			   end.more == that->end.more));
		CHECK((end.last != 0) == that->has_last);
		CHECK(!that->has_last || x.buff[end.last] == ERL_LIST_EXT);
		ei_x_free(&x);
	}
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

/* A frame of another kind, from text: numbers, atoms, "b" for a binary. */
typedef struct Other
{
	FrameKind kind;
	FramePart part;
	uint32_t subxid;
	uint64_t commit_lsn;
	uint64_t end_lsn;
	int64_t time;
	uint64_t count;
	bool meta;
	bool events;
	const char *format; /* of ei_x_format_wo_ver() */
} Other;

static const Other others[] = {
	{FRAME_STREAM, FRAME_FIRST, 9, 50, 0, 0, 2, true, true,
	 "{stream, first, {7, 9, 50}, 3, 2, [], [x, y]}"},
	{FRAME_STREAM, FRAME_MIDDLE, 7, 50, 0, 0, 1, true, true,
	 "{stream, more, {7, 7, 50}, 3, 1, [], [x]}"},
	{FRAME_STREAM_ABORT, FRAME_WHOLE, 9, 50, 0, 60, 0, false, false,
	 "{stream_abort, {7, 9, 50, 60}}"},
	{FRAME_STREAM_COMMIT, FRAME_WHOLE, 0, 50, 70, -60, 0, true, false,
	 "{stream_commit, {7, 50, 70, -60}, []}"},
	{FRAME_STREAM_PREPARE, FRAME_WHOLE, 0, 50, 70, 60, 0, true, false,
	 "{stream_prepare, {7, 50, 70, 60}, [{gid, g}]}"},
	{FRAME_PREPARE, FRAME_LAST, 0, 50, 70, 60, 2, true, true,
	 "{prepare, last, {7, 50, 70, 60}, 3, 2, [{gid, g}], [x, y]}"},
	{FRAME_DECISION, FRAME_WHOLE, 0, 50, 70, 60, 1, true, false,
	 "{commit_prepared, {7, 50, 70, 60}, [{gid, g}]}"},
	{FRAME_DECISION, FRAME_WHOLE, 0, 50, 70, 60, 1, true, false,
	 "{rollback_prepared, {7, 50, 70, 60}, [{gid, g}]}"}};

static void
check_other(const Other *other, const FrameHead *head)
{
	CHECK_THAT(head->kind == other->kind && head->part == other->part, "%s",
			   other->format);
	CHECK(head->xid == 7 && head->subxid == other->subxid);
	CHECK(head->commit_lsn == other->commit_lsn);
	CHECK(head->end_lsn == other->end_lsn);
	CHECK(head->commit_time == other->time && head->count == other->count);
	CHECK(head->first_index == (other->events ? 3 : 0));
	CHECK((head->meta != 0) == other->meta);
	CHECK((head->events != 0) == other->events);
}

/* What has no events ends with its head, and nothing follows. */
static void
streams_and_prepared_transactions_have_heads(void)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
	{
		const Other *other = &others[i];
		FrameHead head;
		ei_x_buff x;
		size_t end;

		ei_x_new_with_version(&x);
		CHECK(ei_x_format_wo_ver(&x, other->format) == 0);
		CHECK_THAT(read_exactly(&x, (size_t) x.index, &head), "%s: %s",
				   other->format, head.error);
		check_other(other, &head);
		end = other->events ? head.events + 1 : (size_t) x.index;
		for (size_t len = 0; len < end; len++)
			CHECK_THAT(!read_exactly(&x, len, &head), "%s: length %zu",
					   other->format, len);
		ei_x_encode_empty_list(&x);
		CHECK(read_exactly(&x, (size_t) x.index, &head) == other->events);
		ei_x_free(&x);
	}
}

static void
what_is_no_frame_is_named(void)
{
	static const struct
	{
		const char *hex;
		const char *error;
	} cases[] = {
		{"", "the data ends inside a term"},
		{"0A", "not in external term format: it does not start with byte 131"},
		{"836A", "frame is not a tuple"},
		{"836800", "the data ends inside a term"},
		{"8368016A", "frame does not start with an atom"},
		{"836801770574786678786A", "unknown kind of frame"},
		{"83680177027478", "unknown kind of frame"},
		{"835000000001", "compressed terms are not supported"},
		{"836807770673747265616D77046C617374",
		 "part is neither first nor more"},
		{"836802770C73747265616D5F61626F72746A",
		 "transaction is not a tuple of 4"}};

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
	what_was_read_has_a_head();
	the_end_of_a_read_is_told();
	streams_and_prepared_transactions_have_heads();
	what_is_no_frame_is_named();
	return check_done();
}
