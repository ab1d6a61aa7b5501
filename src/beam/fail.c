/*
 * fail.c
 *		What went wrong in the BEAM, as an ERROR of SQL.
 *
 * An Erlang error is a reason and a stack, both terms; Elixir's reason is an
 * exception, a map with a message.  Whatever cannot be read as such is shown
 * as the term that it is, so no failure hides behind another one.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "beam/fail.h"
#include "common/show/text.h"
#include "common/term/read.h"
#include "common/term/utf8.h"

/* What a message shows of a term; the rest is in DETAIL. */
#define SHORT_TEXT 200

/* Levels of nesting that are shown. */
#define MAX_LEVELS 100

/* Lines of a stack that are shown. */
#define MAX_FRAMES 20

static const char *const verbs[] = {
	[FAIL_ERROR] = "raised",
	[FAIL_THROW] = "threw",
	[FAIL_EXIT] = "exited with",
};

char *
fail_function(const char *module, const char *function, int arity)
{
	bool elixir = strncmp(module, "Elixir.", 7) == 0;

	return psprintf("%s%c%s/%d", elixir ? module + 7 : module,
					elixir ? '.' : ':', function, arity);
}

/* One character of UTF-8, as it is or, where the server has none, escaped. */
static void
put_character(StringInfo out, const uint8_t *bytes, size_t len, uint32 code)
{
	int encoding = GetDatabaseEncoding();

	if (code == 0)
		appendStringInfoString(out, "\\0");
	else if (code < 0x80 || encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		appendBinaryStringInfo(out, (const char *) bytes, (int) len);
	else
		appendStringInfo(out, "\\x{%X}", code);
}

/* Text that may end in the middle of a character, or be none. */
static void
put_text(StringInfo out, const uint8_t *bytes, size_t len)
{
	while (len > 0 && out->len < FAIL_TEXT)
	{
		uint32_t code;
		size_t used = utf8_decode(bytes, len, &code);

		if (used == 0)
			appendStringInfo(out, "\\%02X", *bytes);
		else
			put_character(out, bytes, used, code);
		bytes += Max(used, 1);
		len -= Max(used, 1);
	}
	if (len > 0)
		appendStringInfoString(out, " ...");
}

char *
fail_text(FailBytes text)
{
	StringInfoData out;

	initStringInfo(&out);
	put_text(&out, text.bytes, text.len);
	return out.data;
}

/* Enough is kept that put_text sees where to end. */
static void
collect(void *arg, const char *bytes, size_t len)
{
	StringInfo raw = arg;

	CHECK_FOR_INTERRUPTS();
	if (raw->len <= FAIL_TEXT)
		appendBinaryStringInfo(raw, bytes, (int) len);
}

static void
put_term(StringInfo out, FailBytes term, bool elixir)
{
	TextLevel levels[MAX_LEVELS];
	TermReader reader;
	TermText text;
	StringInfoData raw;

	initStringInfo(&raw);
	term_read_init(&reader, term.bytes, term.len);
	term_text_init(&text, elixir ? TEXT_ELIXIR : TEXT_ERLANG, levels,
				   MAX_LEVELS, collect, &raw);
	if (!term_text_print(&text, &reader))
		appendStringInfo(&raw, " ... (%s)", reader.error);
	put_text(out, (const uint8_t *) raw.data, raw.len);
	pfree(raw.data);
}

char *
fail_term(FailBytes term, bool elixir)
{
	StringInfoData out;

	initStringInfo(&out);
	put_term(&out, term, elixir);
	return out.data;
}

/* "" stands for no DETAIL, CONTEXT or HINT. */
static void
raise_call(const char *function, FailKind kind, const char *message,
		   const char *detail, const char *stack, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
					errmsg("%s %s %s", function, verbs[kind], message),
					*detail != '\0' ? errdetail("%s", detail) : 0,
					*hint != '\0' ? errhint("%s", hint) : 0,
					*stack != '\0' ? errcontext("%s", stack) : 0));
}

static FailBytes
bytes_of(const Term *term)
{
	return (FailBytes){term->bytes, term->len};
}

void
fail_texts(const char *function, FailKind kind, FailBytes message,
		   FailBytes detail, FailBytes stack)
{
	raise_call(function, kind, fail_text(message), fail_text(detail),
			   fail_text(stack), "");
}

/* An atom as text of the server's encoding. */
static char *
name_text(const Term *term)
{
	return fail_text((FailBytes){term->name.bytes, term->name.len});
}

/* Find what an atom stands for in a map; the reader is behind its head. */
static bool
map_field(TermReader reader, const Term *map, const char *name, Term *value)
{
	Term key;

	for (uint32_t i = 0; i < map->count; i++)
	{
		if (!term_next(&reader, &key))
			return false;
		if (key.kind == TERM_ATOM && term_is_atom(&key, name))
			return term_next(&reader, value);
		if (key.kind != TERM_ATOM || !term_skip(&reader))
			return false;
	}
	return false;
}

/* "ArgumentError: not a price", of an exception of Elixir's; else NULL. */
static char *
exception_text(FailBytes reason)
{
	TermReader reader;
	Term map;
	Term name;
	Term message;
	const char *text;

	term_read_init(&reader, reason.bytes, reason.len);
	if (!term_next(&reader, &map) || map.kind != TERM_MAP ||
		!map_field(reader, &map, "__exception__", &name) ||
		!term_is_atom(&name, "true") ||
		!map_field(reader, &map, "__struct__", &name) || name.kind != TERM_ATOM)
		return NULL;
	text = name_text(&name);
	if (strncmp(text, "Elixir.", 7) == 0)
		text += 7;
	if (!map_field(reader, &map, "message", &message) ||
		message.kind != TERM_BINARY)
		return pstrdup(text);
	return psprintf("%s: %s", text, fail_text(bytes_of(&message)));
}

static bool
is_undef(FailBytes reason)
{
	TermReader reader;
	Term term;

	term_read_init(&reader, reason.bytes, reason.len);
	return term_next(&reader, &term) && term.kind == TERM_ATOM &&
		   term_is_atom(&term, "undef");
}

/* The arity of a frame, which may have the arguments instead. */
static bool
read_arity(TermReader *reader, int *arity)
{
	TermReader ahead = *reader;
	Term term;

	if (!term_next(&ahead, &term) || !term_skip(reader))
		return false;
	switch (term.kind)
	{
		case TERM_INTEGER:
			*arity = (int) term.integer;
			return true;
		case TERM_NIL:
			*arity = 0;
			return true;
		case TERM_STRING:
			*arity = (int) term.len;
			return true;
		default:
			*arity = (int) term.count;
			return term.kind == TERM_LIST;
	}
}

/* "file" and "line" among the properties of a frame. */
static void
put_place(StringInfo out, FailBytes properties)
{
	TermReader reader;
	Term list;
	Term key;
	Term value;
	char *file = NULL;

	term_read_init(&reader, properties.bytes, properties.len);
	if (!term_next(&reader, &list) || list.kind != TERM_LIST)
		return;
	for (uint32_t i = 0; i < list.count; i++)
	{
		if (!term_next_tuple(&reader, 2, "no property") ||
			!term_next_atom(&reader, &key, "no property") ||
			!term_next(&reader, &value))
			return;
		if (term_is_atom(&key, "file") && value.kind == TERM_STRING)
			file = fail_text(bytes_of(&value));
		else if (term_is_atom(&key, "line") && file != NULL &&
				 value.kind == TERM_INTEGER)
			appendStringInfo(out, " (%s:%d)", file, (int) value.integer);
		else
			return;
	}
}

typedef struct Frame
{
	char *function;
	FailBytes properties;
} Frame;

/* {Module, Function, Arity or Arguments, Properties} */
static bool
read_frame(TermReader *reader, Frame *frame)
{
	Term module;
	Term function;
	int arity;

	if (!term_next_tuple(reader, 4, "no frame") ||
		!term_next_atom(reader, &module, "no module") ||
		!term_next_atom(reader, &function, "no function") ||
		!read_arity(reader, &arity))
		return false;
	frame->properties.bytes = reader->pos;
	if (!term_skip(reader))
		return false;
	frame->properties.len =
		reader->pos - (const uint8_t *) frame->properties.bytes;
	frame->function =
		fail_function(name_text(&module), name_text(&function), arity);
	return true;
}

static void
put_frame(StringInfo out, const Frame *frame)
{
	if (out->len > 0)
		appendStringInfoChar(out, '\n');
	appendStringInfoString(out, frame->function);
	put_place(out, frame->properties);
}

/*
 * As its last frame, erpc names what was called, without a place, also where
 * the frame before does.
 */
static char *
stack_text(FailBytes stack)
{
	StringInfoData out;
	TermReader reader;
	Term list;
	Frame frame;
	const char *above = "";

	initStringInfo(&out);
	term_read_init(&reader, stack.bytes, stack.len);
	if (!term_next(&reader, &list) || list.kind != TERM_LIST)
		return out.data;
	for (uint32_t i = 0; i < Min(list.count, MAX_FRAMES); i++)
	{
		if (out.len > FAIL_TEXT || !read_frame(&reader, &frame))
			break;
		if (i + 1 < list.count || strcmp(frame.function, above) != 0)
			put_frame(&out, &frame);
		above = frame.function;
	}
	return out.data;
}

void
fail_terms(const char *function, FailKind kind, FailBytes reason,
		   FailBytes stack)
{
	bool elixir = strchr(function, ':') == NULL;
	char *whole = fail_term(reason, elixir);
	char *message = exception_text(reason);
	char *detail = whole;

	if (message == NULL && strlen(whole) <= SHORT_TEXT)
	{
		message = whole;
		detail = "";
	}
	else if (message == NULL)
	{
		int len = pg_mbcliplen(whole, strlen(whole), SHORT_TEXT);

		message = psprintf("%.*s ...", len, whole);
	}
	raise_call(
		function, kind, message, detail, stack_text(stack),
		is_undef(reason)
			? "There is no such function, or it is not loaded.  A module "
			  "whose name begins with a capital is one of Elixir's."
			: "");
}

void
fail_protocol(const char *peer, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("%s sent what is no answer: %s", peer, what)));
}
