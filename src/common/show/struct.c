/*
 * struct.c
 *		Recognize Elixir's dates, times and decimals among maps.
 *
 * For show/elixir.c and show/json.c.  A map is such a struct only when it has
 * exactly the fields of one and each makes sense; all else is a plain map.
 */
#include "common/show/struct.h"

#include <string.h>

#include "common/show/style.h"
#include "common/term/digits.h"

typedef enum FieldType
{
	TYPE_INTEGER, /* between min and max */
	TYPE_ATOM,	  /* this text */
	TYPE_BINARY,  /* this text */
	TYPE_MICROSECOND,
	TYPE_COEF
} FieldType;

typedef struct FieldRow
{
	const char *name;
	FieldType type;
	int64_t min;
	int64_t max;
	const char *text;
} FieldRow;

static const FieldRow fields[STRUCT_FIELDS] = {
	[FIELD_STRUCT] = {"__struct__", TYPE_ATOM, 0, 0, NULL},
	[FIELD_CALENDAR] = {"calendar", TYPE_ATOM, 0, 0, "Elixir.Calendar.ISO"},
	[FIELD_YEAR] = {"year", TYPE_INTEGER, -9999, 5874897, NULL},
	[FIELD_MONTH] = {"month", TYPE_INTEGER, 1, 12, NULL},
	[FIELD_DAY] = {"day", TYPE_INTEGER, 1, 31, NULL},
	[FIELD_HOUR] = {"hour", TYPE_INTEGER, 0, 24, NULL},
	[FIELD_MINUTE] = {"minute", TYPE_INTEGER, 0, 59, NULL},
	[FIELD_SECOND] = {"second", TYPE_INTEGER, 0, 59, NULL},
	[FIELD_MICROSECOND] = {"microsecond", TYPE_MICROSECOND, 0, 999999, NULL},
	[FIELD_TIME_ZONE] = {"time_zone", TYPE_BINARY, 0, 0, "Etc/UTC"},
	[FIELD_ZONE_ABBR] = {"zone_abbr", TYPE_BINARY, 0, 0, "UTC"},
	[FIELD_UTC_OFFSET] = {"utc_offset", TYPE_INTEGER, 0, 0, NULL},
	[FIELD_STD_OFFSET] = {"std_offset", TYPE_INTEGER, 0, 0, NULL},
	[FIELD_SIGN] = {"sign", TYPE_INTEGER, -1, 1, NULL},
	[FIELD_COEF] = {"coef", TYPE_COEF, 0, 0, NULL},
	[FIELD_EXP] = {"exp", TYPE_INTEGER, INT32_MIN, INT32_MAX, NULL}};

#define BIT(field) (1u << (field))
#define DATE_BITS                                                \
	(BIT(FIELD_STRUCT) | BIT(FIELD_CALENDAR) | BIT(FIELD_YEAR) | \
	 BIT(FIELD_MONTH) | BIT(FIELD_DAY))
#define TIME_BITS                                                \
	(BIT(FIELD_STRUCT) | BIT(FIELD_CALENDAR) | BIT(FIELD_HOUR) | \
	 BIT(FIELD_MINUTE) | BIT(FIELD_SECOND) | BIT(FIELD_MICROSECOND))
#define ZONE_BITS                                                          \
	(BIT(FIELD_TIME_ZONE) | BIT(FIELD_ZONE_ABBR) | BIT(FIELD_UTC_OFFSET) | \
	 BIT(FIELD_STD_OFFSET))

static const struct
{
	const char *name;
	uint32_t fields;
} structs[] = {
	[STRUCT_DATE] = {"Elixir.Date", DATE_BITS},
	[STRUCT_TIME] = {"Elixir.Time", TIME_BITS},
	[STRUCT_NAIVE_DATETIME] = {"Elixir.NaiveDateTime", DATE_BITS | TIME_BITS},
	[STRUCT_DATETIME] = {"Elixir.DateTime", DATE_BITS | TIME_BITS | ZONE_BITS},
	[STRUCT_DECIMAL] = {"Elixir.Decimal", BIT(FIELD_STRUCT) | BIT(FIELD_SIGN) |
											  BIT(FIELD_COEF) |
											  BIT(FIELD_EXP)}};

bool
map_keys_are(const TermReader *reader, const Term *map,
			 bool (*pass)(const Term *key))
{
	TermReader ahead = *reader;
	Term key;

	for (uint32_t i = 0; i < map->count; i++)
	{
		if (!term_next(&ahead, &key) || !pass(&key) || !term_skip(&ahead))
			return false;
	}
	return true;
}

bool
map_struct_name(const TermReader *reader, const Term *map, Term *name)
{
	TermReader ahead = *reader;
	bool found = false;
	Term key;

	for (uint32_t i = 0; i < map->count; i++)
	{
		if (!term_next(&ahead, &key) || key.kind != TERM_ATOM)
			return false;
		if (!term_is_atom(&key, "__struct__"))
		{
			if (!term_skip(&ahead))
				return false;
			continue;
		}
		if (!term_next(&ahead, name) || name->kind != TERM_ATOM)
			return false;
		found = true;
	}
	return found;
}

static bool
read_kind(TermReader *reader, StructKind *kind)
{
	Term name;

	if (!term_next(reader, &name))
		return false;
	for (int i = STRUCT_DATE; i <= STRUCT_DECIMAL; i++)
	{
		if (term_is_atom(&name, structs[i].name))
		{
			*kind = (StructKind) i;
			return true;
		}
	}
	return false;
}

static bool
read_microsecond(TermReader *reader, const FieldRow *row, StructValue *value)
{
	int64_t *number = &value->numbers[FIELD_MICROSECOND];

	return term_next_tuple(reader, 2, "microsecond") &&
		   term_next_int64(reader, number, "microsecond") &&
		   *number >= row->min && *number <= row->max &&
		   term_next_int64(reader, &value->precision, "microsecond") &&
		   value->precision >= 0 && value->precision <= 6;
}

static bool
read_coef(TermReader *reader, Term *coef)
{
	if (!term_next(reader, coef))
		return false;
	if (coef->kind == TERM_BIG)
		return !coef->negative && coef->len <= DIGITS_MAX_BYTES;
	if (coef->kind == TERM_INTEGER)
		return coef->integer >= 0;
	return term_is_atom(coef, "NaN") || term_is_atom(coef, "inf");
}

static bool
read_field(TermReader *reader, StructField field, StructValue *value)
{
	const FieldRow *row = &fields[field];
	int64_t *number = &value->numbers[field];
	Term term;

	if (field == FIELD_STRUCT)
		return read_kind(reader, &value->kind);
	switch (row->type)
	{
		case TYPE_INTEGER:
			return term_next_int64(reader, number, row->name) &&
				   *number >= row->min && *number <= row->max;
		case TYPE_MICROSECOND:
			return read_microsecond(reader, row, value);
		case TYPE_COEF:
			return read_coef(reader, &value->coef);
		case TYPE_ATOM:
			return term_next(reader, &term) && term_is_atom(&term, row->text);
		case TYPE_BINARY:
			return term_next(reader, &term) && term.kind == TERM_BINARY &&
				   term.len == strlen(row->text) &&
				   memcmp(term.bytes, row->text, term.len) == 0;
	}
	return false;
}

static bool
find_field(const Term *key, StructField *field)
{
	for (int i = 0; i < STRUCT_FIELDS; i++)
	{
		if (term_is_atom(key, fields[i].name))
		{
			*field = (StructField) i;
			return true;
		}
	}
	return false;
}

bool
struct_read(const TermReader *reader, const Term *map, StructValue *value,
			TermReader *end)
{
	uint32_t seen = 0;
	StructField field;
	Term key;

	*end = *reader;
	for (uint32_t i = 0; i < map->count; i++)
	{
		if (!term_next(end, &key) || !find_field(&key, &field) ||
			!read_field(end, field, value))
			return false;
		seen |= BIT(field);
	}
	return (seen & BIT(FIELD_STRUCT)) && seen == structs[value->kind].fields &&
		   (value->kind != STRUCT_DECIMAL || value->numbers[FIELD_SIGN] != 0);
}

bool
struct_is_regular(const StructValue *value)
{
	bool has_year = structs[value->kind].fields & BIT(FIELD_YEAR);
	bool has_hour = structs[value->kind].fields & BIT(FIELD_HOUR);

	return (!has_year || value->numbers[FIELD_YEAR] <= 9999) &&
		   (!has_hour || value->numbers[FIELD_HOUR] <= 23);
}

/* "value" is not negative. */
static void
put_padded(TermText *text, int64_t value, int width)
{
	int64_t limit = 10;

	for (int digits = 1; digits < width; digits++)
	{
		if (value < limit)
			text_putc(text, '0');
		limit *= 10;
	}
	text_put_uint(text, (uint64_t) value);
}

static void
put_date(TermText *text, const StructValue *value)
{
	int64_t year = value->numbers[FIELD_YEAR];

	if (year < 0)
		text_putc(text, '-');
	put_padded(text, year < 0 ? -year : year, 4);
	text_putc(text, '-');
	put_padded(text, value->numbers[FIELD_MONTH], 2);
	text_putc(text, '-');
	put_padded(text, value->numbers[FIELD_DAY], 2);
}

static void
put_time(TermText *text, const StructValue *value)
{
	int64_t fraction = value->numbers[FIELD_MICROSECOND];

	put_padded(text, value->numbers[FIELD_HOUR], 2);
	text_putc(text, ':');
	put_padded(text, value->numbers[FIELD_MINUTE], 2);
	text_putc(text, ':');
	put_padded(text, value->numbers[FIELD_SECOND], 2);
	if (value->precision == 0)
		return;
	for (int64_t i = value->precision; i < 6; i++)
		fraction /= 10;
	text_putc(text, '.');
	put_padded(text, fraction, (int) value->precision);
}

/* The digits from "start" up to "end". */
static void
put_digits(TermText *text, const Digits *digits, size_t start, size_t end)
{
	char chunk[128];

	while (start < end)
	{
		size_t size = end - start < sizeof(chunk) ? end - start : sizeof(chunk);
		size_t len = digits_copy(digits, start, chunk, size);

		text_put(text, chunk, len);
		start += len;
	}
}

static void
get_digits(Digits *digits, const Term *coef)
{
	uint8_t bytes[8];

	if (coef->kind == TERM_BIG)
	{
		digits_init(digits, coef->bytes, coef->len);
		return;
	}
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t) (coef->integer >> (8 * i));
	digits_init(digits, bytes, sizeof(bytes));
}

/*
 * The point stands "behind" digits from the left, which may be before all of
 * them.
 */
static void
put_pointed(TermText *text, const Digits *digits, int64_t behind)
{
	if (behind <= 0)
		text_puts(text, "0.");
	for (int64_t i = behind; i < 0; i++)
		text_putc(text, '0');
	if (behind > 0)
	{
		put_digits(text, digits, 0, (size_t) behind);
		text_putc(text, '.');
	}
	put_digits(text, digits, behind > 0 ? (size_t) behind : 0, digits->ndigits);
}

static void
put_number(TermText *text, const Term *coef, int64_t exp)
{
	Digits digits;
	int64_t adjusted;

	get_digits(&digits, coef);
	adjusted = exp + (int64_t) digits.ndigits - 1;
	if (exp < 0 && adjusted >= -6)
	{
		put_pointed(text, &digits, adjusted + 1);
		return;
	}
	if (exp == 0 || digits.ndigits == 1)
		put_digits(text, &digits, 0, digits.ndigits);
	else
		put_pointed(text, &digits, 1);
	if (exp == 0)
		return;
	text_puts(text, adjusted < 0 ? "E-" : "E+");
	text_put_uint(text, (uint64_t) (adjusted < 0 ? -adjusted : adjusted));
}

static void
put_decimal(TermText *text, const StructValue *value)
{
	if (value->numbers[FIELD_SIGN] < 0)
		text_putc(text, '-');
	if (term_is_atom(&value->coef, "NaN"))
		text_puts(text, "NaN");
	else if (term_is_atom(&value->coef, "inf"))
		text_puts(text, "Infinity");
	else
		put_number(text, &value->coef, value->numbers[FIELD_EXP]);
}

void
struct_put(TermText *text, const StructValue *value, char separator)
{
	uint32_t bits = structs[value->kind].fields;

	if (value->kind == STRUCT_DECIMAL)
		put_decimal(text, value);
	if (bits & BIT(FIELD_YEAR))
		put_date(text, value);
	if ((bits & BIT(FIELD_YEAR)) && (bits & BIT(FIELD_HOUR)))
		text_putc(text, separator);
	if (bits & BIT(FIELD_HOUR))
		put_time(text, value);
	if (bits & BIT(FIELD_TIME_ZONE))
		text_putc(text, 'Z');
}
