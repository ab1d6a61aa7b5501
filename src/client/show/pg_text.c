/*
 * pg_text.c
 *		Values as PostgreSQL's output functions write them.
 *
 * Of envelope_value.c.  Times of day are in UTC, and dates in ISO style, as with
 * the settings that the plugin itself pins.
 */
#include "client/show/pg_text.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "common/value/calendar.h"

#define DAYS_1970 10957 /* from there to 2000 */

int
pg_text_digits(int64_t usecs)
{
	int digits = PRECISION_MAX;

	for (usecs %= SECOND_USECS; digits > 0 && usecs % 10 == 0; usecs /= 10)
		digits--;
	return digits;
}

void
pg_text_date(int64_t days, StrBuf *text)
{
	char iso[ISO_SIZE];
	CalendarDate date = calendar_date((int32_t) (days - DAYS_1970));
	bool bc = date.year <= 0;

	if (bc)
		date.year = 1 - date.year;
	strbuf_put(text, iso, (size_t) (iso_write_date(iso, date) - iso));
	strbuf_puts(text, bc ? " BC" : "");
}

void
pg_text_time(int64_t usecs, int digits, StrBuf *text)
{
	char iso[ISO_SIZE];
	char *end = iso_write_time(iso, clock_time(usecs), digits);

	strbuf_put(text, iso, (size_t) (end - iso));
}

/* The era stands at the end. */
static void
put_timestamp(int64_t usecs, const char *zone, StrBuf *text)
{
	int64_t time = usecs % DAY_USECS;
	int64_t days = usecs / DAY_USECS;
	StrBuf date = {0};
	size_t len;

	if (time < 0)
	{
		time += DAY_USECS;
		days--;
	}
	pg_text_date(days, &date);
	text->failed |= date.failed;
	len = date.data != NULL ? strcspn(date.data, " ") : 0;
	strbuf_put(text, date.data, len);
	strbuf_puts(text, " ");
	pg_text_time(time, pg_text_digits(time), text);
	strbuf_puts(text, zone);
	strbuf_puts(text, date.data != NULL ? date.data + len : "");
	strbuf_free(&date);
}

/* Groups from "from" on, until the first that is not zero. */
static int
zeros(const uint16_t *groups, int from)
{
	int end = from;

	while (end < 8 && groups[end] == 0)
		end++;
	return end - from;
}

/* The longest run of zeros, of two at least; its length, or 0. */
static int
longest_zeros(const uint16_t *groups, int *start)
{
	int longest = 1;

	for (int i = 0; i < 8; i++)
		if (zeros(groups, i) > longest)
		{
			longest = zeros(groups, i);
			*start = i;
		}
	return longest > 1 ? longest : 0;
}

static void
put_ipv4(const uint8_t *bytes, StrBuf *text)
{
	strbuf_putf(text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

/* An address of IPv4 within, as the server's inet_net_ntop() sees it. */
static bool
has_ipv4(const uint16_t *groups, int start, int len)
{
	return start == 0 && (len == 6 || (len == 7 && groups[7] != 1) ||
						  (len == 5 && groups[5] == 0xffff));
}

static void
put_ipv6(const uint8_t *bytes, StrBuf *text)
{
	uint16_t groups[8];
	int start = 8;
	int len;

	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t) (bytes[2 * i] << 8 | bytes[2 * i + 1]);
	len = longest_zeros(groups, &start);
	for (int i = 0; i < 8; i++)
	{
		if (i >= start && i < start + len)
		{
			strbuf_puts(text, i == start ? ":" : "");
			continue;
		}
		strbuf_puts(text, i > 0 ? ":" : "");
		if (i == 6 && has_ipv4(groups, start, len))
		{
			put_ipv4(bytes + 12, text);
			return;
		}
		strbuf_putf(text, "%x", groups[i]);
	}
	strbuf_puts(text, len > 0 && start + len == 8 ? ":" : "");
}

bool
pg_text_inet(TermReader *reader, StrBuf *text)
{
	Term address;
	Term mask;

	if (!term_next_tuple(reader, 2, "not an address") ||
		!term_next(reader, &address) || address.kind != TERM_BINARY ||
		!term_next(reader, &mask))
		return false;
	if (address.len == 4)
		put_ipv4(address.bytes, text);
	else if (address.len == 16)
		put_ipv6(address.bytes, text);
	else
		return false;
	if (mask.kind == TERM_INTEGER)
		strbuf_putf(text, "/%d", (int) mask.integer);
	return true;
}

bool
pg_text_macaddr(TermReader *reader, StrBuf *text)
{
	Term bytes;

	if (!term_next(reader, &bytes) || bytes.kind != TERM_BINARY)
		return false;
	for (uint32_t i = 0; i < bytes.len; i++)
		strbuf_putf(text, "%s%02x", i > 0 ? ":" : "", bytes.bytes[i]);
	return bytes.len == 6 || bytes.len == 8;
}

/* Doubled, as those of tsvector and of ranges are. */
static void
put_doubled(StrBuf *text, const Term *word, const char *doubled, char quote)
{
	strbuf_put(text, &quote, 1);
	for (uint32_t i = 0; i < word->len; i++)
	{
		const char *c = (const char *) word->bytes + i;

		if (*c != '\0' && strchr(doubled, *c) != NULL)
			strbuf_put(text, c, 1);
		strbuf_put(text, c, 1);
	}
	strbuf_put(text, &quote, 1);
}

static bool
put_positions(TermReader *reader, StrBuf *text)
{
	Term list;
	Term weight;
	int64_t position;

	if (!term_next(reader, &list))
		return false;
	for (uint32_t i = 0; list.kind == TERM_LIST && i < list.count; i++)
	{
		if (!term_next_tuple(reader, 2, "not a position") ||
			!term_next_int64(reader, &position, "not a position") ||
			!term_next_atom(reader, &weight, "not a weight"))
			return false;
		strbuf_putf(text, "%s%d", i == 0 ? ":" : ",", (int) position);
		if (weight.name.len == 1)
			strbuf_put(text, (const char *) weight.name.bytes, 1);
	}
	return list.kind == TERM_NIL || term_skip(reader);
}

bool
pg_text_tsvector(TermReader *reader, StrBuf *text)
{
	Term list;
	Term word;

	if (!term_next(reader, &list))
		return false;
	if (list.kind == TERM_NIL)
		return true;
	for (uint32_t i = 0; list.kind == TERM_LIST && i < list.count; i++)
	{
		strbuf_puts(text, i > 0 ? " " : "");
		if (!term_next_tuple(reader, 2, "not a lexeme") ||
			!term_next(reader, &word) || word.kind != TERM_BINARY)
			return false;
		put_doubled(text, &word, "'\\", '\'');
		if (!put_positions(reader, text))
			return false;
	}
	return list.kind == TERM_LIST && term_skip(reader);
}

/* A number, a point in time, or a text; what ranges of others have is not. */
static bool
put_bound(TermReader *reader, const ColumnType *type, StrBuf *text)
{
	Term term;

	if (!term_next(reader, &term))
		return false;
	if (term.kind == TERM_ATOM)
		strbuf_puts(text,
					term_is_atom(&term, "inf") ? "infinity" : "-infinity");
	else if (term.kind == TERM_INTEGER && type->oid == 1082)
		pg_text_date(term.integer, text);
	else if (term.kind == TERM_INTEGER && type->oid == 1114)
		put_timestamp(term.integer, "", text);
	else if (term.kind == TERM_INTEGER && type->oid == 1184)
		put_timestamp(term.integer, "+00", text);
	else if (term.kind == TERM_INTEGER)
		strbuf_putf(text, "%lld", (long long) term.integer);
	else if (term.kind == TERM_BINARY)
		strbuf_put(text, (const char *) term.bytes, term.len);
	else
		return false;
	return true;
}

static bool
needs_quotes(const StrBuf *bound)
{
	return bound->len == 0 ||
		   strcspn(bound->data, "\"\\()[], \t\n\r\v\f") < bound->len;
}

static bool
put_quoted_bound(TermReader *reader, const ColumnType *type, bool missing,
				 StrBuf *text)
{
	StrBuf bound = {0};
	Term term = {.kind = TERM_BINARY};
	bool done;

	if (missing)
		return term_skip(reader);
	done = put_bound(reader, type, &bound);
	term.bytes = (const uint8_t *) bound.data;
	term.len = (uint32_t) bound.len;
	if (done && needs_quotes(&bound))
		put_doubled(text, &term, "\"\\", '"');
	else if (done)
		strbuf_put(text, bound.data, bound.len);
	text->failed |= bound.failed;
	strbuf_free(&bound);
	return done;
}

/* The flags come last, but are needed first. */
static bool
read_flags(const TermReader *reader, int64_t *flags)
{
	TermReader ahead = *reader;

	return term_next_tuple(&ahead, 3, "not a range") && term_skip(&ahead) &&
		   term_skip(&ahead) && term_next_int64(&ahead, flags, "no flags");
}

bool
pg_text_range(TermReader *reader, const ColumnType *bound, StrBuf *text)
{
	int64_t flags;

	if (!read_flags(reader, &flags))
		return false;
	if (flags & 16)
	{
		strbuf_puts(text, "empty");
		return term_skip(reader);
	}
	if (!term_next_tuple(reader, 3, "not a range"))
		return false;
	strbuf_puts(text, flags & 1 ? "[" : "(");
	if (!put_quoted_bound(reader, bound, (flags & 4) != 0, text))
		return false;
	strbuf_puts(text, ",");
	if (!put_quoted_bound(reader, bound, (flags & 8) != 0, text))
		return false;
	strbuf_puts(text, flags & 2 ? "]" : ")");
	return term_skip(reader);
}

bool
pg_text_multirange(TermReader *reader, const ColumnType *bound, StrBuf *text)
{
	Term list;

	if (!term_next(reader, &list))
		return false;
	strbuf_puts(text, "{");
	for (uint32_t i = 0; list.kind == TERM_LIST && i < list.count; i++)
	{
		strbuf_puts(text, i > 0 ? "," : "");
		if (!pg_text_range(reader, bound, text))
			return false;
	}
	strbuf_puts(text, "}");
	return list.kind == TERM_NIL ||
		   (list.kind == TERM_LIST && term_skip(reader));
}
