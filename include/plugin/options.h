/*
 * options.h
 *		What a client may ask of the plugin.
 *
 * One table in option_table.c drives parsing, the errors that list what is
 * valid, and SQL's etf_options(), which the README table is checked against.
 * An option left at "auto" takes its meaning from the dialect; the parser
 * resolves it, so that encoders never see *_AUTO.
 */
#ifndef ETF_OPTIONS_H
#define ETF_OPTIONS_H

#include "nodes/pg_list.h"

#define ETF_PROTOCOL_MIN 1
#define ETF_PROTOCOL_MAX 1

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

typedef enum EtfRelations
{
	RELATIONS_SESSION,
	RELATIONS_FRAME,
	RELATIONS_OFF
} EtfRelations;

typedef enum EtfOldRows
{
	OLD_ROWS_IDENTITY,
	OLD_ROWS_NONE
} EtfOldRows;

typedef enum EtfOrigin
{
	ORIGIN_ANY,
	ORIGIN_NONE
} EtfOrigin;

#define ACTION_INSERT (1 << 0)
#define ACTION_UPDATE (1 << 1)
#define ACTION_DELETE (1 << 2)
#define ACTION_TRUNCATE (1 << 3)

/*
 * Enumerations are kept as int, so that a row of the option table can name
 * their place by offset.
 */
typedef struct EtfOptions
{
	int protocol_version;
	List *include_tables; /* of EtfPattern, see filter.h; NIL: every table */
	List *exclude_tables;
	List *message_prefixes; /* NIL: every prefix */
	int actions;			/* ACTION_* bits */
	bool messages;
	bool skip_empty;
	int origin;		  /* EtfOrigin */
	int rows;		  /* EtfRows */
	int keys;		  /* EtfKeys */
	int dialect;	  /* EtfDialect */
	int numeric;	  /* EtfNumeric, never AUTO after parsing; likewise below */
	int timestamps;	  /* EtfTimestamps */
	int interval;	  /* EtfInterval */
	int timetz;		  /* EtfTimetz */
	int uuid;		  /* EtfUuid */
	int json;		  /* EtfJson */
	int json_numbers; /* EtfJsonNumbers */
	int float4;		  /* EtfFloat4 */
	int relations;	  /* EtfRelations */
	int old_rows;	  /* EtfOldRows */
	int frame_bytes;
	const char *null; /* the atom for NULL: UTF-8, at most 255 characters */
	int null_len;	  /* its bytes */
} EtfOptions;

/*
 * Parse what START_REPLICATION or a SQL caller gave (a List of DefElem) into
 * a new EtfOptions in the current memory context.  Raises an ERROR, which
 * lists what is valid, for an unknown name, a bad value, a missing value or
 * a name given twice.
 */
extern EtfOptions *etf_options_parse(List *elements);

#endif
