/*
 * describe.h
 *		The relation event: a table's description for its readers.
 */
#ifndef ETF_DESCRIBE_H
#define ETF_DESCRIBE_H

#include "plugin/relation.h"

/*
 * Encode the event of a plan whose fields are built, in the current memory
 * context; *len is its length.
 */
extern const char *etf_describe_relation(const EtfOptions *options,
										 const EtfRelation *plan,
										 Relation relation, int *len);

#endif
