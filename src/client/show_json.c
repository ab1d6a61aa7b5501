/*
 * show_json.c
 *		Changes as lines of JSON.
 *
 * The events of a frame are read one after another.  Names of tables, and of
 * columns where rows are tuples, come from the relation events before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/show.h"
#include "common/lsn.h"

typedef struct Event
{
	Show *show;
	const FrameHead *head;
	TermReader *reader;
	uint64_t index;
} Event;

static bool
read_relation(Event *event)
{
	return show_read_relation(event->show, event->reader);
}

static void
put_lsn(StrBuf *out, const char *key, uint64_t lsn)
{
	char text[LSN_TEXT_SIZE];

	lsn_to_text(lsn, text);
	strbuf_putf(out, ",\"%s\":\"%s\"", key, text);
}

static void
put_time(StrBuf *out, int64_t microseconds)
{
	int fraction = (int) (microseconds % 1000000);
	time_t seconds = (time_t) (microseconds / 1000000);
	char text[32];
	struct tm tm;

	if (fraction < 0)
	{
		fraction += 1000000;
		seconds--;
	}

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	strbuf_putf(out, ",\"commit_time\":\"%s.%06dZ\"", text, fraction);
}

/* {"op":"insert" */
static void
put_op(Event *event, const char *op)
{
	static const char *const colors[][2] = {
		{"insert", "32"}, {"update", "33"}, {"delete", "31"}, {"", "36"}};
	int i = 0;

	while (colors[i][0][0] != '\0' && strcmp(colors[i][0], op) != 0)
		i++;
	if (event->show->colors)
		strbuf_putf(event->show->out, "{\"op\":\033[%sm\"%s\"\033[0m",
					colors[i][1], op);
	else
		strbuf_putf(event->show->out, "{\"op\":\"%s\"", op);
}

/*
 * Where the change is: the end of the line.  A message outside a transaction
 * comes under the end of its record, where a commit may begin: the place
 * before it is its own, since records begin at multiples of 8.
 */
static void
put_position(Event *event)
{
	StrBuf *out = event->show->out;
	const FrameHead *head = event->head;
	bool alone = head->kind == FRAME_MESSAGE;

	put_lsn(out, "commit_lsn", alone ? head->end_lsn - 1 : head->commit_lsn);
	strbuf_putf(out, ",\"index\":%llu", (unsigned long long) event->index);
	if (alone)
		put_lsn(out, "end_lsn", head->end_lsn);
	else
	{
		strbuf_putf(out, ",\"xid\":%u", head->xid);
		put_time(out, head->commit_time);
	}
	strbuf_puts(out, "}\n");
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

	if (term_next(&ahead, &value) && term_is_atom(&value, "unchanged_toast"))
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
	if (!term_next_atom(event->reader, &kind, "old row is of no kind"))
		return false;
	return put_row(event, relation, "old", term_is_atom(&kind, "key"));
}

static bool
put_change(Event *event, const char *op, bool has_old, bool has_new)
{
	const ShowRelation *relation;

	put_op(event, op);
	relation = read_table(event);
	if (relation == NULL || (has_old && !put_old(event, relation)) ||
		(has_new && !put_row(event, relation, "record", false)))
		return false;
	put_position(event);
	return true;
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
		put_op(event, "truncate");
		if (read_table(event) == NULL)
			return false;
		put_position(event);
	}
	return term_skip(event->reader) && term_skip(event->reader);
}

/* Prefix, Content: of a transaction or by itself */
static bool
put_message(Event *event)
{
	StrBuf *out = event->show->out;

	put_op(event, "message");
	strbuf_puts(out, ",\"prefix\":");
	if (!show_term(event->show, event->reader))
		return false;
	strbuf_puts(out, ",\"content\":");
	if (!show_term(event->show, event->reader))
		return false;
	put_position(event);
	return true;
}

static const struct
{
	const char *tag;
	uint32_t arity;
	bool counted;
	bool (*show)(Event *event);
} kinds[] = {
	{"relation", 6, false, read_relation}, {"insert", 3, true, put_insert},
	{"update", 4, true, put_update},	   {"delete", 3, true, put_delete},
	{"truncate", 3, true, put_truncate},   {"message", 3, true, put_message},
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
			bool done = kinds[i].show(event);

			event->index += kinds[i].counted;
			return done;
		}
	}
	return term_fail(event->reader, "unknown kind of event");
}

static void
put_boundary(Event *event, const char *op)
{
	StrBuf *out = event->show->out;

	put_op(event, op);
	strbuf_putf(out, ",\"xid\":%u", event->head->xid);
	put_lsn(out, "commit_lsn", event->head->commit_lsn);
	put_lsn(out, "end_lsn", event->head->end_lsn);
	put_time(out, event->head->commit_time);
	strbuf_puts(out, "}\n");
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

bool
show_json_frame(Show *show, const FrameHead *head, TermReader *reader)
{
	Event event = {show, head, reader, head->first_index};

	if (head->kind == FRAME_MESSAGE)
	{
		reader->pos = reader->start + head->meta;
		return put_message(&event);
	}
	if (show->transactions && frame_begins(head))
		put_boundary(&event, "begin");
	if (!put_events(&event))
		return false;
	if (show->transactions && frame_ends(head))
		put_boundary(&event, "commit");
	return true;
}
