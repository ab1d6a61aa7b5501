/*
 * datum_enum.c
 *		Enums, by their label.
 *
 * Each label is looked up in the catalogs once: its OID is its own in all
 * enums, so one table serves every column of a session.  Adding or renaming
 * one empties it, see relation.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "plugin/datum.h"

typedef struct EnumLabel
{
	Oid oid; /* of the pg_enum row; hash key: must be first */
	int len;
	const char *term; /* the label, encoded */
} EnumLabel;

struct EtfLabels
{
	MemoryContext context; /* holds all of this */
	HTAB *table;
};

EtfLabels *
etf_labels_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(
		parent, "pg_etf_decoding labels", ALLOCSET_SMALL_SIZES);
	HASHCTL control = {.keysize = sizeof(Oid),
					   .entrysize = sizeof(EnumLabel),
					   .hcxt = context};
	EtfLabels *labels = MemoryContextAlloc(context, sizeof(EtfLabels));

	labels->context = context;
	labels->table = hash_create("pg_etf_decoding labels", 16, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return labels;
}

void
etf_labels_free(EtfLabels *labels)
{
	MemoryContextDelete(labels->context);
}

static const EnumLabel *
look_up_label(TermOut *out, EtfLabels *labels, Oid oid)
{
	HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(oid));
	StringInfoData term;
	TermOut term_out;
	EnumLabel *label;
	const char *name;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	name = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	initStringInfo(&term);
	etf_out_attach(&term_out, &term, out->forms);
	etf_put_text(&term_out, name, strlen(name));
	ReleaseSysCache(tuple);

	label = hash_search(labels->table, &oid, HASH_ENTER, NULL);
	label->len = (int) term_out.len;
	label->term = memcpy(MemoryContextAlloc(labels->context, term_out.len),
						 term_out.data, term_out.len);
	pfree(term.data);
	return label;
}

/* A value whose label no longer exists is sent as its OID. */
void
encode_enum(TermOut *out, const EtfType *type, Datum value)
{
	Oid oid = DatumGetObjectId(value);
	const EnumLabel *label =
		hash_search(type->labels->table, &oid, HASH_FIND, NULL);

	if (label == NULL)
		label = look_up_label(out, type->labels, oid);
	if (label != NULL)
		etf_put_small(out, label->term, label->len);
	else
		etf_put_int(out, oid);
}
