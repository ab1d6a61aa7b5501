/*
 * publication.h
 *		What the publications of a session say of a table.
 */
#ifndef ETF_PUBLICATION_H
#define ETF_PUBLICATION_H

#include "catalog/pg_publication.h"
#include "nodes/bitmapset.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "plugin/session.h"

typedef struct EtfPublished
{
	Oid relid;			/* the table under whose name its changes go out */
	int actions;		/* ACTION_* bits; 0: it is not published */
	List *publications; /* of Publication: which decide of columns and rows */
	List *ancestors;	/* of a partition, parent first; to be watched */
	Snapshot snapshot;	/* as of which; NULL: as of the WAL */
} EtfPublished;

/*
 * Find out, from the catalogs.  Without the option publication_names every
 * table is published as it is, by no publication.
 */
extern void etf_published_find(EtfSession *session, Relation relation,
							   EtfPublished *published);

/* Its ACTION_* bits. */
extern int etf_publication_actions(const Publication *publication);

/*
 * The numbers of the columns that are published; "described" is the relation
 * whose name the changes have.  An ERROR where publications do not agree.
 */
extern Bitmapset *etf_published_columns(const EtfPublished *published,
										Relation described);

/*
 * Where tuples have a column of the described table, from 0: those of a
 * partition may have another order than its root.  -1: nowhere.
 */
extern int etf_published_place(TupleDesc tuple, Form_pg_attribute column);

#endif
