/*
 * value_enum.c
 *		Enums, by their label.
 *
 * Each label is looked up in the catalogs once per plan; adding or renaming
 * one makes the plan stale.
 */
#include "postgres.h"

#include "catalog/pg_enum.h"
#include "utils/syscache.h"

#include "compat.h"
#include "plugin/encoders.h"

static const EtfEnumLabel *
look_up_label(EtfOut *out, const EtfType *type, Oid oid)
{
	HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(oid));
	StringInfoData term;
	EtfOut term_out = {&term, out->options, 0, false};
	EtfEnumLabel *label;
	const char *name;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	name = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	initStringInfo(&term);
	etf_put_text(&term_out, name, strlen(name));
	ReleaseSysCache(tuple);

	label = hash_search(type->labels, &oid, HASH_ENTER, NULL);
	label->len = Min(term.len, (int) sizeof(label->term));
	memcpy(label->term, term.data, label->len);
	pfree(term.data);
	return label;
}

/* A value whose label is gone is sent as its OID. */
void
encode_enum(EtfOut *out, const EtfType *type, Datum value)
{
	Oid oid = DatumGetObjectId(value);
	const EtfEnumLabel *label =
		hash_search(type->labels, &oid, HASH_FIND, NULL);

	if (label == NULL)
		label = look_up_label(out, type, oid);
	if (label != NULL)
		etf_put_small(out, label->term, label->len);
	else
		etf_put_int(out, oid);
}
