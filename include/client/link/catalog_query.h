/*
 * catalog_query.h
 *		The catalogs, as whoever makes frames of pgoutput's messages asks.
 *
 * One query, of columns
 *
 *		what				't', 'a', 'k', 'p', 'g' or 'o'
 *		oid, name			a type; or a table and a column of it, which is in
 *							its primary key (p) or generated (g); or any table
 *							(k), or one of our extension (o), and an empty name;
 *							or 0, and when it was asked (a), as Unix time in us
 *		kind				pg_type.typtype, or 'a' for a true array
 *		part				what it is made of: the base of a domain, the
 *							subtype of a range, the range of a multirange, the
 *							element; 0: nothing
 *		delimiter, typmod, sends, extension
 *		field, field_type, field_typmod		of a composite: a row for each
 *
 * in the order of the OIDs, and of the fields.
 */
#ifndef ETF_CATALOG_QUERY_H
#define ETF_CATALOG_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/base/strbuf.h"

/* All tables that these publications, as in publication_names, have now. */
extern void catalog_query_published(StrBuf *sql, int server_version,
									const char *publications);

/* All tables of "tables (oid)", the last of the queries in its WITH RECURSIVE. */
extern void catalog_query_tables(StrBuf *sql, int server_version);

/* A table, and types with all that they are made of. */
extern void catalog_query_table(StrBuf *sql, int server_version, uint32_t relid,
								const uint32_t *types, size_t ntypes);

/*
 * FROM and WHERE of "part (oid)", what the types of a table "(oid)" are made of,
 * in one step.
 */
extern void catalog_query_parts(StrBuf *sql, int server_version,
								const char *types);

/* ARRAY['a', 'b'] */
extern void catalog_query_names(StrBuf *sql, const char *publications);

#endif
