/*
 * type.h
 *		How the values of one PostgreSQL type become terms.
 *
 * An EtfType is built once, when a relation's plan is, and holds all that
 * needs the catalogs; encoding a value then needs none.  type.c finds its kind
 * in the ring's table of built-in types, then by the kind of type (domain,
 * array, composite, enum, range), then by the name of an extension's type,
 * and falls back on the type's text output.  Each kind has a reader of its
 * values in the datum_*.c files, one file per family.
 *
 * An EtfType lives in the memory context that was current when it was built
 * and is freed with it.  Encoders may leave garbage (detoasted copies) in the
 * current context, which the caller resets after each change.
 */
#ifndef ETF_TYPE_H
#define ETF_TYPE_H

#include "fmgr.h"
#include "utils/typcache.h"

#include "common/frame/describe.h"
#include "common/option/mask.h"
#include "plugin/host.h"

typedef struct EtfType EtfType;

/* Labels of enums by their OID, filled as met.  datum_enum.c */
typedef struct EtfLabels EtfLabels;

typedef void (*EtfEncode)(TermOut *out, const EtfType *type, Datum value);

/* A column of a table or an attribute of a composite. */
typedef struct EtfField
{
	const EtfType *type;
	const char *key; /* its name, encoded as options "keys" says */
	int key_len;
	int attindex; /* place in the tuple, from 0 */
	int column;	  /* place in the TupleDesc that describes it, from 0 */
	bool always;  /* sent also if an update has not changed it */
	FieldName name;
} EtfField;

struct EtfType
{
	EtfEncode encode; /* reads the values of its kind */
	ValueKind kind;
	Oid typid;	  /* domains are looked through */
	int32 typmod; /* of the column, the element or the domain */
	int16 typlen;
	bool typbyval;
	char typalign;
	EtfType *element; /* of an array, a range, a multirange */
	EtfField *fields; /* of a composite, dropped attributes left out */
	int nfields;
	MaskKind masked;			/* something else is sent */
	const struct EtfMask *mask; /* mask.c's, or NULL */
	union
	{
		TupleDesc tupdesc;		  /* of a composite */
		TypeCacheEntry *typcache; /* of a range */
		EtfLabels *labels;		  /* of an enum */
		FmgrInfo *output;		  /* of types that are sent as text */
	};
};

/*
 * What building a type met: when one of these changes in the catalogs, the
 * EtfType is stale.  The caller collects over many types and watches them.
 */
typedef struct EtfTypeBuilder
{
	const Forms *forms;
	EtfLabels *labels;	 /* NULL: made with the first enum */
	List *type_oids;	 /* pg_type rows that were looked at */
	List *relation_oids; /* pg_class rows of composites */
	int depth;			 /* of the type that is being built */
	int fields;			 /* built so far, on all levels */
} EtfTypeBuilder;

extern EtfLabels *etf_labels_create(MemoryContext parent);
extern void etf_labels_free(EtfLabels *labels);

extern EtfType *etf_type_build(EtfTypeBuilder *builder, Oid typid,
							   int32 typmod);

/*
 * Fill in fields[n], key bytes included, in the current memory context.  The
 * fields before it are those of the same row, in which no key may repeat.
 */
extern void etf_field_build(EtfTypeBuilder *builder, EtfField *fields, int n,
							Form_pg_attribute attribute);

/* Fill in a composite's fields from its tupdesc, without dropped columns. */
extern void etf_fields_build(EtfTypeBuilder *builder, EtfType *type);

/*
 * One column's value: {oversized, Bytes} where it does not fit.  Encoders of
 * nested values call type->encode instead.
 */
extern void etf_put_value(TermOut *out, const EtfType *type, Datum value);

#endif
