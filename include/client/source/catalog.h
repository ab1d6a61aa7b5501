/*
 * catalog.h
 *		What the server's catalogs say of types and tables.
 *
 * Filled with the answers to catalog_query.h and kept for the life of the
 * process: a type that was dropped since is known as it was last.  Types that
 * are built in need no answer.
 */
#ifndef ETF_CATALOG_H
#define ETF_CATALOG_H

#include "client/source/table_facts.h"
#include "client/wire/wire.h"

typedef struct Catalog
{
	OidMap types; /* CatalogType, see catalog.c */
	TableFacts tables;
	uint64_t version;	   /* of what is known: plans are as old as theirs */
	int64_t asked_at;	   /* by the server's clock, in us */
	const WireType *unfit; /* for a binary session, of all that were told */
} Catalog;

extern void catalog_free(Catalog *catalog);

/* NULL: it must be asked for. */
extern const WireType *catalog_type(const Catalog *catalog, uint32_t oid);

/* pgoutput calls it so: the name it has where the catalogs know it no more. */
extern void catalog_announce(Catalog *catalog, uint32_t oid, const char *name);

extern void catalog_take(Catalog *catalog, const PGresult *result);

/* A table and types were asked for: they were told, or are not there. */
extern void catalog_asked(Catalog *catalog, uint32_t relid,
						  const uint32_t *types, size_t ntypes);

#endif
