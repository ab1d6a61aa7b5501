/*
 * describe.h
 *		A table's description for its readers: in relation and schema events.
 *
 *		{relation, Rel, Schema, Table, Identity,
 *		 [{Name, TypeOid, TypeName, Typmod, Flags}]}
 *
 * Names are texts of the host.
 */
#ifndef ETF_FRAME_DESCRIBE_H
#define ETF_FRAME_DESCRIBE_H

#include "common/term/write.h"
#include "common/value/kinds.h"

typedef struct FieldName
{
	const char *text;
	bool taken; /* in UTF-8, by a field before it: told as {unconverted, _} */
} FieldName;

/* What the values of a type are made of. */
typedef struct TypeShape
{
	ValueKind kind;
	uint32_t typid;					 /* domains are looked through */
	int32_t typmod;					 /* of the column, element or domain */
	const struct TypeShape *element; /* of an array, range, multirange */
	const struct ShapeField *fields; /* of a composite */
	int nfields;
} TypeShape;

typedef struct ShapeField
{
	FieldName name;
	TypeShape type;
} ShapeField;

typedef struct ColumnDescription
{
	FieldName name;
	uint32_t typid; /* as declared: a domain's own */
	const char *type_name;
	bool key; /* part of the replica identity */
	bool primary;
	bool generated;
	const char *masked; /* what is sent instead of its values, or NULL */
	TypeShape type;

	/* Schema events only. */
	int attnum;
	bool not_null;
	bool identity;
	bool defaulted;
	const char *missing; /* what older rows have: a term, or NULL */
	size_t missing_len;
} ColumnDescription;

typedef struct RelationDescription
{
	uint32_t relid;
	const char *schema;
	const char *name;
	char identity; /* pg_class.relreplident */
	int ncolumns;
	const ColumnDescription *columns;
	uint32_t filenode; /* schema events only */
} RelationDescription;

extern void etf_put_relation(TermOut *out, const RelationDescription *relation);

/*
 * A state of a table in a schema event:
 * {Schema, Table, Identity, Filenode,
 *  [{Attnum, Name, TypeOid, TypeName, Typmod, Flags}]}
 */
extern void etf_put_table_state(TermOut *out,
								const RelationDescription *relation);

extern void etf_put_field_name(TermOut *out, FieldName name);

#endif
