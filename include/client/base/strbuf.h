/*
 * strbuf.h
 *		Text that grows.
 *
 * A failed allocation sets "failed" once; what is put after that is lost, so
 * callers test only at the end.  Always terminated, once something was put.
 */
#ifndef ETF_STRBUF_H
#define ETF_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct StrBuf
{
	char *data;
	size_t len;
	size_t size;
	bool failed;
} StrBuf;

extern void strbuf_free(StrBuf *text);

/* What is in it so far. */
static inline const char *
strbuf_text(const StrBuf *text)
{
	return text->data != NULL ? text->data : "";
}

/* Room for "len" more bytes and a terminator; NULL when there is none. */
extern char *strbuf_reserve(StrBuf *text, size_t len);

/* Take its first bytes away. */
extern void strbuf_drop(StrBuf *text, size_t len);

extern void strbuf_put(StrBuf *text, const char *bytes, size_t len);
extern void strbuf_puts(StrBuf *text, const char *string);
extern void strbuf_putf(StrBuf *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * For the replication commands, which know no escape but doubled quotes: an
 * identifier in '"', a literal in '\''.
 */
extern void strbuf_put_quoted(StrBuf *text, const char *string, char quote);

/* A literal of SQL, whatever standard_conforming_strings is. */
extern void strbuf_put_literal(StrBuf *text, const char *string);

#endif
