/*
 * shown.h
 *		What encoders write, as text: a case of a test is then a line.
 *
 * The term is read back and shown as Elixir in that dialect, else as Erlang;
 * it has to end where the bytes do.
 */
#ifndef ETF_TEST_SHOWN_H
#define ETF_TEST_SHOWN_H

#include "check.h"
#include "common/show/text.h"
#include "host.h"

#define LEVELS 100
#define TEXT_MAX 4096

static Forms forms;
static TermOut out = {.forms = &forms, .host = &test_host};

static char shown[TEXT_MAX];
static size_t shown_len;

static inline void
collect(void *arg, const char *bytes, size_t len)
{
	(void) arg;
	if (shown_len + len >= TEXT_MAX)
		abort();
	memcpy(shown + shown_len, bytes, len);
	shown_len += len;
	shown[shown_len] = '\0';
}

static inline void
begin(EtfDialect dialect)
{
	forms = (Forms){.dialect = dialect, .null = "nil", .null_len = 3};
	forms_resolve(&forms);
}

/* What was written since the last call, as text. */
static inline const char *
written(void)
{
	TextLevel levels[LEVELS];
	TermReader reader;
	TermText text;

	shown_len = 0;
	term_read_init(&reader, out.data, out.len);
	term_text_init(&text,
				   forms.dialect == DIALECT_ELIXIR ? TEXT_ELIXIR : TEXT_ERLANG,
				   levels, LEVELS, collect, NULL);
	CHECK(term_text_print(&text, &reader) && term_at_end(&reader));
	free(out.data);
	out.data = NULL;
	out.len = out.size = 0;
	return shown;
}

static inline void
expect(const char *expected, int line)
{
	const char *text = written();

	if (!check_note(strcmp(text, expected) == 0, __FILE__, line, expected))
		fprintf(stderr, "    %s\n", text);
}

#define EXPECT(expected) expect(expected, __LINE__)

#endif
