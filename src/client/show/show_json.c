/*
 * show_json.c
 *		Changes as lines of JSON.
 *
 * The events of a frame are read one after another.  Names of tables, and of
 * columns where rows are tuples, come from the relation events before.
 */
#include "client/show/show_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/show/envelope.h"
#include "client/show/show_place.h"
#include "client/show/show_relation.h"
#include "client/show/show_schema.h"

static bool
read_relation(Event *event)
{
	return show_read_relation(event->show, event->reader);
}

static bool
put_place(Event *event)
{
	return show_put_place(event->show, event->head, event->reader,
						  event->index);
}

static const ShowRelation *
read_table(Event *event)
{
	static const ShowRelation unknown = {.id = 0};
	const ShowRelation *relation;
	uint64_t id;

	if (!term_next_uint64(event->reader, &id, "relation is not a number"))
		return NULL;
	relation = show_find_relation(event->show, id);
	if (relation != NULL && relation->schema != NULL && relation->table != NULL)
		strbuf_putf(event->show->out, ",\"schema\":%s,\"table\":%s",
					relation->schema, relation->table);
	else
		strbuf_putf(event->show->out, ",\"relation\":%llu",
					(unsigned long long) id);
	return relation != NULL ? relation : &unknown;
}

/* One column of a record; what did not change is only named, afterwards. */
static bool
put_member(Event *event, const char *name, bool *first, StrBuf *unchanged)
{
	StrBuf *out = event->show->out;
	TermReader ahead = *event->reader;
	Term value;

	if (term_next(&ahead, &value) && (term_is_atom(&value, "unchanged_toast") ||
									  term_is_atom(&value, "unchanged")))
	{
		strbuf_putf(unchanged, "%s%s", unchanged->len > 0 ? "," : "", name);
		*event->reader = ahead;
		return true;
	}
	strbuf_putf(out, "%s%s:", *first ? "" : ",", name);
	*first = false;
	return show_term(event->show, event->reader);
}

static bool
put_map_members(Event *event, uint32_t count, StrBuf *unchanged)
{
	bool first = true;

	for (uint32_t i = 0; i < count; i++)
	{
		char *name = show_read_name(event->show, event->reader);
		bool done = name != NULL && put_member(event, name, &first, unchanged);

		free(name);
		if (!done)
			return false;
	}
	return true;
}

/* A tuple without its relation: the numbers of the columns are their names. */
static bool
put_tuple_members(Event *event, const ShowRelation *relation, uint32_t count,
				  bool key_only, StrBuf *unchanged)
{
	bool first = true;
	uint32_t column = 0;
	char number[16];

	for (uint32_t i = 0; i < count; i++, column++)
	{
		const char *name = number;

		while (key_only && column < relation->column_count &&
			   !relation->columns[column].key)
			column++;
		snprintf(number, sizeof(number), "\"%u\"", column + 1);
		if (column < relation->column_count)
			name = relation->columns[column].name;
		if (!put_member(event, name, &first, unchanged))
			return false;
	}
	return true;
}

/* ,"KEY":{...} and, if there is something, ,"unchanged":[...] */
static bool
put_row(Event *event, const ShowRelation *relation, const char *key,
		bool key_only)
{
	StrBuf *out = event->show->out;
	StrBuf unchanged = {0};
	Term row;
	bool done = term_next(event->reader, &row);

	strbuf_putf(out, ",\"%s\":{", key);
	if (done && row.kind == TERM_MAP)
		done = put_map_members(event, row.count, &unchanged);
	else if (done && row.kind == TERM_TUPLE)
		done =
			put_tuple_members(event, relation, row.count, key_only, &unchanged);
	else if (done)
		done = term_fail(event->reader, "row is neither a map nor a tuple");
	strbuf_puts(out, "}");
	if (unchanged.len > 0)
		strbuf_putf(out, ",\"unchanged\":[%s]", unchanged.data);
	out->failed |= unchanged.failed;
	strbuf_free(&unchanged);
	return done;
}

/* nil | none | {key, Row} | {full, Row} */
static bool
put_old(Event *event, const ShowRelation *relation)
{
	Term old;
	Term kind;

	if (!term_next(event->reader, &old))
		return false;
	if (old.kind == TERM_ATOM)
		return true;
	if (old.kind != TERM_TUPLE || old.count != 2)
		return term_fail(event->reader, "old row is not a tuple of 2");
	if (!term_next_atom(event->reader, &kind, "old row has no kind"))
		return false;
	return put_row(event, relation, "old", term_is_atom(&kind, "key"));
}

static bool
put_change(Event *event, const char *op, bool has_old, bool has_new)
{
	const ShowRelation *relation;

	show_put_op(event->show, op);
	relation = read_table(event);
	if (relation == NULL || (has_old && !put_old(event, relation)) ||
		(has_new && !put_row(event, relation, "record", false)))
		return false;
	return put_place(event);
}

static bool
put_insert(Event *event)
{
	return put_change(event, "insert", false, true);
}

static bool
put_update(Event *event)
{
	return put_change(event, "update", true, true);
}

static bool
put_delete(Event *event)
{
	return put_change(event, "delete", true, false);
}

/* {read, Rel, Row} */
static bool
put_read(Event *event)
{
	return put_change(event, "read", false, true);
}

/* {truncate, Rels, Flags}: a line for each table, all with one index */
static bool
put_truncate(Event *event)
{
	Term relations;

	if (!term_next(event->reader, &relations))
		return false;
	if (relations.kind != TERM_LIST)
		return term_fail(event->reader, "truncate without relations");
	for (uint32_t i = 0; i < relations.count; i++)
	{
		show_put_op(event->show, "truncate");
		if (read_table(event) == NULL)
			return false;
		if (!put_place(event))
			return false;
	}
	return term_skip(event->reader) && term_skip(event->reader);
}

/* Prefix, Content: of a transaction or by itself */
static bool
put_message(Event *event)
{
	StrBuf *out = event->show->out;

	show_put_op(event->show, "message");
	strbuf_puts(out, ",\"prefix\":");
	if (!show_term(event->show, event->reader))
		return false;
	strbuf_puts(out, ",\"content\":");
	if (!show_term(event->show, event->reader))
		return false;
	return put_place(event);
}

static bool
put_schema(Event *event)
{
	show_put_op(event->show, "schema");
	return show_schema_members(event->show, event->reader) && put_place(event);
}

static bool
put_command(Event *event)
{
	show_put_op(event->show, "ddl");
	return show_command_members(event->show, event->reader) && put_place(event);
}

static bool
insert_envelope(Event *event)
{
	return envelope_put_change(event, "c", false, true);
}

static bool
update_envelope(Event *event)
{
	return envelope_put_change(event, "u", true, true);
}

static bool
delete_envelope(Event *event)
{
	return envelope_put_change(event, "d", true, false);
}

static bool
read_envelope(Event *event)
{
	return envelope_put_change(event, "r", false, true);
}

/* Nothing of Debezium's would be it. */
static bool
skip_schema(Event *event)
{
	return term_skip(event->reader) && term_skip(event->reader) &&
		   term_skip(event->reader);
}

static bool
skip_command(Event *event)
{
	return term_skip(event->reader);
}

static const struct
{
	const char *tag;
	uint32_t arity;
	bool counted;
	bool (*show)(Event *event);
	bool (*envelope)(Event *event);
} kinds[] = {
	{"relation", 6, false, read_relation, read_relation},
	{"schema", 4, false, put_schema, skip_schema},
	{"insert", 3, true, put_insert, insert_envelope},
	{"update", 4, true, put_update, update_envelope},
	{"delete", 3, true, put_delete, delete_envelope},
	{"truncate", 3, true, put_truncate, envelope_put_truncate},
	{"message", 3, true, put_message, envelope_put_message},
	{"read", 3, true, put_read, read_envelope},
	{"ddl", 2, false, put_command, skip_command},
};

static bool
put_event(Event *event)
{
	Term tuple;
	Term tag;

	if (!term_next(event->reader, &tuple) ||
		!term_next_atom(event->reader, &tag, "event is not a tagged tuple"))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		if (tuple.kind == TERM_TUPLE && tuple.count == kinds[i].arity &&
			term_is_atom(&tag, kinds[i].tag))
		{
			bool done = event->show->envelope ? kinds[i].envelope(event)
											  : kinds[i].show(event);

			event->index += kinds[i].counted;
			return done;
		}
	}
	return term_fail(event->reader, "unknown kind of event");
}

static bool
put_events(Event *event)
{
	Term events;

	if (!term_next(event->reader, &events))
		return false;
	if (events.kind == TERM_NIL)
		return true;
	if (events.kind != TERM_LIST)
		return term_fail(event->reader, "events are not a list");
	for (uint32_t i = 0; i < events.count; i++)
	{
		if (!put_event(event))
			return false;
	}
	return true;
}

/*
 * What was read describes tables as its snapshot has them.  The stream may be
 * at another place, so neither knows the other's descriptions.
 */
static bool
put_rows_read(Event *event)
{
	Show *show = event->show;
	bool done;

	show_swap_relations(show);
	done = put_events(event);
	show_swap_relations(show);
	return done;
}

bool
show_json_frame(Show *show, const FrameHead *head, TermReader *reader)
{
	Event event = {show, head, reader, head->first_index};

	if (head->kind == FRAME_READ)
		return put_rows_read(&event);
	if (head->kind == FRAME_READ_END)
		return true;
	if (head->kind == FRAME_MESSAGE)
	{
		reader->pos = reader->start + head->meta;
		return show->envelope ? envelope_put_message(&event)
							  : put_message(&event);
	}
	if (head->kind == FRAME_DECISION && show->envelope)
		return true;
	if (head->kind == FRAME_DECISION)
		return show_put_decision(show, head, reader);
	if (show->transactions && frame_begins(head) &&
		!show_put_boundary(show, head, reader, "begin"))
		return false;
	if (!put_events(&event))
		return false;
	return !show->transactions || !frame_ends(head) ||
		   show_put_boundary(show, head, reader,
							 head->kind == FRAME_PREPARE ? "prepare"
														 : "commit");
}
