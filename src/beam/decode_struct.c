/*
 * decode_struct.c
 *		Fields of Elixir structs, elements of lists and tuples.
 */
#include "postgres.h"

#include "datatype/timestamp.h"

#include "beam/decoders.h"

static int
find_name(const char *const *names, const Term *key)
{
	for (int i = 0; names[i] != NULL; i++)
		if (term_is_atom(key, names[i]))
			return i;
	return -1;
}

/* Remembers where the value of a known field begins, and passes over it. */
static bool
find_field(TermReader *reader, const char *module, const char *const *names,
		   StructReader *fields, bool *is_module)
{
	Term key;
	Term value;
	int field;

	if (!term_next(reader, &key) || key.kind != TERM_ATOM)
		return false;
	if (term_is_atom(&key, "__struct__"))
	{
		*is_module = term_next(reader, &value) && value.kind == TERM_ATOM &&
					 term_is_atom(&value, module);
		return *is_module;
	}
	field = find_name(names, &key);
	if (field >= 0)
		fields->at[field] = reader->pos;
	return term_skip(reader);
}

bool
struct_begin(Decoding *in, const Term *map, const char *module,
			 const char *const *names, StructReader *fields)
{
	TermReader reader = in->reader;
	bool is_module = false;

	memset(fields, 0, sizeof(StructReader));
	if (map->kind != TERM_MAP)
		return false;
	for (uint32 i = 0; i < map->count; i++)
		if (!find_field(&reader, module, names, fields, &is_module))
			return false;
	for (int i = 0; names[i] != NULL; i++)
		if (fields->at[i] == NULL)
			return false;
	if (is_module)
		in->reader = reader;
	return is_module;
}

Decoding
struct_at(const Decoding *in, const StructReader *fields, int field)
{
	Decoding at = *in;

	at.reader.pos = fields->at[field];
	return at;
}

bool
struct_int(const Decoding *in, const StructReader *fields, int field, int64 min,
		   int64 max, int64 *value)
{
	Decoding at = struct_at(in, fields, field);
	Term term;

	decode_next(&at, &term);
	*value = term.integer;
	return term.kind == TERM_INTEGER && term.integer >= min &&
		   term.integer <= max;
}

bool
struct_bool(const Decoding *in, const StructReader *fields, int field,
			bool *value)
{
	Decoding at = struct_at(in, fields, field);
	Term term;

	decode_next(&at, &term);
	*value = term.kind == TERM_ATOM && term_is_atom(&term, "true");
	return *value || (term.kind == TERM_ATOM && term_is_atom(&term, "false"));
}

bool
struct_microsecond(const Decoding *in, const StructReader *fields, int field,
				   int64 *value)
{
	Decoding at = struct_at(in, fields, field);
	Term pair;
	Term number;
	Term digits;

	decode_next(&at, &pair);
	if (pair.kind != TERM_TUPLE || pair.count != 2)
		return false;
	decode_next(&at, &number);
	decode_next(&at, &digits);
	*value = number.integer;
	return number.kind == TERM_INTEGER && digits.kind == TERM_INTEGER &&
		   number.integer > -USECS_PER_SEC && number.integer < USECS_PER_SEC;
}

bool
tuple_of_ints(Decoding *in, const Term *term, int count, int64 max,
			  int64 *values)
{
	Term element;

	if (term->kind != TERM_TUPLE || term->count != (uint32) count)
		return false;
	for (int i = 0; i < count; i++)
	{
		decode_next(in, &element);
		if (element.kind != TERM_INTEGER || element.integer < 0 ||
			element.integer > max)
			return false;
		values[i] = element.integer;
	}
	return true;
}

bool
list_begin(ListReader *list, const Term *term)
{
	list->list = term;
	list->index = 0;
	switch (term->kind)
	{
		case TERM_NIL:
			list->count = 0;
			return true;
		case TERM_STRING:
			list->count = term->len;
			return true;
		case TERM_LIST:
			list->count = term->count;
			return true;
		default:
			return false;
	}
}

/* An element of a string has no token of its own. */
static void
string_element(const ListReader *list, Term *element)
{
	*element = (Term){.kind = TERM_INTEGER,
					  .integer = list->list->bytes[list->index],
					  .offset = list->list->offset};
}

/* A list whose tail is no list is none. */
static void
end_list(Decoding *in, const ListReader *list)
{
	Term tail;

	if (list->list->kind != TERM_LIST)
		return;
	decode_next(in, &tail);
	if (tail.kind != TERM_NIL)
		decode_mismatch(in, in->type, list->list);
}

bool
list_next(Decoding *in, ListReader *list, Term *element)
{
	if (list->index == list->count)
	{
		end_list(in, list);
		return false;
	}
	if (list->list->kind == TERM_STRING)
		string_element(list, element);
	else
		decode_next(in, element);
	list->index++;
	return true;
}
