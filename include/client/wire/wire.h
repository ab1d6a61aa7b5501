/*
 * wire.h
 *		Values as a server without our plugin sends them, as terms.
 *
 * The plugin reads Datums, this room what typsend or an output function made
 * of them; the terms are made by the same encoders of the shared ring, and are
 * the same.
 *
 *		type = wire_builtin(oid), or one that the caller made
 *		result = wire_put_value(&out, type, typmod, WIRE_BINARY, bytes, len);
 *
 * Types that are not built in are described by the caller, from the catalogs.
 * He owns them, and they point at one another and at what wire_builtin()
 * returns; nothing is kept here, and once made they are only read.  No type may
 * consist of itself.  As with the plugin a type nested more than
 * WIRE_MAX_LEVELS deep is KIND_NONE, and so is a composite that is beyond
 * WIRE_MAX_FIELDS of a table.
 *
 * The session must have the settings that the texts are made for: ISO dates,
 * time zone UTC, interval style postgres, extra_float_digits 1 or more,
 * bytea_output hex, lc_monetary C; and client_encoding UTF8, or SQL_ASCII and a
 * host whose put_text knows what to do.
 */
#ifndef ETF_WIRE_H
#define ETF_WIRE_H

#include "common/frame/describe.h"
#include "common/term/write.h"
#include "common/value/kinds.h"

#define WIRE_MAX_LEVELS 1000
#define WIRE_MAX_FIELDS 30000

/* As the tuples of pgoutput mark the values in them. */
typedef enum WireFormat
{
	WIRE_BINARY = 'b',
	WIRE_TEXT = 't'
} WireFormat;

/* What typsend makes of types that go out as text: of KIND_OTHER. */
typedef enum WireForm
{
	WIRE_FORM_UNKNOWN, /* a session with values of the type has to be text */
	WIRE_FORM_TEXT,	   /* the same text */
	WIRE_FORM_VERSION, /* a byte, then the text */
	WIRE_FORM_HEX,	   /* bytes that the text has as hexadecimal digits */
	WIRE_FORM_TSQUERY,
	WIRE_FORM_SNAPSHOT
} WireForm;

typedef struct WireType WireType;

/* An attribute of a composite. */
typedef struct WireField
{
	FieldName name;
	int number; /* attnum: they ascend, and none is used again */
	const WireType *type;
	int32_t typmod;
} WireField;

/*
 * A type.  A domain is a copy of its base, all domains in between looked
 * through, but for its oid, name and typmod.
 *
 * The caller sets all members, from pg_type and pg_range:
 *
 *		typtype e		KIND_ENUM
 *		typtype c		KIND_COMPOSITE, fields and nfields: without those that
 *						were dropped, in their order
 *		typtype r, m	KIND_RANGE, KIND_MULTIRANGE; element: the subtype, the
 *						type of the ranges
 *		typtype d		a copy of its base; typmod: of the innermost domain
 *		true arrays		KIND_ARRAY; element: of typelem
 *		other			wire_set_base(), with its extension
 *		gone			KIND_NONE: {oversized, Bytes}
 */
struct WireType
{
	uint32_t oid;			 /* as declared: a domain's own */
	uint32_t base;			 /* domains looked through; else the same */
	const char *name;		 /* typname */
	ValueKind kind;			 /* of the base, as all below */
	WireForm form;			 /* where kind is KIND_OTHER */
	int32_t typmod;			 /* of a domain, and then instead of the column's */
	char delimiter;			 /* typdelim: between elements of this type */
	bool sends;				 /* it has a typsend */
	const WireType *element; /* of an array, range, multirange */
	const WireField *fields; /* of a composite */
	int nfields;
	/*
	 * A composite as it was before, or NULL.  Tried for values that differ in
	 * the number of their fields or, in binary, in the types of these; what it
	 * was before its last attributes were added, is known without.  As a map
	 * such a value has the fields that it had then, as a tuple those of the
	 * type: NULL for what was added since, and without what was dropped.
	 */
	const WireType *older;
};

/* A built-in type, for ever; NULL for what the catalogs must be asked about. */
extern const WireType *wire_builtin(uint32_t oid);

/*
 * Set kind and form of a type that consists of no others.  "extension" is the
 * one that it belongs to, or NULL; oid, base and name must be set.
 */
extern void wire_set_base(WireType *type, const char *extension);

/*
 * May a column of this type be in a binary session?  Else, in *culprit, the
 * type that stands against it: the server cannot send it, or we not read it.
 * A column whose own type does not send comes as text, and may.
 */
extern bool wire_fits_binary(const WireType *column, const WireType **culprit);

typedef enum WireResult
{
	WIRE_DONE,
	/* Not what the type is known to have: {unparsed, Bytes} was written. */
	WIRE_UNPARSED,
	/*
	 * The same, because a composite has other fields than were described: ask
	 * the catalogs again, and take the value anew.
	 */
	WIRE_CHANGED,
	/*
	 * A composite was written as one of before it was altered; it may be one of
	 * now, if the catalogs know better.
	 */
	WIRE_OLDER
} WireResult;

/*
 * Write exactly one term, in out->forms, whatever is returned: {oversized,
 * Bytes} where it does not fit.  "typmod" is that of the column.
 */
extern WireResult wire_put_value(TermOut *out, const WireType *type,
								 int32_t typmod, WireFormat format,
								 const char *bytes, size_t len);

/* The key of a column or field in a map, as option "keys" says. */
extern void wire_put_key(TermOut *out, FieldName name);

#endif
