/*
 * event.c
 *		Packets to the BEAM, encoded with libei.
 *
 * Called by beam.c, and by node.c.
 */
#include "client/consumer/event.h"

#include <ei.h>
#include <stdlib.h>
#include <string.h>

#include "common/term/read.h"

#define LENGTH_SIZE 4
#define LIST_HEADER_SIZE 5

const char event_list_end = ERL_NIL_EXT;

static void
put_uint32(char *bytes, uint32_t value)
{
	bytes[0] = (char) (value >> 24);
	bytes[1] = (char) (value >> 16);
	bytes[2] = (char) (value >> 8);
	bytes[3] = (char) value;
}

/* A buffer that starts with room for the length. */
static bool
begin(ei_x_buff *x)
{
	return ei_x_new(x) == 0 &&
		   ei_x_append_buf(x, "\0\0\0\0", LENGTH_SIZE) == 0 &&
		   ei_x_encode_version(x) == 0;
}

static char *
finish(ei_x_buff *x, bool done, size_t *len)
{
	if (!done)
	{
		ei_x_free(x);
		return NULL;
	}
	*len = (size_t) x->index;
	put_uint32(x->buff, (uint32_t) (*len - LENGTH_SIZE));
	return x->buff;
}

static bool
put_text(ei_x_buff *x, const char *text)
{
	return ei_x_encode_binary(x, text, (int) strlen(text)) == 0;
}

char *
event_position(const char *tag, uint64_t lsn, size_t *len)
{
	ei_x_buff x;

	return finish(&x,
				  begin(&x) && ei_x_encode_tuple_header(&x, 2) == 0 &&
					  ei_x_encode_atom(&x, tag) == 0 &&
					  ei_x_encode_ulonglong(&x, lsn) == 0,
				  len);
}

static bool
put_texts(ei_x_buff *x, const char *const *texts, uint64_t count)
{
	bool done = count == 0 || ei_x_encode_list_header(x, (long) count) == 0;

	for (uint64_t i = 0; done && i < count; i++)
		done = put_text(x, texts[i]);
	return done && ei_x_encode_empty_list(x) == 0;
}

static bool
put_field(ei_x_buff *x, const Field *field)
{
	if (ei_x_encode_atom(x, field->key) != 0)
		return false;
	switch (field->kind)
	{
		case FIELD_NUMBER:
			return ei_x_encode_ulonglong(x, field->number) == 0;
		case FIELD_ATOM:
			return ei_x_encode_atom(x, field->text) == 0;
		case FIELD_TEXTS:
			return put_texts(x, field->texts, field->number);
		default:
			return put_text(x, field->text);
	}
}

static bool
put_fields(ei_x_buff *x, const Field *fields, size_t count)
{
	bool done = ei_x_encode_map_header(x, (long) count) == 0;

	for (size_t i = 0; done && i < count; i++)
		done = put_field(x, &fields[i]);
	return done;
}

char *
event_report(const char *tag, const char *name, const Field *fields,
			 size_t count, size_t *len)
{
	ei_x_buff x;

	return finish(&x,
				  begin(&x) &&
					  ei_x_encode_tuple_header(&x, name != NULL ? 3 : 2) == 0 &&
					  ei_x_encode_atom(&x, tag) == 0 &&
					  (name == NULL || ei_x_encode_atom(&x, name) == 0) &&
					  put_fields(&x, fields, count),
				  len);
}

/* {backfill, Name, Id, ...: one term is to follow. */
static bool
begin_backfill(ei_x_buff *x, const char *name, const char *id)
{
	return begin(x) && ei_x_encode_tuple_header(x, 4) == 0 &&
		   ei_x_encode_atom(x, "backfill") == 0 &&
		   ei_x_encode_atom(x, name) == 0 && put_text(x, id);
}

char *
event_backfill(const char *name, const char *id, const Field *fields,
			   size_t count, size_t *len)
{
	ei_x_buff x;

	return finish(
		&x, begin_backfill(&x, name, id) && put_fields(&x, fields, count), len);
}

char *
event_backfill_bytes(const char *name, const char *id, const char *bytes,
					 size_t size, size_t *len)
{
	ei_x_buff x;

	return finish(&x,
				  begin_backfill(&x, name, id) &&
					  ei_x_encode_binary(&x, bytes, (int) size) == 0,
				  len);
}

char *
event_log(const char *level, const char *text, size_t *len)
{
	ei_x_buff x;

	return finish(&x,
				  begin(&x) && ei_x_encode_tuple_header(&x, 3) == 0 &&
					  ei_x_encode_atom(&x, "log") == 0 &&
					  ei_x_encode_atom(&x, level) == 0 && put_text(&x, text),
				  len);
}

char *
event_frames(uint32_t count, uint64_t bytes, size_t *len)
{
	char *block = malloc(LENGTH_SIZE + 1 + LIST_HEADER_SIZE);

	if (block == NULL)
		return NULL;
	*len = LENGTH_SIZE + 1 + LIST_HEADER_SIZE;
	put_uint32(block, (uint32_t) (EVENT_FRAMES_AROUND + bytes));
	block[LENGTH_SIZE] = (char) TERM_VERSION;
	block[LENGTH_SIZE + 1] = ERL_LIST_EXT;
	put_uint32(block + LENGTH_SIZE + 2, count);
	return block;
}
