/*
 * table_facts.h
 *		What pgoutput does not tell of the columns of a table.
 */
#ifndef ETF_TABLE_FACTS_H
#define ETF_TABLE_FACTS_H

#include "client/base/oidmap.h"
#include "client/base/strbuf.h"
#include "client/source/answer.h"

typedef struct TableFacts
{
	OidMap tables; /* FactTable, see table_facts.c */
	StrBuf met;	   /* since somebody emptied it: "1,2," */
} TableFacts;

extern void table_facts_free(TableFacts *facts);

/* Take the rows of an answer that are about tables, in place of older ones. */
extern void table_facts_take(TableFacts *facts, Answer answer);

/* The publications have it, or the stream. */
extern void table_facts_meet(TableFacts *facts, uint32_t relid);

/* It was asked for: what is not known of it is not so. */
extern void table_facts_asked(TableFacts *facts, uint32_t relid);
extern bool table_facts_known(const TableFacts *facts, uint32_t relid);

/* Is it one of our extension?  As with our plugin, that is nobody's business. */
extern bool table_facts_ours(const TableFacts *facts, uint32_t relid);

extern bool table_facts_primary(const TableFacts *facts, uint32_t relid,
								const char *column);
extern bool table_facts_generated(const TableFacts *facts, uint32_t relid,
								  const char *column);

#endif
