/*
 * reader.h
 *		A range of a table's rows as frames.
 */
#ifndef ETF_SQL_READER_H
#define ETF_SQL_READER_H

#include "plugin/plan.h"
#include "sql/row_source.h"
#include "sql/table_key.h"

/* Blocks, or else keys; a filter goes with either. */
typedef struct ReadRange
{
	bool by_block;
	BlockNumber from_block;
	BlockNumber blocks;
	char **after;		/* keys above this one; NULL: from the lowest */
	char **upto;		/* up to this one; NULL: to the highest */
	TextArray *keys;	/* these only, or NULL */
	const char *filter; /* a condition, or NULL */
	int64 max_bytes;	/* stop behind the row that reaches it; 0: never */
} ReadRange;

typedef struct TableReader
{
	EtfOptions *options;
	Relation relation;
	EtfPlan plan;
	TableKey key;
	const bool *needed; /* by attindex: what is sent or decides of that */
	RowSource *source;
	const char *tag; /* a term, for the head of each frame */
	Size tag_len;
	int64 max_bytes;
	int64 rows;
	int64 bytes;
	bool told;	/* the relation, to the reader of the frames */
	bool ended; /* no more rows are to be read ... */
	bool more;	/* ... though there may be some; then "last" is the last */
	Datum last;
	bool done; /* the last frame has been made */
	MemoryContext row_context;
} TableReader;

/* The plan of a table, as the stream with these options has it. */
extern void etf_plan_for_reading(EtfOptions *options, EtfPlan *plan,
								 Relation relation);

/* All columns of the plan. */
extern bool etf_may_select(const EtfPlan *plan, Relation relation);

/* Why this role does not get all rows of the table; NULL: it does. */
extern const char *etf_why_unreadable(const EtfPlan *plan, Relation relation);

/* FROM ONLY, with this relation's name. */
extern void etf_put_from(StringInfo sql, Relation relation);

/*
 * A condition that a caller gave, in parentheses, behind AND or WHERE.  Raises
 * an ERROR for anything but one condition.
 */
extern void etf_put_filter(StringInfo sql, const char *keyword,
						   const char *filter);

/* A SELECT for the range; its rows are like the table's, but for what is NULL. */
extern char *etf_read_statement(const TableReader *reader,
								const ReadRange *range);

/*
 * Open the range of reader->relation, whose plan is built, in the current
 * memory context.  Raises an ERROR where the user may not read it.
 */
extern void etf_reader_open(TableReader *reader, const ReadRange *range);

/* The next frame; NULL: there has been the last one. */
extern bytea *etf_reader_frame(TableReader *reader);

extern void etf_reader_close(TableReader *reader);

#endif
