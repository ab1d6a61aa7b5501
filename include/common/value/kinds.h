/*
 * kinds.h
 *		The kinds of values: which encoder takes the values of which type.
 *
 * A new type is a kind here, a row in kinds.c, an etf_put_ function, and a line
 * in each table of readers: that of the plugin is in type.c, those of the
 * client in src/client/wire/binary.c and text.c.
 */
#ifndef ETF_KINDS_H
#define ETF_KINDS_H

#include <stdint.h>

typedef enum ValueKind
{
	KIND_NONE, /* the type no longer exists: nothing is known */
	KIND_BOOL,
	KIND_INT2,
	KIND_INT4,
	KIND_INT8,
	KIND_UINT4, /* oid, reg*, xid, cid */
	KIND_UINT8, /* xid8, pg_lsn */
	KIND_FLOAT4,
	KIND_FLOAT8,
	KIND_NUMERIC,
	KIND_MONEY,
	KIND_TID,
	KIND_TEXT, /* varchar, bpchar, xml, refcursor, citext: all stored alike */
	KIND_CHAR,
	KIND_NAME,
	KIND_BYTEA,
	KIND_BITS,
	KIND_UUID,
	KIND_DATE,
	KIND_TIME,
	KIND_TIMETZ,
	KIND_TIMESTAMP,
	KIND_TIMESTAMPTZ,
	KIND_INTERVAL,
	KIND_JSON,
	KIND_JSONB,
	KIND_TSVECTOR,
	KIND_INET, /* and cidr */
	KIND_MACADDR,
	KIND_MACADDR8,
	KIND_POINT,
	KIND_LINE,
	KIND_LSEG,
	KIND_BOX,
	KIND_PATH,
	KIND_POLYGON,
	KIND_CIRCLE,
	KIND_RECORD,
	/* Types of extensions. */
	KIND_HSTORE,
	KIND_VECTOR,
	KIND_ETF,
	/* What the catalogs say of a type. */
	KIND_ARRAY,
	KIND_COMPOSITE,
	KIND_ENUM,
	KIND_RANGE,
	KIND_MULTIRANGE,
	KIND_OTHER, /* as its output function prints it */
	KIND_COUNT
} ValueKind;

/* KIND_OTHER for types that are not built in, or of no kind of their own. */
extern ValueKind kind_of_type(uint32_t oid);

/* By name, where OIDs differ from database to database; else KIND_OTHER. */
extern ValueKind kind_of_extension_type(const char *extension,
										const char *type);

#endif
