/*
 * envelope_value.c
 *		A value of a column, as Debezium's connector converts it.
 *
 * Of envelope.c.  A converter that does not know what it finds (NULL, a
 * marker, another dialect) leaves it to be shown as plain JSON.
 */
#include "client/show/envelope_value.h"

#include <string.h>

#include "client/show/envelope_time.h"
#include "client/show/pg_text.h"

/* Tags of the external format. */
#define BINARY_TAG 109
#define LIST_TAG 108
#define MAP_TAG 116

#define DIMENSIONS_MAX 6 /* the server's */
#define TSVECTOR 3614

typedef bool (*Converter)(Show *show, TermReader *reader,
						  const ColumnType *type);

void
envelope_put_base64(StrBuf *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
								 "abcdefghijklmnopqrstuvwxyz0123456789+/";

	strbuf_puts(out, "\"");
	for (size_t pos = 0; pos < len; pos += 3)
	{
		size_t left = len - pos;
		uint32_t group = (uint32_t) bytes[pos] << 16;
		char four[4];

		group |= left > 1 ? (uint32_t) bytes[pos + 1] << 8 : 0;
		group |= left > 2 ? bytes[pos + 2] : 0;
		four[0] = digits[group >> 18];
		four[1] = digits[group >> 12 & 63];
		four[2] = left > 1 ? digits[group >> 6 & 63] : '=';
		four[3] = left > 2 ? digits[group & 63] : '=';
		strbuf_put(out, four, sizeof(four));
	}
	strbuf_puts(out, "\"");
}

/* By way of a term, since terms are escaped already. */
bool
envelope_put_text(Show *show, const char *text, size_t len)
{
	StrBuf term = {0};
	TermReader reader;
	const char head[] = {BINARY_TAG, (char) (len >> 24), (char) (len >> 16),
						 (char) (len >> 8), (char) len};
	bool done = false;

	strbuf_put(&term, head, sizeof(head));
	strbuf_put(&term, text, len);
	if (!term.failed)
	{
		term_read_init(&reader, term.data, term.len);
		done = show_term(show, &reader);
	}
	strbuf_free(&term);
	return done;
}

static bool
put_special_float(Show *show, TermReader *reader, const ColumnType *type)
{
	Term term;

	(void) type;
	if (!term_next(reader, &term) || term.kind != TERM_ATOM)
		return false;
	if (term_is_atom(&term, "NaN"))
		strbuf_puts(show->out, "\"NaN\"");
	else if (term_is_atom(&term, "inf"))
		strbuf_puts(show->out, "\"Infinity\"");
	else if (term_is_atom(&term, "-inf"))
		strbuf_puts(show->out, "\"-Infinity\"");
	else
		return false;
	return true;
}

static bool
put_bytea(Show *show, TermReader *reader, const ColumnType *type)
{
	Term term;

	(void) type;
	if (!term_next(reader, &term) || term.kind != TERM_BINARY)
		return false;
	envelope_put_base64(show->out, term.bytes, term.len);
	return true;
}

/* Lowest byte first, without zeros above the highest bit. */
static bool
put_bits(Show *show, TermReader *reader, const ColumnType *type)
{
	Term term;
	uint64_t nbits;
	size_t nbytes = 0;
	StrBuf bytes = {0};
	char *data;

	if (!term_next(reader, &term) ||
		(term.kind != TERM_BITS && term.kind != TERM_BINARY))
		return false;
	nbits =
		(uint64_t) term.len * 8 - (term.kind == TERM_BITS ? 8 - term.bits : 0);
	if (type->typmod == 1 && nbits == 1)
	{
		strbuf_puts(show->out, term.bytes[0] & 0x80 ? "true" : "false");
		return true;
	}
	data = strbuf_reserve(&bytes, term.len + 1);
	if (data == NULL)
		return term_fail(reader, "out of memory");
	memset(data, 0, term.len + 1);
	for (uint64_t i = 0; i < nbits; i++)
	{
		uint64_t place = nbits - 1 - i;

		if (!(term.bytes[place / 8] >> (7 - place % 8) & 1))
			continue;
		data[i / 8] |= (char) (1 << i % 8);
		nbytes = i / 8 + 1;
	}
	envelope_put_base64(show->out, (const uint8_t *) data, nbytes);
	strbuf_free(&bytes);
	return true;
}

/* With the same in well-known binary. */
static bool
put_point(Show *show, TermReader *reader, const ColumnType *type)
{
	uint8_t wkb[21] = {1, 1};
	TermReader ahead = *reader;
	Term x;
	Term y;

	(void) type;
	if (!term_next_tuple(&ahead, 2, "not a point") || !term_next(&ahead, &x) ||
		x.kind != TERM_FLOAT || !term_next(&ahead, &y) || y.kind != TERM_FLOAT)
		return false;
	for (int i = 0; i < 8; i++)
	{
		uint64_t bits;

		memcpy(&bits, &x.real, sizeof(bits));
		wkb[5 + i] = (uint8_t) (bits >> 8 * i);
		memcpy(&bits, &y.real, sizeof(bits));
		wkb[13 + i] = (uint8_t) (bits >> 8 * i);
	}
	term_next(reader, &x);
	strbuf_puts(show->out, "{\"x\":");
	if (!show_term(show, reader))
		return false;
	strbuf_puts(show->out, ",\"y\":");
	if (!show_term(show, reader))
		return false;
	strbuf_puts(show->out, ",\"wkb\":");
	envelope_put_base64(show->out, wkb, sizeof(wkb));
	strbuf_puts(show->out, ",\"srid\":null}");
	return true;
}

/* What is text in the end, as one string. */
static bool
put_pg_text(Show *show, TermReader *reader,
			bool (*write)(TermReader *reader, StrBuf *text))
{
	StrBuf text = {0};
	bool done = write(reader, &text) && !text.failed &&
				envelope_put_text(show, text.data, text.len);

	strbuf_free(&text);
	return done;
}

static bool
put_inet(Show *show, TermReader *reader, const ColumnType *type)
{
	(void) type;
	return put_pg_text(show, reader, pg_text_inet);
}

static bool
put_macaddr(Show *show, TermReader *reader, const ColumnType *type)
{
	(void) type;
	return put_pg_text(show, reader, pg_text_macaddr);
}

static bool
put_tsvector(Show *show, TermReader *reader, const ColumnType *type)
{
	(void) type;
	return put_pg_text(show, reader, pg_text_tsvector);
}

static bool
put_range(Show *show, TermReader *reader, const ColumnType *type)
{
	StrBuf text = {0};
	bool done = type->form == TYPE_RANGE
					? pg_text_range(reader, type->part, &text)
					: pg_text_multirange(reader, type->part, &text);

	done = done && !text.failed && envelope_put_text(show, text.data, text.len);
	strbuf_free(&text);
	return done;
}

/* JSON in a string. */
static bool
put_hstore(Show *show, TermReader *reader, const ColumnType *type)
{
	StrBuf *out = show->out;
	StrBuf text = {0};
	bool done;

	(void) type;
	if (reader->pos == reader->end || *reader->pos != MAP_TAG)
		return false;
	show->out = &text;
	done = show_term(show, reader);
	show->out = out;
	done = done && !text.failed && envelope_put_text(show, text.data, text.len);
	strbuf_free(&text);
	return done;
}

/* Of more dimensions, too: their elements are lists. */
static bool
put_elements(Show *show, TermReader *reader, const ColumnType *type,
			 int dimensions)
{
	Term list;

	if (dimensions == 0 || !term_next(reader, &list) ||
		(list.kind != TERM_NIL && list.kind != TERM_LIST))
		return false;
	strbuf_puts(show->out, "[");
	for (uint32_t i = 0; list.kind == TERM_LIST && i < list.count; i++)
	{
		bool nested = reader->pos < reader->end && *reader->pos == LIST_TAG;

		strbuf_puts(show->out, i > 0 ? "," : "");
		if (nested ? !put_elements(show, reader, type, dimensions - 1)
				   : !envelope_put_value(show, reader, type->part))
			return false;
	}
	strbuf_puts(show->out, "]");
	return list.kind == TERM_NIL || term_skip(reader);
}

static bool
put_array(Show *show, TermReader *reader, const ColumnType *type)
{
	/* A list of lists is a value by itself where elements are made of them. */
	if (type->part->oid == TSVECTOR || type->part->form == TYPE_MULTIRANGE)
		return false;
	return put_elements(show, reader, type, DIMENSIONS_MAX);
}

/* Debezium has none; as an object, like a row. */
static bool
put_composite(Show *show, TermReader *reader, const ColumnType *type)
{
	Term row;

	if (!term_next(reader, &row) || row.kind != TERM_TUPLE ||
		row.count != type->parts)
		return false;
	strbuf_puts(show->out, "{");
	for (uint32_t i = 0; i < row.count; i++)
	{
		const ColumnType *field = &type->part[i];

		strbuf_puts(show->out, i > 0 ? "," : "");
		if (field->name == NULL)
			strbuf_putf(show->out, "\"%u\"", i + 1);
		else if (!envelope_put_text(show, field->name, field->name_len))
			return false;
		strbuf_puts(show->out, ":");
		if (!envelope_put_value(show, reader, field))
			return false;
	}
	strbuf_puts(show->out, "}");
	return true;
}

static const struct
{
	uint32_t oid;
	Converter put;
} converters[] = {
	{700, put_special_float},
	{701, put_special_float},
	{17, put_bytea},
	{1560, put_bits},
	{1562, put_bits},
	{1082, envelope_put_date},
	{1083, envelope_put_usecs},
	{1114, envelope_put_usecs},
	{1266, envelope_put_timetz},
	{1184, envelope_put_timestamptz},
	{1186, envelope_put_interval},
	{869, put_inet},
	{650, put_inet},
	{829, put_macaddr},
	{774, put_macaddr},
	{600, put_point},
	{TSVECTOR, put_tsvector},
};

static Converter
find_converter(const ColumnType *type)
{
	if (type->form == TYPE_ARRAY)
		return put_array;
	if (type->form == TYPE_RANGE || type->form == TYPE_MULTIRANGE)
		return put_range;
	if (type->form == TYPE_COMPOSITE)
		return put_composite;
	if (type->hstore)
		return put_hstore;
	for (size_t i = 0; i < sizeof(converters) / sizeof(converters[0]); i++)
		if (converters[i].oid == type->oid)
			return converters[i].put;
	return NULL;
}

/* What a converter has written before it gave up is taken back. */
bool
envelope_put_value(Show *show, TermReader *reader, const ColumnType *type)
{
	Converter put = type != NULL ? find_converter(type) : NULL;
	TermReader ahead = *reader;
	size_t len = show->out->len;

	if (put == NULL || !put(show, &ahead, type))
	{
		show->out->len = len;
		return show_term(show, reader);
	}
	*reader = ahead;
	return true;
}
