/*
 * type.c
 *		Choose how the values of a type are encoded.
 *
 * All look-ups in the catalogs happen here, when a relation's plan is built.
 * The order is: built-in types from the ring's table, then the kind of type, then the
 * types of some extensions by name, then text output.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat/values.h"
#include "plugin/datum.h"
#include "plugin/encoding.h"

/*
 * Types can be built of types without end, and each level can multiply what
 * there is to know of them.  What is made beyond these limits has no plan.
 */
#define MAX_LEVELS 1000
#define MAX_FIELDS 30000

/* Only the size of the value is sent. */
static void
encode_unknown(TermOut *out, const EtfType *type, Datum value)
{
	out_overflow(out);
	etf_put_null(out);
}

/* Who reads the values of each kind. */
static const EtfEncode readers[KIND_COUNT] = {
	[KIND_NONE] = encode_unknown,
	[KIND_BOOL] = encode_bool,
	[KIND_INT2] = encode_int2,
	[KIND_INT4] = encode_int4,
	[KIND_INT8] = encode_int8,
	[KIND_UINT4] = encode_uint4,
	[KIND_UINT8] = encode_uint8,
	[KIND_FLOAT4] = encode_float4,
	[KIND_FLOAT8] = encode_float8,
	[KIND_NUMERIC] = encode_numeric,
	[KIND_MONEY] = encode_money,
	[KIND_TID] = encode_tid,
	[KIND_TEXT] = encode_text,
	[KIND_CHAR] = encode_char,
	[KIND_NAME] = encode_name,
	[KIND_BYTEA] = encode_bytea,
	[KIND_BITS] = encode_bits,
	[KIND_UUID] = encode_uuid,
	[KIND_DATE] = encode_date,
	[KIND_TIME] = encode_time,
	[KIND_TIMETZ] = encode_timetz,
	[KIND_TIMESTAMP] = encode_timestamp,
	[KIND_TIMESTAMPTZ] = encode_timestamptz,
	[KIND_INTERVAL] = encode_interval,
	[KIND_JSON] = encode_json,
	[KIND_JSONB] = encode_jsonb,
	[KIND_TSVECTOR] = encode_tsvector,
	[KIND_INET] = encode_inet,
	[KIND_MACADDR] = encode_macaddr,
	[KIND_MACADDR8] = encode_macaddr8,
	[KIND_POINT] = encode_point,
	[KIND_LINE] = encode_line,
	[KIND_LSEG] = encode_lseg,
	[KIND_BOX] = encode_box,
	[KIND_PATH] = encode_path,
	[KIND_POLYGON] = encode_polygon,
	[KIND_CIRCLE] = encode_circle,
	[KIND_RECORD] = encode_record,
	[KIND_HSTORE] = encode_hstore,
	[KIND_VECTOR] = encode_vector,
	[KIND_ETF] = encode_etf,
	[KIND_ARRAY] = encode_array,
	[KIND_COMPOSITE] = encode_composite,
	[KIND_ENUM] = encode_enum,
	[KIND_RANGE] = encode_range,
	[KIND_MULTIRANGE] = encode_multirange,
	[KIND_OTHER] = encode_by_output,
};

static void
set_kind(EtfType *type, ValueKind kind)
{
	type->kind = kind;
	type->encode = readers[kind];
}

static void build_by_kind(EtfTypeBuilder *builder, EtfType *type,
						  Form_pg_type form);

/*
 * NULL for a type that is not in the catalogs: it was dropped while a table
 * with a column of it was made.  An ERROR would come back for ever.
 */
static Form_pg_type
open_type(Oid typid, HeapTuple *tuple)
{
	*tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	return HeapTupleIsValid(*tuple) ? (Form_pg_type) GETSTRUCT(*tuple) : NULL;
}

/* Built-in types never change. */
static void
remember_type(EtfTypeBuilder *builder, Oid typid)
{
	if (typid >= FirstNormalObjectId)
		builder->type_oids = list_append_unique_oid(builder->type_oids, typid);
}

/* Like getBaseTypeAndTypmod, but remembers each domain on the way. */
static Oid
look_through_domains(EtfTypeBuilder *builder, Oid typid, int32 *typmod)
{
	for (;;)
	{
		HeapTuple tuple;
		Form_pg_type form = open_type(typid, &tuple);
		bool domain = form != NULL && form->typtype == TYPTYPE_DOMAIN;

		remember_type(builder, typid);
		if (domain)
		{
			typid = form->typbasetype;
			*typmod = form->typtypmod;
		}
		if (form != NULL)
			ReleaseSysCache(tuple);
		if (!domain)
			return typid;
	}
}

static ValueKind
extension_kind(Form_pg_type form)
{
	Oid extension = getExtensionOfObject(TypeRelationId, form->oid);
	const char *name =
		OidIsValid(extension) ? get_extension_name(extension) : NULL;

	return name == NULL ? KIND_OTHER
						: kind_of_extension_type(name, NameStr(form->typname));
}

static void
build_known(EtfTypeBuilder *builder, EtfType *type, Form_pg_type form)
{
	type->typlen = form->typlen;
	type->typbyval = form->typbyval;
	type->typalign = form->typalign;
	set_kind(type, kind_of_type(type->typid));
	if (type->kind != KIND_OTHER)
		return;
	if (++builder->depth > MAX_LEVELS)
		set_kind(type, KIND_NONE);
	else
		build_by_kind(builder, type, form);
	builder->depth--;
}

EtfType *
etf_type_build(EtfTypeBuilder *builder, Oid typid, int32 typmod)
{
	EtfType *type = palloc0(sizeof(EtfType));
	HeapTuple tuple;
	Form_pg_type form;

	check_stack_depth();
	type->typid = look_through_domains(builder, typid, &typmod);
	type->typmod = typmod;
	form = open_type(type->typid, &tuple);
	if (form == NULL)
		set_kind(type, KIND_NONE);
	else
	{
		build_known(builder, type, form);
		ReleaseSysCache(tuple);
	}
	return type;
}

static void
build_composite(EtfTypeBuilder *builder, EtfType *type, Form_pg_type form)
{
	TupleDesc tupdesc;

	builder->relation_oids =
		list_append_unique_oid(builder->relation_oids, form->typrelid);
	set_kind(type, KIND_NONE);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(form->typrelid)))
		return;
	tupdesc = lookup_rowtype_tupdesc(type->typid, -1);
	if (builder->fields + tupdesc->natts <= MAX_FIELDS)
	{
		type->tupdesc = CreateTupleDescCopyConstr(tupdesc);
		set_kind(type, KIND_COMPOSITE);
	}
	ReleaseTupleDesc(tupdesc);
	if (type->tupdesc != NULL)
		etf_fields_build(builder, type);
}

static void
build_enum(EtfTypeBuilder *builder, EtfType *type)
{
	if (builder->labels == NULL)
		builder->labels = etf_labels_create(CurrentMemoryContext);
	type->labels = builder->labels;
	set_kind(type, KIND_ENUM);
}

/* The type cache raises an ERROR for a subtype that no longer exists. */
static void
build_range(EtfTypeBuilder *builder, EtfType *type)
{
	Oid subtype = get_range_subtype(type->typid);

	set_kind(type, KIND_NONE);
	if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(subtype)))
		return;
	type->typcache = lookup_type_cache(type->typid, TYPECACHE_RANGE_INFO);
	type->element = etf_type_build(builder, subtype, -1);
	set_kind(type, KIND_RANGE);
}

/* Encoding looks into the ranges' plan, so there has to be one. */
static void
build_multirange(EtfTypeBuilder *builder, EtfType *type, Oid range)
{
	builder->depth--;
	type->element = etf_type_build(builder, range, -1);
	builder->depth++;
	set_kind(type,
			 type->element->kind == KIND_NONE ? KIND_NONE : KIND_MULTIRANGE);
}

static void
build_by_name(EtfType *type, Form_pg_type form)
{
	Oid function;
	bool varlena;

	/* An extension's encoder, too, falls back on text for what it rejects. */
	getTypeOutputInfo(type->typid, &function, &varlena);
	type->output = palloc(sizeof(FmgrInfo));
	fmgr_info(function, type->output);
	set_kind(type, extension_kind(form));
}

static void
build_by_kind(EtfTypeBuilder *builder, EtfType *type, Form_pg_type form)
{
	Oid element = get_element_type(type->typid);
	Oid range = multirange_range(type->typid);

	if (OidIsValid(element))
	{
		type->element = etf_type_build(builder, element, type->typmod);
		set_kind(type, KIND_ARRAY);
	}
	else if (form->typtype == TYPTYPE_COMPOSITE)
		build_composite(builder, type, form);
	else if (form->typtype == TYPTYPE_ENUM)
		build_enum(builder, type);
	else if (form->typtype == TYPTYPE_RANGE)
		build_range(builder, type);
	else if (OidIsValid(range))
		build_multirange(builder, type, range);
	else
		build_by_name(type, form);
}

/* What a value takes on the server, without its length word. */
static Size
value_size(const EtfType *type, Datum value)
{
	if (type->typlen == -1)
		return toast_raw_datum_size(value) - VARHDRSZ;
	return type->typlen;
}

void
etf_put_value(TermOut *out, const EtfType *type, Datum value)
{
	out_value_begin(out);
	type->encode(out, type, value);
	if (unlikely(!out_value_end(out)))
		etf_put_oversized(out, value_size(type, value));
}
