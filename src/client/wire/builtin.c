/*
 * builtin.c
 *		The types that every server has.
 *
 * OIDs and names are those of the server's pg_type.dat, which never change;
 * some came with a later version, and no other type has had them before.
 * Pseudo-types, of which no table has a column, and rows of catalogs are not
 * among them.
 */
#include "client/wire/wire.h"

#define COUNT (sizeof(rows) / sizeof(rows[0]))

/* Ordered by OID. */
static const struct
{
	uint32_t oid;
	const char *name;
	ValueKind kind; /* KIND_OTHER: the ring's table knows */
	uint32_t element;
} rows[] = {
	{16, "bool", KIND_OTHER, 0},
	{17, "bytea", KIND_OTHER, 0},
	{18, "char", KIND_OTHER, 0},
	{19, "name", KIND_OTHER, 0},
	{20, "int8", KIND_OTHER, 0},
	{21, "int2", KIND_OTHER, 0},
	{22, "int2vector", KIND_ARRAY, 21},
	{23, "int4", KIND_OTHER, 0},
	{24, "regproc", KIND_OTHER, 0},
	{25, "text", KIND_OTHER, 0},
	{26, "oid", KIND_OTHER, 0},
	{27, "tid", KIND_OTHER, 0},
	{28, "xid", KIND_OTHER, 0},
	{29, "cid", KIND_OTHER, 0},
	{30, "oidvector", KIND_ARRAY, 26},
	{114, "json", KIND_OTHER, 0},
	{142, "xml", KIND_OTHER, 0},
	{143, "_xml", KIND_ARRAY, 142},
	{194, "pg_node_tree", KIND_OTHER, 0},
	{199, "_json", KIND_ARRAY, 114},
	{271, "_xid8", KIND_ARRAY, 5069},
	{600, "point", KIND_OTHER, 0},
	{601, "lseg", KIND_OTHER, 0},
	{602, "path", KIND_OTHER, 0},
	{603, "box", KIND_OTHER, 0},
	{604, "polygon", KIND_OTHER, 0},
	{628, "line", KIND_OTHER, 0},
	{629, "_line", KIND_ARRAY, 628},
	{650, "cidr", KIND_OTHER, 0},
	{651, "_cidr", KIND_ARRAY, 650},
	{700, "float4", KIND_OTHER, 0},
	{701, "float8", KIND_OTHER, 0},
	{718, "circle", KIND_OTHER, 0},
	{719, "_circle", KIND_ARRAY, 718},
	{774, "macaddr8", KIND_OTHER, 0},
	{775, "_macaddr8", KIND_ARRAY, 774},
	{790, "money", KIND_OTHER, 0},
	{791, "_money", KIND_ARRAY, 790},
	{829, "macaddr", KIND_OTHER, 0},
	{869, "inet", KIND_OTHER, 0},
	{1000, "_bool", KIND_ARRAY, 16},
	{1001, "_bytea", KIND_ARRAY, 17},
	{1002, "_char", KIND_ARRAY, 18},
	{1003, "_name", KIND_ARRAY, 19},
	{1005, "_int2", KIND_ARRAY, 21},
	{1006, "_int2vector", KIND_ARRAY, 22},
	{1007, "_int4", KIND_ARRAY, 23},
	{1008, "_regproc", KIND_ARRAY, 24},
	{1009, "_text", KIND_ARRAY, 25},
	{1010, "_tid", KIND_ARRAY, 27},
	{1011, "_xid", KIND_ARRAY, 28},
	{1012, "_cid", KIND_ARRAY, 29},
	{1013, "_oidvector", KIND_ARRAY, 30},
	{1014, "_bpchar", KIND_ARRAY, 1042},
	{1015, "_varchar", KIND_ARRAY, 1043},
	{1016, "_int8", KIND_ARRAY, 20},
	{1017, "_point", KIND_ARRAY, 600},
	{1018, "_lseg", KIND_ARRAY, 601},
	{1019, "_path", KIND_ARRAY, 602},
	{1020, "_box", KIND_ARRAY, 603},
	{1021, "_float4", KIND_ARRAY, 700},
	{1022, "_float8", KIND_ARRAY, 701},
	{1027, "_polygon", KIND_ARRAY, 604},
	{1028, "_oid", KIND_ARRAY, 26},
	{1033, "aclitem", KIND_OTHER, 0},
	{1034, "_aclitem", KIND_ARRAY, 1033},
	{1040, "_macaddr", KIND_ARRAY, 829},
	{1041, "_inet", KIND_ARRAY, 869},
	{1042, "bpchar", KIND_OTHER, 0},
	{1043, "varchar", KIND_OTHER, 0},
	{1082, "date", KIND_OTHER, 0},
	{1083, "time", KIND_OTHER, 0},
	{1114, "timestamp", KIND_OTHER, 0},
	{1115, "_timestamp", KIND_ARRAY, 1114},
	{1182, "_date", KIND_ARRAY, 1082},
	{1183, "_time", KIND_ARRAY, 1083},
	{1184, "timestamptz", KIND_OTHER, 0},
	{1185, "_timestamptz", KIND_ARRAY, 1184},
	{1186, "interval", KIND_OTHER, 0},
	{1187, "_interval", KIND_ARRAY, 1186},
	{1231, "_numeric", KIND_ARRAY, 1700},
	{1266, "timetz", KIND_OTHER, 0},
	{1270, "_timetz", KIND_ARRAY, 1266},
	{1560, "bit", KIND_OTHER, 0},
	{1561, "_bit", KIND_ARRAY, 1560},
	{1562, "varbit", KIND_OTHER, 0},
	{1563, "_varbit", KIND_ARRAY, 1562},
	{1700, "numeric", KIND_OTHER, 0},
	{1790, "refcursor", KIND_OTHER, 0},
	{2201, "_refcursor", KIND_ARRAY, 1790},
	{2202, "regprocedure", KIND_OTHER, 0},
	{2203, "regoper", KIND_OTHER, 0},
	{2204, "regoperator", KIND_OTHER, 0},
	{2205, "regclass", KIND_OTHER, 0},
	{2206, "regtype", KIND_OTHER, 0},
	{2207, "_regprocedure", KIND_ARRAY, 2202},
	{2208, "_regoper", KIND_ARRAY, 2203},
	{2209, "_regoperator", KIND_ARRAY, 2204},
	{2210, "_regclass", KIND_ARRAY, 2205},
	{2211, "_regtype", KIND_ARRAY, 2206},
	{2949, "_txid_snapshot", KIND_ARRAY, 2970},
	{2950, "uuid", KIND_OTHER, 0},
	{2951, "_uuid", KIND_ARRAY, 2950},
	{2970, "txid_snapshot", KIND_OTHER, 0},
	{3220, "pg_lsn", KIND_OTHER, 0},
	{3221, "_pg_lsn", KIND_ARRAY, 3220},
	{3361, "pg_ndistinct", KIND_OTHER, 0},
	{3402, "pg_dependencies", KIND_OTHER, 0},
	{3614, "tsvector", KIND_OTHER, 0},
	{3615, "tsquery", KIND_OTHER, 0},
	{3642, "gtsvector", KIND_OTHER, 0},
	{3643, "_tsvector", KIND_ARRAY, 3614},
	{3644, "_gtsvector", KIND_ARRAY, 3642},
	{3645, "_tsquery", KIND_ARRAY, 3615},
	{3734, "regconfig", KIND_OTHER, 0},
	{3735, "_regconfig", KIND_ARRAY, 3734},
	{3769, "regdictionary", KIND_OTHER, 0},
	{3770, "_regdictionary", KIND_ARRAY, 3769},
	{3802, "jsonb", KIND_OTHER, 0},
	{3807, "_jsonb", KIND_ARRAY, 3802},
	{3904, "int4range", KIND_RANGE, 23},
	{3905, "_int4range", KIND_ARRAY, 3904},
	{3906, "numrange", KIND_RANGE, 1700},
	{3907, "_numrange", KIND_ARRAY, 3906},
	{3908, "tsrange", KIND_RANGE, 1114},
	{3909, "_tsrange", KIND_ARRAY, 3908},
	{3910, "tstzrange", KIND_RANGE, 1184},
	{3911, "_tstzrange", KIND_ARRAY, 3910},
	{3912, "daterange", KIND_RANGE, 1082},
	{3913, "_daterange", KIND_ARRAY, 3912},
	{3926, "int8range", KIND_RANGE, 20},
	{3927, "_int8range", KIND_ARRAY, 3926},
	{4072, "jsonpath", KIND_OTHER, 0},
	{4073, "_jsonpath", KIND_ARRAY, 4072},
	{4089, "regnamespace", KIND_OTHER, 0},
	{4090, "_regnamespace", KIND_ARRAY, 4089},
	{4096, "regrole", KIND_OTHER, 0},
	{4097, "_regrole", KIND_ARRAY, 4096},
	{4191, "regcollation", KIND_OTHER, 0},
	{4192, "_regcollation", KIND_ARRAY, 4191},
	{4451, "int4multirange", KIND_MULTIRANGE, 3904},
	{4532, "nummultirange", KIND_MULTIRANGE, 3906},
	{4533, "tsmultirange", KIND_MULTIRANGE, 3908},
	{4534, "tstzmultirange", KIND_MULTIRANGE, 3910},
	{4535, "datemultirange", KIND_MULTIRANGE, 3912},
	{4536, "int8multirange", KIND_MULTIRANGE, 3926},
	{4600, "pg_brin_bloom_summary", KIND_OTHER, 0},
	{4601, "pg_brin_minmax_multi_summary", KIND_OTHER, 0},
	{5017, "pg_mcv_list", KIND_OTHER, 0},
	{5038, "pg_snapshot", KIND_OTHER, 0},
	{5039, "_pg_snapshot", KIND_ARRAY, 5038},
	{5069, "xid8", KIND_OTHER, 0},
	{6150, "_int4multirange", KIND_ARRAY, 4451},
	{6151, "_nummultirange", KIND_ARRAY, 4532},
	{6152, "_tsmultirange", KIND_ARRAY, 4533},
	{6153, "_tstzmultirange", KIND_ARRAY, 4534},
	{6155, "_datemultirange", KIND_ARRAY, 4535},
	{6157, "_int8multirange", KIND_ARRAY, 4536},
	{6437, "oid8", KIND_OTHER, 0},
	{6442, "_oid8", KIND_ARRAY, 6437},
	{6490, "regdatabase", KIND_OTHER, 0},
	{6491, "_regdatabase", KIND_ARRAY, 6490},
};

/* What none of the other members of a row can tell. */
#define OID_BOX 603
#define OID_BOX_ARRAY 1020
#define OID_ACLITEM 1033
#define OID_GTSVECTOR 3642

static WireType types[COUNT];
static bool built;

static WireType *
find(uint32_t oid)
{
	size_t low = 0;
	size_t high = COUNT;

	while (low < high)
	{
		size_t middle = (low + high) / 2;

		if (rows[middle].oid == oid)
			return &types[middle];
		if (rows[middle].oid < oid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void
build(size_t i)
{
	uint32_t oid = rows[i].oid;
	WireType *type = &types[i];

	type->oid = type->base = oid;
	type->name = rows[i].name;
	type->typmod = -1;
	type->delimiter = oid == OID_BOX || oid == OID_BOX_ARRAY ? ';' : ',';
	type->sends = oid != OID_ACLITEM && oid != OID_GTSVECTOR;
	type->kind = rows[i].kind;
	if (type->kind == KIND_OTHER)
		wire_set_base(type, NULL);
	else
		type->element = find(rows[i].element);
}

const WireType *
wire_builtin(uint32_t oid)
{
	for (size_t i = 0; i < COUNT && !built; i++)
		build(i);
	built = true;
	return find(oid);
}
