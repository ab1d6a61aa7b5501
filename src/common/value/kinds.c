/*
 * kinds.c
 *		The one table of types.
 *
 * Only looked at when a plan is built, so the order is for readers.  OIDs are
 * those of the server's pg_type.dat, which never change; some came with a
 * later version, and no other type has had them before.
 */
#include "common/value/kinds.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct
{
	uint32_t oid;
	ValueKind kind;
} built_in[] = {
	{16, KIND_BOOL},		{21, KIND_INT2},		  {23, KIND_INT4},
	{20, KIND_INT8},		{700, KIND_FLOAT4},		  {701, KIND_FLOAT8},
	{1700, KIND_NUMERIC},	{790, KIND_MONEY},

	{26, KIND_UINT4},						  /* oid */
	{28, KIND_UINT4},						  /* xid */
	{29, KIND_UINT4},						  /* cid */
	{5069, KIND_UINT8},						  /* xid8 */
	{6437, KIND_UINT8},						  /* oid8, since 19 */
	{3220, KIND_UINT8},						  /* pg_lsn */
	{27, KIND_TID},			{24, KIND_UINT4}, /* regproc */
	{2202, KIND_UINT4},						  /* regprocedure */
	{2203, KIND_UINT4},						  /* regoper */
	{2204, KIND_UINT4},						  /* regoperator */
	{2205, KIND_UINT4},						  /* regclass */
	{4191, KIND_UINT4},						  /* regcollation */
	{2206, KIND_UINT4},						  /* regtype */
	{4096, KIND_UINT4},						  /* regrole */
	{4089, KIND_UINT4},						  /* regnamespace */
	{3734, KIND_UINT4},						  /* regconfig */
	{3769, KIND_UINT4},						  /* regdictionary */
	{6490, KIND_UINT4},						  /* regdatabase, since 19 */

	{25, KIND_TEXT},		{1043, KIND_TEXT}, /* varchar */
	{1042, KIND_TEXT},						   /* bpchar */
	{142, KIND_TEXT},						   /* xml */
	{1790, KIND_TEXT},						   /* refcursor */
	{18, KIND_CHAR},		{19, KIND_NAME},		  {17, KIND_BYTEA},
	{1560, KIND_BITS},		{1562, KIND_BITS}, /* varbit */
	{2950, KIND_UUID},

	{1082, KIND_DATE},		{1083, KIND_TIME},		  {1266, KIND_TIMETZ},
	{1114, KIND_TIMESTAMP}, {1184, KIND_TIMESTAMPTZ}, {1186, KIND_INTERVAL},

	{114, KIND_JSON},		{3802, KIND_JSONB},		  {3614, KIND_TSVECTOR},
	{869, KIND_INET},		{650, KIND_INET}, /* cidr */
	{829, KIND_MACADDR},	{774, KIND_MACADDR8},	  {600, KIND_POINT},
	{628, KIND_LINE},		{601, KIND_LSEG},		  {603, KIND_BOX},
	{602, KIND_PATH},		{604, KIND_POLYGON},	  {718, KIND_CIRCLE},

	{2249, KIND_RECORD},
};

static const struct
{
	const char *extension;
	const char *type;
	ValueKind kind;
} of_extensions[] = {
	{"citext", "citext", KIND_TEXT},
	{"hstore", "hstore", KIND_HSTORE},
	{"vector", "vector", KIND_VECTOR},
	{"pg_etf_beam", "etf", KIND_ETF},
};

ValueKind
kind_of_type(uint32_t oid)
{
	for (size_t i = 0; i < COUNT(built_in); i++)
		if (built_in[i].oid == oid)
			return built_in[i].kind;
	return KIND_OTHER;
}

ValueKind
kind_of_extension_type(const char *extension, const char *type)
{
	for (size_t i = 0; i < COUNT(of_extensions); i++)
		if (strcmp(of_extensions[i].extension, extension) == 0 &&
			strcmp(of_extensions[i].type, type) == 0)
			return of_extensions[i].kind;
	return KIND_OTHER;
}
