/*
 * answer.c
 *		What the sidecar answers: results, errors, notices.
 */
#include "postgres.h"

#include "beam/answer.h"
#include "beam/fail.h"
#include "beam/settings.h"

void
answer_bad(const TermReader *reader, const char *what)
{
	fail_protocol(SIDECAR_PEER, reader->error != NULL ? reader->error : what);
}

/* One of the six binaries of "raise". */
static char *
next_text(TermReader *reader)
{
	Term term;

	if (!term_next(reader, &term) || term.kind != TERM_BINARY)
		answer_bad(reader, "{Id, raise, ...} without texts");
	return fail_text((FailBytes){term.bytes, term.len});
}

static int
sqlstate_of(const char *text)
{
	if (strlen(text) != 5 ||
		strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 ||
		strncmp(text, "00", 2) == 0)
		return ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
	return MAKE_SQLSTATE(text[0], text[1], text[2], text[3], text[4]);
}

static void
report(TermReader *reader, int level)
{
	char *sqlstate = next_text(reader);
	char *message = next_text(reader);
	char *detail = next_text(reader);
	char *hint = next_text(reader);
	char *context = next_text(reader);

	ereport(level,
			(errcode(sqlstate_of(sqlstate)), errmsg_internal("%s", message),
			 *detail != '\0' ? errdetail_internal("%s", detail) : 0,
			 *hint != '\0' ? errhint("%s", hint) : 0,
			 *context != '\0' ? errcontext("%s", context) : 0));
}

void
answer_raise(TermReader *reader)
{
	report(reader, ERROR);
}

void
answer_warn(TermReader *reader)
{
	report(reader, WARNING);
}

typedef struct NoticeLevel
{
	const char *name;
	int level;
} NoticeLevel;

static const NoticeLevel notice_levels[] = {
	{"debug", DEBUG1},
	{"info", INFO},
	{"notice", NOTICE},
	{"warning", WARNING},
};

void
answer_notice(TermReader *reader)
{
	int level = DEBUG1;
	Term name;
	char *text;

	if (!term_next_atom(reader, &name, "{Id, notice, ...} without a level"))
		answer_bad(reader, "no level");
	for (int i = 0; i < (int) lengthof(notice_levels); i++)
		if (term_is_atom(&name, notice_levels[i].name))
			level = notice_levels[i].level;
	text = next_text(reader);
	ereport(elixir.log_notices ? level : DEBUG1, (errmsg_internal("%s", text)));
	pfree(text);
}

/* One walk, so that whoever reads the terms need not expect a broken one. */
static bool
rest_is_whole(const TermReader *reader, uint32 terms)
{
	TermReader rest = *reader;

	while (terms-- > 0)
		if (!term_skip(&rest))
			answer_bad(&rest, "a broken term");
	return term_at_end(&rest);
}

typedef struct AnswerForm
{
	const char *kind;
	uint32 arity;
} AnswerForm;

static const AnswerForm answer_forms[] = {
	[ANSWER_OK] = {"ok", 3},
	[ANSWER_MORE] = {"more", 3},
	[ANSWER_NOTICE] = {"notice", 4},
	[ANSWER_RAISE] = {"raise", 7},
};

static AnswerKind
find_kind(const Term *name)
{
	int found = 0;

	while (found < ANSWER_NONE && !term_is_atom(name, answer_forms[found].kind))
		found++;
	return found;
}

AnswerKind
answer_kind(TermReader *reader, int64 request)
{
	Term tuple;
	Term name;
	int64 id;
	AnswerKind kind;

	if (!term_read_version(reader) || !term_next(reader, &tuple) ||
		tuple.kind != TERM_TUPLE ||
		!term_next_int64(reader, &id, "not {Id, Kind, ...}") ||
		!term_next_atom(reader, &name, "not {Id, Kind, ...}"))
		answer_bad(reader, "not {Id, Kind, ...}");
	if (id != request)
		answer_bad(reader, "the answer to another request");
	kind = find_kind(&name);
	if (kind == ANSWER_NONE || tuple.count != answer_forms[kind].arity ||
		!rest_is_whole(reader, tuple.count - 2))
		answer_bad(reader, "not {Id, Kind, ...} of a known kind");
	return kind;
}
