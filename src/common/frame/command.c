/*
 * command.c
 *		Check the command of a ddl event.
 *
 * A reader takes a frame with atoms that it does not know for malformed, and
 * stops.  So the shape is checked, not only that it is a term: whoever writes
 * a message must not be able to stop a reader.
 */
#include "common/frame/command.h"

#include "common/term/read.h"

static const char *const not_one = "not a command";

/* A binary, or what stands in place of one. */
static bool
read_text(TermReader *reader)
{
	Term term;
	Term instead;

	if (!term_next(reader, &term) || term.kind == TERM_BINARY)
		return reader->error == NULL;
	if (term.kind != TERM_TUPLE || term.count != 2 ||
		!term_next_atom(reader, &term, not_one) || !term_next(reader, &instead))
		return term_fail(reader, not_one);
	if (!(term_is_atom(&term, "unconverted") && instead.kind == TERM_BINARY) &&
		!(term_is_atom(&term, "oversized") && instead.kind == TERM_INTEGER))
		return term_fail(reader, not_one);
	return true;
}

/* {Type, Identity, Oid} */
static bool
read_object(TermReader *reader)
{
	uint64_t oid;

	return term_next_tuple(reader, 3, not_one) && read_text(reader) &&
		   read_text(reader) && term_next_uint64(reader, &oid, not_one) &&
		   (oid <= UINT32_MAX || term_fail(reader, not_one));
}

static bool
read_objects(TermReader *reader)
{
	Term list;

	if (!term_next(reader, &list) || list.kind == TERM_NIL)
		return reader->error == NULL;
	if (list.kind != TERM_LIST)
		return term_fail(reader, not_one);
	for (uint32_t i = 0; i < list.count; i++)
		if (!read_object(reader))
			return false;
	return term_next(reader, &list) &&
		   (list.kind == TERM_NIL || term_fail(reader, not_one));
}

static bool
read_member(TermReader *reader, const char *key,
			bool (*read_value)(TermReader *reader))
{
	Term atom;

	return term_next_atom(reader, &atom, not_one) &&
		   (term_is_atom(&atom, key) || term_fail(reader, not_one)) &&
		   read_value(reader);
}

bool
command_is_sound(const void *bytes, size_t len)
{
	TermReader reader;
	Term map;

	term_read_init(&reader, bytes, len);
	return term_read_version(&reader) && term_next(&reader, &map) &&
		   map.kind == TERM_MAP && map.count == 4 &&
		   read_member(&reader, "tag", read_text) &&
		   read_member(&reader, "text", read_text) &&
		   read_member(&reader, "objects", read_objects) &&
		   read_member(&reader, "user", read_text) && term_at_end(&reader);
}
