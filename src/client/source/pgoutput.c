/*
 * pgoutput.c
 *		Messages of pgoutput, protocols 1 and 2: bytes only.
 *
 * Called by assemble.c, block.c, plans.c and copy_rows.c.
 */
#include "client/source/pgoutput.h"

#include <string.h>

static uint64_t
get_uint64(PgReader *reader)
{
	uint64_t high = pg_uint32(reader);

	return high << 32 | pg_uint32(reader);
}

static const char *
get_string(PgReader *reader)
{
	size_t left = (size_t) (reader->end - reader->at);
	const char *end = reader->bad ? NULL : memchr(reader->at, '\0', left);
	const char *string = reader->at;

	if (end == NULL)
	{
		reader->bad = true;
		return "";
	}
	reader->at = end + 1;
	return string;
}

bool
pg_read_begin(PgReader *reader, PgBegin *begin)
{
	begin->final_lsn = get_uint64(reader);
	begin->time = (int64_t) get_uint64(reader);
	begin->xid = pg_uint32(reader);
	return pg_at_end(reader);
}

bool
pg_read_commit(PgReader *reader, PgCommit *commit)
{
	pg_byte(reader); /* flags, of which there are none */
	commit->commit_lsn = get_uint64(reader);
	commit->end_lsn = get_uint64(reader);
	commit->time = (int64_t) get_uint64(reader);
	return pg_at_end(reader);
}

bool
pg_read_stream_start(PgReader *reader, PgStreamStart *start)
{
	start->xid = pg_uint32(reader);
	start->first = pg_byte(reader) == 1;
	return pg_at_end(reader);
}

bool
pg_read_stream_commit(PgReader *reader, PgStreamCommit *commit)
{
	commit->xid = pg_uint32(reader);
	return pg_read_commit(reader, &commit->commit);
}

bool
pg_read_origin(PgReader *reader, PgOrigin *origin)
{
	origin->lsn = get_uint64(reader);
	origin->name = get_string(reader);
	return pg_at_end(reader);
}

/* pg_catalog comes as an empty name. */
static const char *
get_schema(PgReader *reader)
{
	const char *name = get_string(reader);

	return *name == '\0' ? "pg_catalog" : name;
}

bool
pg_read_type(PgReader *reader, PgType *type)
{
	type->oid = pg_uint32(reader);
	type->schema = get_schema(reader);
	type->name = get_string(reader);
	return pg_at_end(reader);
}

void
pg_next_column(PgReader *columns, PgColumn *column)
{
	column->key = (pg_byte(columns) & 1) != 0;
	column->name = get_string(columns);
	column->typid = pg_uint32(columns);
	column->typmod = (int32_t) pg_uint32(columns);
}

bool
pg_read_relation(PgReader *reader, PgRelation *relation)
{
	PgColumn column;

	relation->relid = pg_uint32(reader);
	relation->schema = get_schema(reader);
	relation->name = get_string(reader);
	relation->identity = pg_byte(reader);
	relation->ncolumns = pg_uint16(reader);
	relation->columns = *reader;
	for (int i = 0; i < relation->ncolumns && !reader->bad; i++)
		pg_next_column(reader, &column);
	return pg_at_end(reader);
}

PgValue
pg_copied_value(PgReader *values, PgValueKind kind)
{
	uint32_t len = pg_uint32(values);
	const char *bytes = len == UINT32_MAX ? NULL : pg_take(values, len);

	return bytes != NULL ? (PgValue){kind, bytes, len}
						 : (PgValue){.kind = PG_NULL};
}

static void
read_row(PgReader *reader, PgRow *row)
{
	PgValue value;

	row->nvalues = pg_uint16(reader);
	row->values = *reader;
	for (int i = 0; i < row->nvalues && !reader->bad; i++)
		pg_next_value(reader, &value);
}

bool
pg_read_change(PgReader *reader, char kind, PgChange *change)
{
	char mark;

	change->relid = pg_uint32(reader);
	change->old_kind = 0;
	mark = pg_byte(reader);
	if (kind != 'I' && (mark == 'K' || mark == 'O'))
	{
		change->old_kind = mark;
		read_row(reader, &change->old_row);
		mark = kind == 'D' ? 'N' : pg_byte(reader);
	}
	else if (kind == 'D')
		return false;
	if (kind != 'D')
		read_row(reader, &change->new_row);
	return mark == 'N' && pg_at_end(reader);
}

bool
pg_read_truncate(PgReader *reader, PgTruncate *truncate)
{
	uint32_t count = pg_uint32(reader);
	char flags = pg_byte(reader);

	truncate->cascade = (flags & 1) != 0;
	truncate->restart = (flags & 2) != 0;
	truncate->relids = *reader;
	truncate->count = (int) count;
	return !reader->bad && (size_t) (reader->end - reader->at) / 4 == count &&
		   (reader->end - reader->at) % 4 == 0;
}

bool
pg_read_message(PgReader *reader, PgMessage *message)
{
	message->transactional = (pg_byte(reader) & 1) != 0;
	message->lsn = get_uint64(reader);
	message->prefix = get_string(reader);
	message->len = pg_uint32(reader);
	message->content = pg_take(reader, message->len);
	return pg_at_end(reader);
}
