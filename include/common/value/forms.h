/*
 * forms.h
 *		The forms that terms take: what a client may choose for its values.
 *
 * The encoders look at nothing else.  A choice left at "auto" takes its
 * meaning from the dialect; forms_resolve() says which, so that encoders never
 * see *_AUTO.
 */
#ifndef ETF_FORMS_H
#define ETF_FORMS_H

#include <stdbool.h>

#include "common/value/option.h"

typedef enum EtfDialect
{
	DIALECT_ELIXIR,
	DIALECT_ERLANG,
	DIALECT_COMPACT
} EtfDialect;

typedef enum EtfRows
{
	ROWS_MAP,
	ROWS_TUPLE
} EtfRows;

typedef enum EtfKeys
{
	KEYS_BINARY,
	KEYS_ATOM
} EtfKeys;

typedef enum EtfNumeric
{
	NUMERIC_AUTO,
	NUMERIC_DECIMAL, /* %Decimal{} */
	NUMERIC_TEXT,	 /* binary */
	NUMERIC_FLOAT,
	NUMERIC_PAIR /* {Coef, Exp}; compact's own */
} EtfNumeric;

/* Covers date, time, timestamp and timestamptz. */
typedef enum EtfTimestamps
{
	TIMESTAMPS_AUTO,
	TIMESTAMPS_STRUCT, /* %Date{}, %Time{}, %NaiveDateTime{}, %DateTime{} */
	TIMESTAMPS_TUPLE,  /* epgsql's tuples; erlang's own */
	TIMESTAMPS_US,	   /* integers: microseconds, days for date */
	TIMESTAMPS_ISO	   /* ISO 8601 binary */
} EtfTimestamps;

typedef enum EtfInterval
{
	INTERVAL_AUTO,
	INTERVAL_POSTGREX, /* %Postgrex.Interval{} */
	INTERVAL_DURATION, /* %Duration{} of Elixir 1.17 */
	INTERVAL_TUPLE	   /* erlang's and compact's own, different in each */
} EtfInterval;

typedef enum EtfTimetz
{
	TIMETZ_UTC,	  /* %Time{} moved to UTC */
	TIMETZ_OFFSET /* {%Time{}, OffsetSeconds} */
} EtfTimetz;

typedef enum EtfUuid
{
	UUID_AUTO,
	UUID_TEXT,
	UUID_BINARY
} EtfUuid;

typedef enum EtfJson
{
	JSON_TERM,
	JSON_TEXT
} EtfJson;

typedef enum EtfJsonNumbers
{
	JSON_NUMBERS_FLOAT,
	JSON_NUMBERS_DECIMAL /* in the form that numeric has */
} EtfJsonNumbers;

typedef enum EtfFloat4
{
	FLOAT4_EXACT,	/* widened, as Postgrex does */
	FLOAT4_SHORTEST /* the shortest decimal that reads back */
} EtfFloat4;

/*
 * Enumerations are kept as int, so that a row of the option table can name
 * their place by offset.
 */
typedef struct Forms
{
	int rows;		  /* EtfRows */
	int keys;		  /* EtfKeys */
	int dialect;	  /* EtfDialect */
	int numeric;	  /* EtfNumeric, never AUTO once resolved; likewise below */
	int timestamps;	  /* EtfTimestamps */
	int interval;	  /* EtfInterval */
	int timetz;		  /* EtfTimetz */
	int uuid;		  /* EtfUuid */
	int json;		  /* EtfJson */
	int json_numbers; /* EtfJsonNumbers */
	int float4;		  /* EtfFloat4 */
	const char *null; /* the atom for NULL: UTF-8, at most 255 characters */
	int null_len;	  /* its bytes */
} Forms;

/*
 * The options that set them, in the order in which they are shown.  Offsets
 * count from a Forms, so one that is part of a larger struct comes first.
 */
#define FORMS_OPTIONS 12
extern const EtfOption forms_options[FORMS_OPTIONS];

/* What the dialect means by "auto". */
extern void forms_resolve(Forms *forms);

/*
 * Whether "text" can be the atom for NULL; sets it if so, without a copy.
 * What stands for something else in the place of a value cannot.
 */
extern bool forms_set_null(Forms *forms, const char *text);

#endif
