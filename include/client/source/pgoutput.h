/*
 * pgoutput.h
 *		Messages of pgoutput, protocols 1 and 2: bytes only.
 *
 * Texts and values point into the message.  What does not fit into it is
 * never read: a reader that came to its end is "bad", and gives zeros.
 *
 *		PgReader reader = pg_reader(bytes, len);
 *
 *		switch (pg_byte(&reader))
 *			case 'R': pg_read_relation(&reader, &relation)
 */
#ifndef ETF_PGOUTPUT_H
#define ETF_PGOUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct PgReader
{
	const char *at;
	const char *end;
	bool bad;
} PgReader;

typedef struct PgBegin
{
	uint64_t final_lsn; /* where the commit record begins */
	int64_t time;		/* microseconds since 2000-01-01 UTC */
	uint32_t xid;
} PgBegin;

typedef struct PgCommit
{
	uint64_t commit_lsn;
	uint64_t end_lsn;
	int64_t time; /* as of PgBegin */
} PgCommit;

/* A block of a transaction in progress; "first": it has had none. */
typedef struct PgStreamStart
{
	uint32_t xid;
	bool first;
} PgStreamStart;

typedef struct PgStreamCommit
{
	uint32_t xid;
	PgCommit commit;
} PgStreamCommit;

typedef struct PgOrigin
{
	uint64_t lsn;
	const char *name;
} PgOrigin;

/* Of a type that is not built in. */
typedef struct PgType
{
	uint32_t oid;
	const char *schema;
	const char *name; /* of a domain that of its base */
} PgType;

typedef struct PgRelation
{
	uint32_t relid;
	const char *schema;
	const char *name;
	char identity; /* pg_class.relreplident */
	int ncolumns;
	PgReader columns; /* see pg_next_column() */
} PgRelation;

typedef struct PgColumn
{
	bool key; /* under REPLICA IDENTITY FULL: each one */
	const char *name;
	uint32_t typid;
	int32_t typmod;
} PgColumn;

/* One row, with all columns of its relation. */
typedef struct PgRow
{
	int nvalues;
	PgReader values; /* see pg_next_value() */
} PgRow;

typedef enum PgValueKind
{
	PG_NULL = 'n',
	PG_UNCHANGED = 'u', /* not in the WAL */
	PG_TEXT = 't',
	PG_BINARY = 'b'
} PgValueKind;

typedef struct PgValue
{
	PgValueKind kind;
	const char *bytes;
	size_t len;
} PgValue;

/* An insert, an update or a delete. */
typedef struct PgChange
{
	uint32_t relid;
	char old_kind; /* 'K': the key, other columns are null; 'O'; 0: none */
	PgRow old_row;
	PgRow new_row; /* not of a delete */
} PgChange;

typedef struct PgTruncate
{
	int count;
	bool cascade;
	bool restart;
	PgReader relids; /* pg_uint32() each */
} PgTruncate;

typedef struct PgMessage
{
	bool transactional;
	uint64_t lsn;
	const char *prefix;
	const char *content;
	size_t len;
} PgMessage;

static inline PgReader
pg_reader(const char *bytes, size_t len)
{
	return (PgReader){bytes, bytes + len, false};
}

/* "size" bytes, or NULL where there are not so many. */
static inline const void *
pg_take(PgReader *reader, size_t size)
{
	const char *at = reader->at;

	if (reader->bad || size > (size_t) (reader->end - at))
	{
		reader->bad = true;
		return NULL;
	}
	reader->at += size;
	return at;
}

static inline char
pg_byte(PgReader *reader)
{
	const char *bytes = pg_take(reader, 1);

	return bytes != NULL ? bytes[0] : 0;
}

static inline uint16_t
pg_uint16(PgReader *reader)
{
	const unsigned char *bytes = pg_take(reader, 2);

	return bytes != NULL ? (uint16_t) (bytes[0] << 8 | bytes[1]) : 0;
}

/* As a compiler knows to load it at once. */
static inline uint32_t
pg_uint32(PgReader *reader)
{
	const unsigned char *bytes = pg_take(reader, 4);

	return bytes != NULL
			   ? (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
					 (uint32_t) bytes[2] << 8 | bytes[3]
			   : 0;
}

/* Was it what it should be, and is nothing left over? */
static inline bool
pg_at_end(const PgReader *reader)
{
	return !reader->bad && reader->at == reader->end;
}

/* What follows the first byte.  False: it is not what it should be. */
extern bool pg_read_begin(PgReader *reader, PgBegin *begin);
extern bool pg_read_commit(PgReader *reader, PgCommit *commit);
extern bool pg_read_stream_start(PgReader *reader, PgStreamStart *start);
extern bool pg_read_stream_commit(PgReader *reader, PgStreamCommit *commit);
extern bool pg_read_origin(PgReader *reader, PgOrigin *origin);
extern bool pg_read_type(PgReader *reader, PgType *type);
extern bool pg_read_relation(PgReader *reader, PgRelation *relation);
extern bool pg_read_change(PgReader *reader, char kind, PgChange *change);
extern bool pg_read_truncate(PgReader *reader, PgTruncate *truncate);
extern bool pg_read_message(PgReader *reader, PgMessage *message);

/* As often as was counted; these have been read once and are sound. */
extern void pg_next_column(PgReader *columns, PgColumn *column);
static inline void
pg_next_value(PgReader *values, PgValue *value)
{
	value->kind = (PgValueKind) pg_byte(values);
	value->bytes = NULL;
	value->len = 0;
	if (value->kind == PG_TEXT || value->kind == PG_BINARY)
	{
		value->len = pg_uint32(values);
		value->bytes = pg_take(values, value->len);
	}
	else if (value->kind != PG_NULL && value->kind != PG_UNCHANGED)
		values->bad = true;
}

/* One of a row of COPY, which has no kinds but NULL; PG_NULL for a bad one. */
extern PgValue pg_copied_value(PgReader *values, PgValueKind kind);

#endif
