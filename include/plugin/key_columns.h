/*
 * key_columns.h
 *		The columns of a table's keys.
 *
 * Sets of attribute numbers, each less FirstLowInvalidHeapAttributeNumber; NULL
 * without such a key.
 */
#ifndef ETF_KEY_COLUMNS_H
#define ETF_KEY_COLUMNS_H

#include "nodes/bitmapset.h"
#include "utils/rel.h"

/* Those of the index that is the replica identity, default or chosen. */
extern Bitmapset *etf_identity_columns(Relation relation);

extern Bitmapset *etf_primary_columns(Relation relation);

#endif
