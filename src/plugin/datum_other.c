/*
 * datum_other.c
 *		UUIDs, bit strings, addresses, geometry and text search.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "catalog/pg_type.h"
#include "tsearch/ts_type.h"
#include "utils/builtins.h"
#include "utils/geo_decls.h"
#include "utils/inet.h"
#include "utils/uuid.h"

#include "common/value/bits.h"
#include "common/value/geometric.h"
#include "common/value/net.h"
#include "common/value/tsvector.h"
#include "compat/values.h"
#include "plugin/datum.h"

void
encode_uuid(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_uuid(out, DatumGetUUIDP(value)->data);
}

/* bit and varbit: their length in bits, then the bits. */
void
encode_bits(TermOut *out, const EtfType *type, Datum value)
{
	struct varlena *datum = PG_DETOAST_DATUM_PACKED(value);
	const char *bytes = VARDATA_ANY(datum) + sizeof(int32);
	int32 bits;

	memcpy(&bits, VARDATA_ANY(datum), sizeof(bits));
	etf_put_bits(out, bytes, bits);
}

void
encode_inet(TermOut *out, const EtfType *type, Datum value)
{
	const inet *address = DatumGetInetPP(value);

	etf_put_inet(out, ip_addr(address), ip_addrsize(address), ip_bits(address),
				 type->typid == CIDROID);
}

/* Both types are just their bytes, and so may be read where they lie. */
void
encode_macaddr(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_mac(out, (const uint8 *) DatumGetMacaddrP(value), 6);
}

void
encode_macaddr8(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_mac(out, (const uint8 *) DatumGetMacaddr8P(value), 8);
}

void
encode_point(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_point(out, &DatumGetPointP(value)->x);
}

void
encode_line(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_line(out, &DatumGetLineP(value)->A);
}

void
encode_lseg(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_lseg(out, &DatumGetLsegP(value)->p[0].x);
}

void
encode_box(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_box(out, &DatumGetBoxP(value)->high.x);
}

void
encode_path(TermOut *out, const EtfType *type, Datum value)
{
	const PATH *path = DatumGetPathP(value);

	etf_put_path(out, path->closed, &path->p[0].x, path->npts);
}

void
encode_polygon(TermOut *out, const EtfType *type, Datum value)
{
	const POLYGON *polygon = DatumGetPolygonP(value);

	etf_put_polygon(out, &polygon->p[0].x, polygon->npts);
}

void
encode_circle(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_circle(out, &DatumGetCircleP(value)->center.x);
}

static void
put_vector_text(TermOut *out, TSVector vector)
{
	char *text = DatumGetCString(
		DirectFunctionCall1(tsvectorout, TSVectorGetDatum(vector)));

	etf_put_text(out, text, strlen(text));
	pfree(text);
}

void
encode_tsvector(TermOut *out, const EtfType *type, Datum value)
{
	TSVector vector = DatumGetTSVector(value);

	if (out->forms->dialect == DIALECT_ERLANG)
	{
		put_vector_text(out, vector);
		return;
	}
	etf_put_list(out, vector->size);
	for (int i = 0; i < vector->size; i++)
	{
		const WordEntry *entry = &ARRPTR(vector)[i];

		etf_put_lexeme(out);
		etf_put_text(out, STRPTR(vector) + entry->pos, entry->len);
		etf_put_lexeme_positions(out, POSDATAPTR(vector, entry),
								 POSDATALEN(vector, entry));
	}
	etf_put_list_end(out);
}
