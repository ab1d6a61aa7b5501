/*
 * test_frame_write.c
 *		Frames that are written without a server are those of the plugin.
 *
 * Their events are taken from the frames of test/plugin/golden; head, parts
 * and counts are written anew, and every byte has to be the same.
 */
#include "check.h"
#include "common/frame/read.h"
#include "common/frame/write.h"
#include "common/term/read.h"
#include "host.h"

/* So much is in front of a frame, as the header of a message may be. */
#define BEFORE 25

static const Forms forms = {.null = "nil", .null_len = 3};

static const FrameOut no_frame = {.out = {.forms = &forms, .host = &test_host}};

/* As in the plugin, with what is left of the frame before. */
static void
begin(FrameOut *frame)
{
	static const char before[BEFORE] = {0};

	free(frame->out.data);
	frame->out.data = NULL;
	frame->out.len = frame->out.size = 0;
	etf_put_raw(&frame->out, before, BEFORE);
}

static void
end(FrameOut *frame)
{
	free(frame->out.data);
	frame->out.data = NULL;
}

static bool
read_head(const FrameOut *frame, FrameHead *head)
{
	size_t len = frame_size(frame);
	void *copy = exact_copy(frame->out.data + frame->start, len);
	bool good = frame_read_head(copy, len, head);

	free(copy);
	return good;
}

static bool
same_bytes(const FrameOut *frame, const void *bytes, size_t len)
{
	return frame->start == BEFORE && frame_size(frame) == len &&
		   memcmp(frame->out.data + frame->start, bytes, len) == 0;
}

static bool
is_relation(const uint8_t *event, size_t len)
{
	TermReader reader;
	Term term;

	term_read_init(&reader, event, len);
	return term_next(&reader, &term) && term.kind == TERM_TUPLE &&
		   term_next(&reader, &term) && term_is_atom(&term, "relation");
}

/* The elements of the list that is at "at". */
static void
copy_events(FrameOut *frame, const uint8_t *bytes, size_t len, size_t at)
{
	TermReader reader;
	Term list;

	term_read_init(&reader, bytes + at, len - at);
	CHECK(term_next(&reader, &list) && list.kind == TERM_LIST);
	for (uint32_t i = 0; i < list.count; i++)
	{
		const uint8_t *event = reader.pos;
		size_t size;

		CHECK(term_skip(&reader));
		size = (size_t) (reader.pos - event);
		if (is_relation(event, size))
		{
			frame_put_uncounted(frame, (const char *) event, size);
			continue;
		}
		etf_put_raw(&frame->out, (const char *) event, size);
		frame_event_end(frame);
	}
}

static void
copy_message(FrameOut *frame, const uint8_t *bytes, size_t len,
			 const FrameHead *head)
{
	frame_open_message(frame, head->commit_lsn);
	etf_put_raw(&frame->out, (const char *) bytes + head->meta,
				len - head->meta);
}

/*
 * Index and part have to follow from the frames that were before.  With "late"
 * the end is told when the last of them is closed.
 */
static void
copy_tx(FrameOut *frame, FrameTx *tx, const uint8_t *bytes, size_t len,
		const FrameHead *head, bool late)
{
	if (frame_begins(head))
		*tx = (FrameTx){.xid = head->xid,
						.commit_lsn = head->commit_lsn,
						.end_lsn = head->end_lsn,
						.commit_time = head->commit_time};
	if (late && frame_ends(head))
		tx->end_lsn = 0;
	frame_open_tx(frame, tx);
	etf_put_raw(&frame->out, (const char *) bytes + head->meta,
				head->events - head->meta);
	frame_open_events(frame);
	CHECK(frame->open);
	copy_events(frame, bytes, len, head->events);
	tx->end_lsn = head->end_lsn;
	frame_close(frame, tx, frame_ends(head));
	CHECK(!frame->open);
}

static uint8_t *
read_golden(const char *dialect, int number, size_t *len)
{
	static uint8_t bytes[256 * 1024];
	char path[100];
	FILE *file;

	snprintf(path, sizeof(path), "test/plugin/golden/tx-%s-%02d.frame", dialect,
			 number);
	file = fopen(path, "rb");
	if (file == NULL)
		return NULL;
	*len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return bytes;
}

/* How many frames there are. */
static int
copy_golden(const char *dialect, bool late)
{
	FrameOut frame = no_frame;
	FrameTx tx = {.sent = false};
	FrameHead head;
	const uint8_t *bytes;
	size_t len;
	int number = 0;

	while ((bytes = read_golden(dialect, ++number, &len)) != NULL)
	{
		CHECK(frame_read_head(bytes, len, &head));
		begin(&frame);
		if (head.kind == FRAME_MESSAGE)
			copy_message(&frame, bytes, len, &head);
		else
			copy_tx(&frame, &tx, bytes, len, &head, late);
		CHECK_THAT(same_bytes(&frame, bytes, len), "%s %d", dialect, number);
	}
	end(&frame);
	return number - 1;
}

static void
frames_are_those_of_the_plugin(void)
{
	for (int late = 0; late <= 1; late++)
	{
		CHECK(copy_golden("compact", late) >= 6);
		CHECK(copy_golden("elixir", late) >= 7);
		CHECK(copy_golden("erlang", late) >= 8);
	}
}

/* {tx, Part, {7, 8, 9, -1}, Index, Count, #{}, ... */
static void
open_frame(FrameOut *frame, const FrameTx *tx)
{
	begin(frame);
	frame_open_tx(frame, tx);
	etf_put_map(&frame->out, 0);
	frame_open_events(frame);
}

static void
put_event(FrameOut *frame, uint64_t event)
{
	etf_put_uint(&frame->out, event);
	frame_event_end(frame);
}

static void
an_empty_frame_is_whole(void)
{
	FrameOut frame = no_frame;
	FrameTx tx = {.xid = 7, .commit_lsn = 8, .end_lsn = 9, .commit_time = -1};
	FrameHead head;

	open_frame(&frame, &tx);
	frame_close(&frame, &tx, true);
	CHECK(read_head(&frame, &head));
	CHECK(head.kind == FRAME_TX && head.part == FRAME_WHOLE);
	CHECK(head.xid == 7 && head.commit_lsn == 8 && head.end_lsn == 9);
	CHECK(head.commit_time == -1 && head.first_index == 0 && head.count == 0);
	end(&frame);
}

/* Up to the midst of a value, behind an uncounted event. */
static void
put_half_event(FrameOut *frame)
{
	frame_put_uncounted(frame, "relation", 8);
	out_value_begin(&frame->out);
	etf_put_raw(&frame->out, "too large", 9);
	out_overflow(&frame->out);
	etf_put_raw(&frame->out, "and what follows", 16);
}

/* Writes the frame; "half": with what errors leave behind in between. */
static void
write_with_errors(FrameOut *frame, bool half)
{
	FrameTx tx = {.xid = 7, .index = 40, .sent = true};

	open_frame(frame, &tx);
	for (uint64_t event = 0; event < 3; event++)
	{
		CHECK(!frame_has_half_event(frame));
		if (half)
		{
			put_half_event(frame);
			CHECK(frame_has_half_event(frame));
			frame_drop_half_event(frame);
		}
		frame_put_uncounted(frame, "a\001", 2);
		put_event(frame, event);
	}
	frame_close(frame, &tx, true);
	CHECK(tx.index == 43);
}

static void
half_an_event_leaves_nothing(void)
{
	FrameOut good = no_frame;
	FrameOut cut = no_frame;
	FrameHead head;

	write_with_errors(&good, false);
	for (int i = 0; i < 2; i++)
		write_with_errors(&cut, true);
	CHECK(same_bytes(&cut, good.out.data + good.start, frame_size(&good)));
	CHECK(!cut.out.in_value && !cut.out.overflow);
	CHECK(read_head(&cut, &head));
	CHECK(head.part == FRAME_LAST && head.first_index == 40 && head.count == 3);
	end(&good);
	end(&cut);
}

/* Transactions that are written in turns, each with a state of its own. */
static void
transactions_take_turns(void)
{
	FrameOut frame = no_frame;
	FrameTx txs[] = {{.xid = 1}, {.xid = 2}};
	static const FramePart parts[] = {FRAME_FIRST, FRAME_MIDDLE, FRAME_LAST};
	FrameHead head;

	for (int turn = 0; turn < 6; turn++)
	{
		FrameTx *tx = &txs[turn % 2];
		uint64_t index = tx->index;

		open_frame(&frame, tx);
		put_event(&frame, 5);
		if (turn % 2 == 1)
			put_event(&frame, 6);
		frame_close(&frame, tx, turn >= 4);
		CHECK(read_head(&frame, &head));
		CHECK(head.xid == tx->xid && head.first_index == index);
		CHECK(head.part == parts[turn / 2]);
	}
	CHECK(txs[0].index == 3 && txs[1].index == 6);
	end(&frame);
}

int
main(void)
{
	frames_are_those_of_the_plugin();
	an_empty_frame_is_whole();
	half_an_event_leaves_nothing();
	transactions_take_turns();
	return check_done();
}
