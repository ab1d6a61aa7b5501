/*
 * columns.h
 *		Columns that are not for the reader of a session, or not as they are.
 *
 * The server's own settings come first: a reader's options can add to them,
 * but not lift them.
 */
#ifndef ETF_COLUMNS_H
#define ETF_COLUMNS_H

#include "utils/rel.h"

#include "common/option/mask.h"
#include "plugin/session.h"
#include "plugin/type.h"

/* A table by all its names: its own, its partition roots', the described. */
typedef struct EtfTableNames
{
	const EtfOptions *options;
	const char *schema; /* under which its changes go out */
	const char *table;
	List *schemas; /* all of them, of char * */
	List *tables;
	List *ancestors; /* of a partition: OIDs */
} EtfTableNames;

/* Settings of the server; once in a process. */
extern void etf_columns_init(void);

/* An ERROR unless what the options want can be done. */
extern void etf_columns_check(const EtfOptions *options);

/* Whether any column of any table is left out or masked. */
extern bool etf_columns_restricted(const EtfOptions *options);

extern void etf_table_names(EtfTableNames *names, const EtfOptions *options,
							Relation relation, Relation described);

/*
 * Is the column sent?  Then *mask is what is sent of it.  A column of the
 * replica identity always is; for a mask it has its hash, or NULL without a
 * key to hash with, since rows must stay distinct.
 */
extern bool etf_column_sent(const EtfTableNames *names, const char *column,
							bool identity, Mask *mask);

/* mask.c: a type whose values are what the mask leaves of another's. */
extern const EtfType *etf_mask_type(const EtfType *type, Oid typid,
									const Mask *mask);

/* The server's key, or NULL: there is none. */
extern const char *etf_mask_key(void);

#endif
