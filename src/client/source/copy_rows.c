/*
 * copy_rows.c
 *		Rows of COPY in binary format, as frames of what was read.
 *
 * Called by backfill_reader.c where the server has no etf_read(); rows.c writes
 * the rows.
 */
#include "client/source/copy_rows.h"

#include <stdlib.h>

#include "client/source/host.h"
#include "client/source/rows.h"

/* What stands in front of the first row. */
#define COPY_SIGNATURE "PGCOPY\n\377\r\n"
#define COPY_HEADER_SIZE 19

/* A block for a frame has so much more than the frame is to have. */
#define SPARE 1024

void
copy_rows_begin(CopyRows *rows, const CopySource *source, const void *tag,
				size_t tag_len)
{
	copy_rows_free(rows);
	rows->source = *source;
	rows->tag = source_scratch(NULL, tag_len + 1);
	rows->tag_len = tag_len;
	memcpy(rows->tag, tag, tag_len);
	rows->frame.out.forms = &source->options->forms;
	rows->frame.out.host = source->host;
}

void
copy_rows_free(CopyRows *rows)
{
	free(rows->tag);
	free(rows->frame.out.data);
	*rows = (CopyRows){.tag = NULL};
}

/* The first one may be as small as what there is; then there is more. */
static void
open_frame(CopyRows *rows)
{
	TermOut *out = &rows->frame.out;

	if (rows->rows > 0)
	{
		out->size = (size_t) rows->source.options->frame_bytes + SPARE;
		out->data = source_scratch(NULL, out->size);
	}
	frame_open_read(&rows->frame, rows->tag, rows->tag_len);
}

static void
tell_relation(CopyRows *rows)
{
	const Plan *plan = rows->source.plan;
	int relations = rows->source.options->relations;

	if (rows->told || relations == RELATIONS_OFF)
		return;
	frame_put_uncounted(&rows->frame, plan->event, plan->event_len);
	rows->told = relations == RELATIONS_SESSION;
}

/* {read, Rel, Row} */
static bool
put_event(CopyRows *rows, PgReader *values)
{
	FrameOut *frame = &rows->frame;
	TermOut *out = &frame->out;
	Plan *plan = rows->source.plan;
	size_t before;
	bool fits;

	if (!frame->open)
		open_frame(rows);
	if (frame->count == 0)
		tell_relation(rows);
	before = out->len;
	etf_put_tuple(out, 3);
	etf_put_atom(out, "read");
	etf_put_uint(out, plan->relid);
	fits = rows_put_copied(out, plan, rows->source.formats, values);
	frame_event_end(frame);
	rows->bytes += out->len - before;
	rows->rows++;
	return fits;
}

static Copied
take_row(CopyRows *rows, PgReader *row)
{
	bool fits;

	if (pg_uint16(row) != rows->source.plan->ncolumns)
		return COPIED_BAD;
	fits = put_event(rows, row);
	if (!pg_at_end(row))
		return COPIED_BAD;
	if (!fits)
		return COPIED_CHANGED;
	return frame_size(&rows->frame) >=
				   (size_t) rows->source.options->frame_bytes
			   ? COPIED_FULL
			   : COPIED_ROW;
}

/* In place of a count, behind the last row. */
static bool
is_trailer(const PgReader *row)
{
	return row->end - row->at == 2 && memcmp(row->at, "\377\377", 2) == 0;
}

Copied
copy_rows_take(CopyRows *rows, const char *bytes, size_t len)
{
	PgReader row = pg_reader(bytes, len);

	if (rows->ended)
		return COPIED_BAD;
	if (!rows->begun)
	{
		if (len < COPY_HEADER_SIZE ||
			memcmp(bytes, COPY_SIGNATURE, sizeof(COPY_SIGNATURE) - 1) != 0)
			return COPIED_BAD;
		row.at += COPY_HEADER_SIZE;
		rows->begun = true;
		if (row.at == row.end)
			return COPIED_ROW;
	}
	if (!is_trailer(&row))
		return take_row(rows, &row);
	rows->ended = true;
	return COPIED_END;
}

bool
copy_rows_has_frame(const CopyRows *rows)
{
	return rows->frame.open;
}

static char *
take_block(CopyRows *rows, size_t *len)
{
	TermOut *out = &rows->frame.out;
	char *data = out->data;

	*len = out->len;
	out->data = NULL;
	out->len = out->size = 0;
	return data;
}

char *
copy_rows_frame(CopyRows *rows, size_t *len)
{
	frame_close_read(&rows->frame);
	return take_block(rows, len);
}

char *
copy_rows_end(CopyRows *rows, size_t *len)
{
	TermOut *out = &rows->frame.out;

	frame_open_read_end(&rows->frame, rows->tag, rows->tag_len);
	etf_put_map(out, 3);
	etf_put_atom(out, "rows");
	etf_put_uint(out, rows->rows);
	etf_put_atom(out, "bytes");
	etf_put_uint(out, rows->bytes);
	etf_put_atom(out, "more");
	etf_put_atom(out, "false");
	return take_block(rows, len);
}
