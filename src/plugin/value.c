/*
 * value.c
 *		Choose how the values of a type are encoded.
 *
 * All look-ups in the catalogs happen here, when a relation's plan is built.
 * The order is: built-in types from a table, then the kind of type, then the
 * types of some extensions by name, then text output.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "plugin/encoders.h"
#include "plugin/encoding.h"

/*
 * Types can be built of types without end, and each level can multiply what
 * there is to know of them.  What is made beyond these limits has no plan.
 */
#define MAX_LEVELS 1000
#define MAX_FIELDS 30000

typedef struct BuiltInType
{
	Oid typid;
	EtfEncode encode;
} BuiltInType;

/* Only looked at when a plan is built, so the order is for readers. */
static const BuiltInType built_in_types[] = {
	{BOOLOID, encode_bool},
	{INT2OID, encode_int2},
	{INT4OID, encode_int4},
	{INT8OID, encode_int8},
	{FLOAT4OID, encode_float4},
	{FLOAT8OID, encode_float8},
	{NUMERICOID, encode_numeric},
	{CASHOID, encode_money},

	{OIDOID, encode_oid},
	{XIDOID, encode_oid},
	{CIDOID, encode_oid},
	{XID8OID, encode_uint8},
	{OID8OID, encode_uint8},
	{LSNOID, encode_uint8},
	{TIDOID, encode_tid},
	{REGPROCOID, encode_oid},
	{REGPROCEDUREOID, encode_oid},
	{REGOPEROID, encode_oid},
	{REGOPERATOROID, encode_oid},
	{REGCLASSOID, encode_oid},
	{REGCOLLATIONOID, encode_oid},
	{REGTYPEOID, encode_oid},
	{REGROLEOID, encode_oid},
	{REGNAMESPACEOID, encode_oid},
	{REGCONFIGOID, encode_oid},
	{REGDICTIONARYOID, encode_oid},
	{REGDATABASEOID, encode_oid},

	{TEXTOID, encode_text},
	{VARCHAROID, encode_text},
	{BPCHAROID, encode_text},
	{XMLOID, encode_text},
	{REFCURSOROID, encode_text},
	{CHAROID, encode_char},
	{NAMEOID, encode_name},
	{BYTEAOID, encode_bytea},
	{BITOID, encode_bits},
	{VARBITOID, encode_bits},
	{UUIDOID, encode_uuid},

	{DATEOID, encode_date},
	{TIMEOID, encode_time},
	{TIMETZOID, encode_timetz},
	{TIMESTAMPOID, encode_timestamp},
	{TIMESTAMPTZOID, encode_timestamptz},
	{INTERVALOID, encode_interval},

	{JSONOID, encode_json},
	{JSONBOID, encode_jsonb},
	{TSVECTOROID, encode_tsvector},
	{INETOID, encode_inet},
	{CIDROID, encode_inet},
	{MACADDROID, encode_macaddr},
	{MACADDR8OID, encode_macaddr8},
	{POINTOID, encode_point},
	{LINEOID, encode_line},
	{LSEGOID, encode_lseg},
	{BOXOID, encode_box},
	{PATHOID, encode_path},
	{POLYGONOID, encode_polygon},
	{CIRCLEOID, encode_circle},

	{RECORDOID, encode_record},
};

/* Types whose OID differs from database to database. */
typedef struct ExtensionType
{
	const char *extension;
	const char *type;
	EtfEncode encode;
} ExtensionType;

static const ExtensionType extension_types[] = {
	{"citext", "citext", encode_text},
	{"hstore", "hstore", encode_hstore},
	{"vector", "vector", encode_vector},
};

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

static EtfEncode
built_in_encoder(Oid typid)
{
	for (int i = 0; i < (int) lengthof(built_in_types); i++)
		if (built_in_types[i].typid == typid)
			return built_in_types[i].encode;
	return NULL;
}

static EtfEncode
extension_encoder(Form_pg_type form)
{
	Oid extension = getExtensionOfObject(TypeRelationId, form->oid);
	const char *name =
		OidIsValid(extension) ? get_extension_name(extension) : NULL;

	if (name == NULL)
		return NULL;
	for (int i = 0; i < (int) lengthof(extension_types); i++)
		if (strcmp(extension_types[i].extension, name) == 0 &&
			strcmp(extension_types[i].type, NameStr(form->typname)) == 0)
			return extension_types[i].encode;
	return NULL;
}

/* Only the size of the value is told. */
static void
encode_unknown(EtfOut *out, const EtfType *type, Datum value)
{
	out_overflow(out);
	etf_put_null(out);
}

static void
build_known(EtfTypeBuilder *builder, EtfType *type, Form_pg_type form)
{
	type->typlen = form->typlen;
	type->typbyval = form->typbyval;
	type->typalign = form->typalign;
	type->encode = built_in_encoder(type->typid);
	if (type->encode != NULL)
		return;
	if (++builder->depth > MAX_LEVELS)
		type->encode = encode_unknown;
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
		type->encode = encode_unknown;
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
	type->encode = encode_unknown;
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(form->typrelid)))
		return;
	tupdesc = lookup_rowtype_tupdesc(type->typid, -1);
	if (builder->fields + tupdesc->natts <= MAX_FIELDS)
	{
		type->tupdesc = CreateTupleDescCopyConstr(tupdesc);
		type->encode = encode_composite;
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
	type->encode = encode_enum;
}

/* The type cache raises an ERROR for a subtype that is gone. */
static void
build_range(EtfTypeBuilder *builder, EtfType *type)
{
	Oid subtype = get_range_subtype(type->typid);

	type->encode = encode_unknown;
	if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(subtype)))
		return;
	type->typcache = lookup_type_cache(type->typid, TYPECACHE_RANGE_INFO);
	type->element = etf_type_build(builder, subtype, -1);
	type->encode = encode_range;
}

/* Encoding looks into the ranges' plan, so there has to be one. */
static void
build_multirange(EtfTypeBuilder *builder, EtfType *type, Oid range)
{
	builder->depth--;
	type->element = etf_type_build(builder, range, -1);
	builder->depth++;
	type->encode = type->element->encode == encode_unknown ? encode_unknown
														   : encode_multirange;
}

static void
build_by_name(EtfType *type, Form_pg_type form)
{
	EtfEncode encode = extension_encoder(form);
	Oid function;
	bool varlena;

	/* An extension's encoder, too, falls back on text for what it rejects. */
	getTypeOutputInfo(type->typid, &function, &varlena);
	type->output = palloc(sizeof(FmgrInfo));
	fmgr_info(function, type->output);
	type->encode = encode != NULL ? encode : encode_by_output;
}

static void
build_by_kind(EtfTypeBuilder *builder, EtfType *type, Form_pg_type form)
{
	Oid element = get_element_type(type->typid);
	Oid range = multirange_range(type->typid);

	if (OidIsValid(element))
	{
		type->element = etf_type_build(builder, element, type->typmod);
		type->encode = encode_array;
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
etf_put_value(EtfOut *out, const EtfType *type, Datum value)
{
	out_value_begin(out);
	type->encode(out, type, value);
	if (unlikely(!out_value_end(out)))
		etf_put_oversized(out, value_size(type, value));
}
