/*
 * decode_type.c
 *		Choose how the values of a type are read from terms.
 *
 * The order is that of plugin/type.c, which chooses how they are written: built-in
 * types from a table, then the kind of type, then the types of extensions by
 * name, then the type's input function.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "beam/decoders.h"
#include "compat/values.h"
#include "plugin/encoding.h"

typedef struct BuiltInType
{
	Oid typid;
	Decode decode;
	bool takes_lists;
} BuiltInType;

/* Only looked at when a plan is built, so the order is for readers. */
static const BuiltInType built_in_types[] = {
	{BOOLOID, decode_bool, false},
	{INT2OID, decode_int2, false},
	{INT4OID, decode_int4, false},
	{INT8OID, decode_int8, false},
	{FLOAT4OID, decode_float4, false},
	{FLOAT8OID, decode_float8, false},
	{NUMERICOID, decode_numeric, false},
	{CASHOID, decode_money, false},

	{OIDOID, decode_oid, false},
	{XIDOID, decode_oid, false},
	{CIDOID, decode_oid, false},
	{XID8OID, decode_uint8, false},
	{OID8OID, decode_uint8, false},
	{LSNOID, decode_uint8, false},
	{TIDOID, decode_tid, false},
	{REGPROCOID, decode_oid, false},
	{REGPROCEDUREOID, decode_oid, false},
	{REGOPEROID, decode_oid, false},
	{REGOPERATOROID, decode_oid, false},
	{REGCLASSOID, decode_oid, false},
	{REGCOLLATIONOID, decode_oid, false},
	{REGTYPEOID, decode_oid, false},
	{REGROLEOID, decode_oid, false},
	{REGNAMESPACEOID, decode_oid, false},
	{REGCONFIGOID, decode_oid, false},
	{REGDICTIONARYOID, decode_oid, false},
	{REGDATABASEOID, decode_oid, false},

	{TEXTOID, decode_text, false},
	{VARCHAROID, decode_text, false},
	{BPCHAROID, decode_text, false},
	{REFCURSOROID, decode_text, false},
	{CHAROID, decode_char, false},
	{NAMEOID, decode_name, false},
	{BYTEAOID, decode_bytea, false},
	{BITOID, decode_bits, false},
	{VARBITOID, decode_bits, false},
	{UUIDOID, decode_uuid, false},

	{DATEOID, decode_date, false},
	{TIMEOID, decode_time, false},
	{TIMETZOID, decode_timetz, false},
	{TIMESTAMPOID, decode_timestamp, false},
	{TIMESTAMPTZOID, decode_timestamptz, false},
	{INTERVALOID, decode_interval, false},

	{JSONOID, decode_json, true},
	{JSONBOID, decode_jsonb, true},
	{TSVECTOROID, decode_tsvector, true},
	{INT2VECTOROID, decode_int_vector, true},
	{OIDVECTOROID, decode_int_vector, true},
	{INETOID, decode_inet, false},
	{CIDROID, decode_inet, false},
	{MACADDROID, decode_macaddr, false},
	{MACADDR8OID, decode_macaddr, false},
	{POINTOID, decode_point, false},
	{LINEOID, decode_line, false},
	{LSEGOID, decode_lseg, false},
	{BOXOID, decode_box, false},
	{PATHOID, decode_path, false},
	{POLYGONOID, decode_polygon, false},
	{CIRCLEOID, decode_circle, false},
};

/* Types whose OID differs from database to database. */
typedef struct ExtensionType
{
	const char *extension;
	const char *type;
	Decode decode;
	bool takes_lists;
} ExtensionType;

static const ExtensionType extension_types[] = {
	{"hstore", "hstore", decode_hstore, false},
	{"vector", "vector", decode_vector, true},
	{"pg_etf_beam", "etf", decode_etf, true},
};

static bool
choose_built_in(DecodeType *type)
{
	for (int i = 0; i < (int) lengthof(built_in_types); i++)
		if (built_in_types[i].typid == type->typid)
		{
			type->decode = built_in_types[i].decode;
			type->takes_lists = built_in_types[i].takes_lists;
			return true;
		}
	return false;
}

static void
choose_by_name(DecodeType *type, Form_pg_type form)
{
	Oid extension = getExtensionOfObject(TypeRelationId, form->oid);
	const char *name =
		OidIsValid(extension) ? get_extension_name(extension) : NULL;

	type->decode = decode_by_input;
	for (int i = 0; name != NULL && i < (int) lengthof(extension_types); i++)
		if (strcmp(extension_types[i].extension, name) == 0 &&
			strcmp(extension_types[i].type, NameStr(form->typname)) == 0)
		{
			type->decode = extension_types[i].decode;
			type->takes_lists = extension_types[i].takes_lists;
		}
}

/* The name as terms have it; one without a form in UTF-8 fits no key. */
static const char *
utf8_name(const char *name)
{
	Size len = strlen(name);
	const char *text = etf_to_utf8(name, &len);

	return text != NULL ? pnstrdup(text, len) : "";
}

static void
build_fields(DecodeType *type, TupleDesc tupdesc)
{
	type->tupdesc = CreateTupleDescCopyConstr(tupdesc);
	type->fields = palloc(sizeof(DecodeField) * Max(tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(type->tupdesc, i);

		if (!attribute->attisdropped)
			type->fields[type->nfields++] =
				(DecodeField){.name = utf8_name(NameStr(attribute->attname)),
							  .attindex = i,
							  .type = decode_type_build(attribute->atttypid,
														attribute->atttypmod)};
	}
	type->decode = decode_composite;
}

static void
build_composite(DecodeType *type)
{
	TupleDesc tupdesc = lookup_rowtype_tupdesc(type->typid, -1);

	build_fields(type, tupdesc);
	ReleaseTupleDesc(tupdesc);
}

static void
build_range(DecodeType *type)
{
	type->typcache = lookup_type_cache(type->typid, TYPECACHE_RANGE_INFO);
	type->element = decode_type_build(type->typcache->rngelemtype->type_id, -1);
	type->decode = decode_range;
}

static void
choose_by_kind(DecodeType *type, Form_pg_type form)
{
	Oid element = get_element_type(type->typid);
	Oid range = multirange_range(type->typid);

	if (OidIsValid(element))
	{
		type->element = decode_type_build(element, type->typmod);
		type->decode = decode_array;
		type->takes_lists = true;
	}
	else if (form->typtype == TYPTYPE_COMPOSITE)
		build_composite(type);
	else if (form->typtype == TYPTYPE_ENUM)
		type->decode = decode_enum;
	else if (form->typtype == TYPTYPE_RANGE)
		build_range(type);
	else if (OidIsValid(range))
	{
		type->element = decode_type_build(range, -1);
		type->decode = decode_multirange;
		type->takes_lists = true;
	}
	else
		choose_by_name(type, form);
}

/* Elements of an array have been made to fit by then. */
static void
find_coercion(DecodeType *type)
{
	Oid function;

	if (type->typmod < 0 || find_typmod_coercion_function(
								type->typid, &function) != COERCION_PATH_FUNC)
		return;
	type->coerce = palloc(sizeof(FmgrInfo));
	fmgr_info(function, type->coerce);
}

static void
find_input(DecodeType *type)
{
	Oid function;

	getTypeInputInfo(type->typid, &function, &type->input_param);
	fmgr_info(function, &type->input);
}

static void
build_base(DecodeType *type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type->typid));
	Form_pg_type form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type->typid);
	form = (Form_pg_type) GETSTRUCT(tuple);
	type->typlen = form->typlen;
	type->typbyval = form->typbyval;
	type->typalign = form->typalign;
	if (!choose_built_in(type))
		choose_by_kind(type, form);
	ReleaseSysCache(tuple);
	find_input(type);
	find_coercion(type);
}

DecodeType *
decode_type_build(Oid typid, int32 typmod)
{
	DecodeType *type = palloc0(sizeof(DecodeType));

	check_stack_depth();
	type->cache = CurrentMemoryContext;
	type->named = typid;
	type->typmod = typmod;
	type->typid = getBaseTypeAndTypmod(typid, &type->typmod);
	if (type->typid != typid)
		type->domain_state = palloc0(sizeof(void *));
	build_base(type);
	return type;
}

DecodeType *
decode_row_build(TupleDesc tupdesc)
{
	DecodeType *type = palloc0(sizeof(DecodeType));

	type->cache = CurrentMemoryContext;
	type->named = type->typid = tupdesc->tdtypeid;
	type->typmod = tupdesc->tdtypmod;
	build_fields(type, tupdesc);
	return type;
}

List *
decode_type_relations(const DecodeType *type, List *relations)
{
	if (type->element != NULL)
		relations = decode_type_relations(type->element, relations);
	for (int i = 0; i < type->nfields; i++)
		relations = decode_type_relations(type->fields[i].type, relations);
	if (type->tupdesc != NULL && type->typid != RECORDOID)
		relations =
			list_append_unique_oid(relations, get_typ_typrelid(type->typid));
	return relations;
}
