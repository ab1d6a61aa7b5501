/*
 * show_schema.c
 *		A schema event, and a command, as members of a JSON object.
 *
 * For show_json.c.  What has no name in the frame gets the one that
 * docs/print.md has.
 */
#include "client/show/show_schema.h"

/* Elements of a tuple, which has been opened, as members. */
static bool
put_members(Show *show, TermReader *reader, const char *const *names,
			uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
	{
		strbuf_putf(show->out, "%s\"%s\":", i == 0 ? "" : ",", names[i]);
		if (!show_term(show, reader))
			return false;
	}
	return true;
}

static bool
put_column(Show *show, TermReader *reader)
{
	static const char *const names[] = {"number", "name",	"type_oid",
										"type",	  "typmod", "flags"};
	Term column;

	if (!term_next(reader, &column))
		return false;
	if (column.kind != TERM_TUPLE || column.count != 6)
		return term_fail(reader, "column is not a tuple of 6");
	strbuf_puts(show->out, "{");
	if (!put_members(show, reader, names, 6))
		return false;
	strbuf_puts(show->out, "}");
	return true;
}

static bool
put_columns(Show *show, TermReader *reader)
{
	Term columns;

	strbuf_puts(show->out, ",\"columns\":[");
	if (!term_next(reader, &columns))
		return false;
	if (columns.kind != TERM_LIST && columns.kind != TERM_NIL)
		return term_fail(reader, "columns are not a list");
	for (uint32_t i = 0; columns.kind == TERM_LIST && i < columns.count; i++)
	{
		if (i > 0)
			strbuf_puts(show->out, ",");
		if (!put_column(show, reader))
			return false;
	}
	strbuf_puts(show->out, "]");
	return columns.kind == TERM_NIL || term_skip(reader);
}

static bool
put_state(Show *show, TermReader *reader)
{
	static const char *const names[] = {"schema", "table", "identity",
										"filenode"};
	Term state;

	if (!term_next(reader, &state))
		return false;
	if (state.kind == TERM_ATOM)
	{
		strbuf_puts(show->out, "null");
		return true;
	}
	if (state.kind != TERM_TUPLE || state.count != 5)
		return term_fail(reader, "state of a table is not a tuple of 5");
	strbuf_puts(show->out, "{");
	if (!put_members(show, reader, names, 4) || !put_columns(show, reader))
		return false;
	strbuf_puts(show->out, "}");
	return true;
}

bool
show_schema_members(Show *show, TermReader *reader)
{
	uint64_t id;

	if (!term_next_uint64(reader, &id, "relation is not a number"))
		return false;
	strbuf_putf(show->out,
				",\"relation\":%llu,\"before\":", (unsigned long long) id);
	if (!put_state(show, reader))
		return false;
	strbuf_puts(show->out, ",\"after\":");
	return put_state(show, reader);
}

static bool
put_object(Show *show, TermReader *reader)
{
	static const char *const names[] = {"type", "identity", "oid"};

	if (!term_next_tuple(reader, 3, "object is not a tuple of 3"))
		return false;
	strbuf_puts(show->out, "{");
	if (!put_members(show, reader, names, 3))
		return false;
	strbuf_puts(show->out, "}");
	return true;
}

static bool
put_objects(Show *show, TermReader *reader)
{
	Term objects;

	if (!term_next(reader, &objects))
		return false;
	if (objects.kind == TERM_NIL)
		objects.count = 0;
	else if (objects.kind != TERM_LIST)
		return term_fail(reader, "objects are not a list");
	strbuf_puts(show->out, "[");
	for (uint32_t i = 0; i < objects.count; i++)
	{
		if (i > 0)
			strbuf_puts(show->out, ",");
		if (!put_object(show, reader))
			return false;
	}
	strbuf_puts(show->out, "]");
	return objects.kind == TERM_NIL || term_skip(reader);
}

static bool
put_member(Show *show, TermReader *reader, const char *key,
		   bool (*put)(Show *show, TermReader *reader))
{
	Term atom;

	if (!term_next_atom(reader, &atom, "command has a member without a name"))
		return false;
	if (!term_is_atom(&atom, key))
		return term_fail(reader, "command has other members");
	strbuf_putf(show->out, ",\"%s\":", key);
	return put(show, reader);
}

bool
show_command_members(Show *show, TermReader *reader)
{
	Term command;

	if (!term_next(reader, &command))
		return false;
	if (command.kind != TERM_MAP || command.count != 4)
		return term_fail(reader, "command is not a map of 4");
	return put_member(show, reader, "tag", show_term) &&
		   put_member(show, reader, "text", show_term) &&
		   put_member(show, reader, "objects", put_objects) &&
		   put_member(show, reader, "user", show_term);
}
