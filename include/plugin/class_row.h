/*
 * class_row.h
 *		What the catalogs say of a relation, without the server's caches.
 *
 * These would keep each of thousands of relations, and those that are not there.
 */
#ifndef ETF_CLASS_ROW_H
#define ETF_CLASS_ROW_H

#include "catalog/pg_class.h"

/* The part that each row of pg_class has.  False: there is no such relation. */
extern bool etf_class_row(Oid relid, FormData_pg_class *row);

/* InvalidOid: there is no such index. */
extern Oid etf_index_table(Oid index);

#endif
