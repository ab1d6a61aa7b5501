/*
 * publication_rows.h
 *		What the catalogs say of publications, as of a snapshot.
 *
 * Without one that is the point of the WAL which is being decoded.  The
 * server's caches only have that, or what is committed by now; who reads
 * tables has a snapshot, behind which the stream tells what came later.
 */
#ifndef ETF_PUBLICATION_ROWS_H
#define ETF_PUBLICATION_ROWS_H

#include "catalog/pg_publication.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "utils/snapshot.h"

/* What a publication says of a table that it names. */
typedef struct EtfPublicationTable
{
	bool excepted;		/* that it is left out */
	Bitmapset *columns; /* numbers of those that it lists; NULL: no list */
	Node *filter;		/* the condition that rows must meet; NULL: none */
} EtfPublicationTable;

/* NULL: there is none of this name. */
extern Publication *etf_publication_row(const char *name, Snapshot snapshot);

/* False: it does not name this table. */
extern bool etf_publication_table(const Publication *publication, Oid relid,
								  Snapshot snapshot,
								  EtfPublicationTable *table);

/* Does it have all tables of the schema that this one is in? */
extern bool etf_publication_covers(const Publication *publication, Oid relid,
								   Snapshot snapshot);

#endif
