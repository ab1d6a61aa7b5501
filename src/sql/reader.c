/*
 * reader.c
 *		A range of a table's rows as frames.
 *
 * The plan, the fields and row.c are those of the stream, so a row that is
 * read is the same term as the row of an insert.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rls.h"

#include "compat/values.h"
#include "sql/reader.h"

/* With row_security off it is an ERROR if there were policies to apply. */
static bool
may_scan(const TableReader *reader, const ReadRange *range)
{
	return range->by_block && range->filter == NULL &&
		   reader->relation->rd_rel->relam == HEAP_TABLE_AM_OID &&
		   check_enable_rls(RelationGetRelid(reader->relation), InvalidOid,
							false) != RLS_ENABLED;
}

static const bool *
needed_columns(const EtfPlan *plan, const TableKey *key)
{
	bool *needed = palloc0(sizeof(bool) * Max(plan->natts, 1));

	for (int i = 0; i < plan->nfields; i++)
		needed[plan->fields[i].attindex] = true;
	for (int i = 0; i < key->ncolumns; i++)
		needed[key->attnums[i] - 1] = true;
	for (int i = 0; i < plan->natts && plan->filter != NULL; i++)
		needed[i] |= etf_row_filter_uses(plan->filter, i);
	return needed;
}

void
etf_reader_open(TableReader *reader, const ReadRange *range)
{
	reader->max_bytes = range->max_bytes;
	reader->needed = needed_columns(&reader->plan, &reader->key);
	reader->row_context = AllocSetContextCreate(
		CurrentMemoryContext, "etf_read row", ALLOCSET_DEFAULT_SIZES);
	if (may_scan(reader, range))
	{
		if (!etf_may_select(&reader->plan, reader->relation))
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE,
						   RelationGetRelationName(reader->relation));
		reader->source =
			etf_scan_blocks(reader->relation, range->from_block, range->blocks);
		return;
	}
	reader->source = etf_scan_query(etf_read_statement(reader, range));
}

void
etf_reader_close(TableReader *reader)
{
	if (reader->source != NULL)
		reader->source->end(reader->source);
	reader->source = NULL;
	if (reader->relation != NULL)
		relation_close(reader->relation, NoLock);
	reader->relation = NULL;
}

/* row.c takes a value that lies elsewhere for one that the WAL lacks. */
static void
fetch_toasted(const TableReader *reader, EtfTuple *row)
{
	TupleDesc desc = RelationGetDescr(reader->relation);

	for (int i = 0; i < desc->natts; i++)
		if (reader->needed[i] && TupleDescAttr(desc, i)->attlen == -1 &&
			!row->nulls[i] &&
			VARATT_IS_EXTERNAL(DatumGetPointer(row->values[i])))
			row->values[i] = PointerGetDatum(detoast_external_attr(
				(struct varlena *) DatumGetPointer(row->values[i])));
}

/* A row that is there is for a condition what an insert is. */
static bool
is_published(const TableReader *reader, const EtfTuple *row)
{
	return reader->plan.filter == NULL ||
		   etf_row_filter(reader->plan.filter, ACTION_INSERT, NULL, row) != 0;
}

static void
tell_relation(TableReader *reader, FrameOut *frame)
{
	if (reader->told || reader->options->relations == RELATIONS_OFF)
		return;
	frame_put_uncounted(frame, reader->plan.event, reader->plan.event_len);
	reader->told = reader->options->relations == RELATIONS_SESSION;
}

/* {read, Rel, Row} */
static void
put_event(TableReader *reader, FrameOut *frame, const EtfTuple *row)
{
	TermOut *out = &frame->out;
	size_t before;

	if (frame->count == 0)
		tell_relation(reader, frame);
	before = out->len;
	etf_put_tuple(out, 3);
	etf_put_atom(out, "read");
	etf_put_uint(out, reader->plan.relid);
	etf_put_row(out, reader->plan.fields, reader->plan.nfields, row, NULL);
	frame_event_end(frame);
	reader->bytes += out->len - before;
	reader->rows++;
}

/*
 * The range ends at this row although there may be others.  Its key is told in
 * another call, which is another frame.
 */
static void
stop_at(TableReader *reader, const EtfTuple *row)
{
	MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(reader));
	Datum values[INDEX_MAX_KEYS];

	for (int i = 0; i < reader->key.ncolumns; i++)
		values[i] = row->values[reader->key.attnums[i] - 1];
	reader->last = etf_key_of_row(&reader->key, reader->relation, values);
	reader->more = reader->ended = true;
	MemoryContextSwitchTo(caller);
}

static void
put_row(TableReader *reader, FrameOut *frame, EtfTuple *row)
{
	MemoryContext caller = MemoryContextSwitchTo(reader->row_context);

	fetch_toasted(reader, row);
	if (is_published(reader, row))
		put_event(reader, frame, row);
	if (reader->max_bytes > 0 && reader->bytes >= reader->max_bytes)
		stop_at(reader, row);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(reader->row_context);
}

static bool
has_room(const TableReader *reader, const FrameOut *frame)
{
	return frame->count == 0 ||
		   frame_size(frame) < (size_t) reader->options->frame_bytes;
}

static void
put_rows(TableReader *reader, FrameOut *frame)
{
	EtfTuple row;

	while (!reader->ended && has_room(reader, frame))
	{
		CHECK_FOR_INTERRUPTS();
		if (!reader->source->next(reader->source, &row))
		{
			reader->ended = true;
			return;
		}
		put_row(reader, frame, &row);
	}
}

static void
put_last_key(TableReader *reader, TermOut *out)
{
	TextArray last = etf_text_array(DatumGetArrayTypeP(reader->last), "a key");

	etf_put_list(out, last.count);
	for (int i = 0; i < last.count; i++)
		etf_put_text(out, last.items[i], strlen(last.items[i]));
	etf_put_list_end(out);
}

/* {read_end, Tag, #{rows, bytes, more}}, with last => [Text] if more. */
static void
put_end(TableReader *reader, FrameOut *frame)
{
	TermOut *out = &frame->out;

	frame_open_read_end(frame, reader->tag, reader->tag_len);
	etf_put_map(out, reader->more ? 4 : 3);
	etf_put_atom(out, "rows");
	etf_put_uint(out, reader->rows);
	etf_put_atom(out, "bytes");
	etf_put_uint(out, reader->bytes);
	etf_put_atom(out, "more");
	if (!reader->more)
	{
		etf_put_atom(out, "false");
		return;
	}
	etf_put_atom(out, "true");
	etf_put_atom(out, "last");
	put_last_key(reader, out);
}

static void
put_frame(TableReader *reader, FrameOut *frame)
{
	if (!reader->ended)
	{
		frame_open_read(frame, reader->tag, reader->tag_len);
		put_rows(reader, frame);
		if (frame->count > 0)
		{
			frame_close_read(frame);
			return;
		}
		frame->out.len = frame->start;
	}
	put_end(reader, frame);
	reader->done = true;
}

bytea *
etf_reader_frame(TableReader *reader)
{
	StringInfoData buf;
	FrameOut frame;

	if (reader->done)
		return NULL;
	initStringInfo(&buf);
	buf.len = VARHDRSZ;
	etf_out_attach(&frame.out, &buf, &reader->options->forms);
	put_frame(reader, &frame);
	SET_VARSIZE(frame.out.data, frame.out.len);
	return (bytea *) frame.out.data;
}
