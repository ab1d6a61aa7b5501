/*
 * struct.h
 *		Maps that stand for an Elixir struct; looked at by the styles that
 *		show dates, times and decimals as such.
 */
#ifndef ETF_TERM_STRUCT_H
#define ETF_TERM_STRUCT_H

#include "common/show/text.h"

typedef enum StructKind
{
	STRUCT_DATE,
	STRUCT_TIME,
	STRUCT_NAIVE_DATETIME,
	STRUCT_DATETIME, /* in UTC */
	STRUCT_DECIMAL
} StructKind;

typedef enum StructField
{
	FIELD_STRUCT,
	FIELD_CALENDAR,
	FIELD_YEAR,
	FIELD_MONTH,
	FIELD_DAY,
	FIELD_HOUR,
	FIELD_MINUTE,
	FIELD_SECOND,
	FIELD_MICROSECOND,
	FIELD_TIME_ZONE,
	FIELD_ZONE_ABBR,
	FIELD_UTC_OFFSET,
	FIELD_STD_OFFSET,
	FIELD_SIGN,
	FIELD_COEF,
	FIELD_EXP,
	STRUCT_FIELDS
} StructField;

typedef struct StructValue
{
	StructKind kind;
	int64_t numbers[STRUCT_FIELDS];
	int64_t precision; /* digits of the microseconds that are shown */
	Term coef;
} StructValue;

/*
 * All three look ahead with a copy of the reader, which stands behind the
 * head of the map.
 */

/* Do all keys pass? */
extern bool map_keys_are(const TermReader *reader, const Term *map,
						 bool (*pass)(const Term *key));

/* The atom that "__struct__" stands for, in a map of atom keys only. */
extern bool map_struct_name(const TermReader *reader, const Term *map,
							Term *name);

/*
 * One of StructKind, with exactly its fields, each in its range (that of the
 * years is PostgreSQL's, and 24:00:00 is a time)?  Then "end" is a reader that
 * stands behind the map.
 */
extern bool struct_read(const TermReader *reader, const Term *map,
						StructValue *value, TermReader *end);

/* Would Elixir's sigils read it back? */
extern bool struct_is_regular(const StructValue *value);

/*
 * "2026-02-28", "12:30:00.5", both with "separator" between them, a "Z"
 * behind them; a decimal in the notation of Decimal.to_string/1.
 */
extern void struct_put(TermText *text, const StructValue *value,
					   char separator);

#endif
