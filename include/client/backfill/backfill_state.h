/*
 * backfill_state.h
 *		What is to be read of which tables, and what of it is done.
 *
 * It outlives the process: as a term, in a table of the extension or with the
 * consumer.  So its bytes are not trusted when they come back.  Pure.
 */
#ifndef ETF_BACKFILL_STATE_H
#define ETF_BACKFILL_STATE_H

#include "client/backfill/ranges.h"
#include "client/backfill/texts.h"

typedef enum BackfillMode
{
	BACKFILL_EXACT,
	BACKFILL_INCREMENTAL
} BackfillMode;

typedef enum BackfillOrder
{
	ORDER_RANGES, /* of blocks, in any order: exact */
	ORDER_BLOCKS, /* one after the other: incremental */
	ORDER_KEYS
} BackfillOrder;

typedef enum TableStatus
{
	TABLE_PLANNED,
	TABLE_STARTED, /* something may have been delivered */
	TABLE_DONE,
	TABLE_DROPPED /* meanwhile, or it is wanted no more */
} TableStatus;

#define BACKFILL_MODES (BACKFILL_INCREMENTAL + 1)
#define BACKFILL_ORDERS (ORDER_KEYS + 1)
#define BACKFILL_STATUSES (TABLE_DROPPED + 1)

/* Their names, as atoms. */
extern const char *const backfill_modes[BACKFILL_MODES];
extern const char *const backfill_orders[BACKFILL_ORDERS];
extern const char *const backfill_statuses[BACKFILL_STATUSES];

typedef struct BackfillTable
{
	uint32_t oid;
	uint32_t told_as; /* in events: a published root's, or its own */
	uint32_t filenode;
	char *schema;
	char *name;
	char identity;	 /* REPLICA IDENTITY: d, i, f, n */
	Texts key;		 /* columns; empty: it has none */
	char *collation; /* versions of the key's collations; may be empty */
	char *where;	 /* a condition; empty: all rows */
	uint64_t pages;	 /* of the heap, and ... */
	uint64_t toast_pages;
	bool lockable;	 /* LOCK TABLE is allowed; as of the plan */
	bool reattached; /* it has other parents than the plan's snapshot says */
	double guessed_rows; /* by their width, where the server knows nothing */
	double known_rows;	 /* as of the server's statistics; below 0: none */

	BackfillOrder order;
	TableStatus status;
	Ranges ranges;		 /* ORDER_RANGES */
	uint64_t next_block; /* ORDER_BLOCKS: all before it are done */
	Texts last;			 /* ORDER_KEYS: all up to this key; empty: none */
	Texts bound;		 /* ORDER_KEYS: the last key to be read */
	bool keyed;			 /* ORDER_KEYS: "bound" is known, if only as empty */
	Texts *moved;		 /* keys of rows that are to be read once more */
	uint32_t moved_count;
	uint32_t moved_size;
	uint64_t horizon; /* no row that was delivered is newer */
	uint64_t rows;	  /* that are done */
	uint64_t bytes;
	uint32_t starts; /* how often it was begun from its first row */
} BackfillTable;

typedef struct BackfillState
{
	BackfillMode mode;
	char *slot;
	char *system_identifier; /* of the cluster that all this is of */
	uint64_t timeline;
	char *patterns; /* as of include_tables; empty: all */
	uint64_t chunk; /* number of the last chunk that was delivered */
	BackfillTable *tables;
	uint32_t count;
} BackfillState;

/* Do its events always carry the whole row? */
static inline bool
table_is_whole(const BackfillTable *table)
{
	return table->toast_pages == 0 || table->identity == 'f';
}

/* Has all that there was been delivered, or is there nothing any more? */
static inline bool
table_is_over(const BackfillTable *table)
{
	return table->status >= TABLE_DONE;
}

/* About how many rows it has; nobody has analyzed it: a guess. */
static inline double
table_rows(const BackfillTable *table)
{
	return table->known_rows > 0 ? table->known_rows : table->guessed_rows;
}

/* Leaves an empty one. */
extern void table_free(BackfillTable *table);

/*
 * A row with this key is to be read once more; the key is the table's then.
 * False: out of memory.
 */
extern bool table_add_moved(BackfillTable *table, Texts *key);

/* The first so many were. */
extern void table_drop_moved(BackfillTable *table, uint32_t count);

/* From its first row: nothing of it counts. */
extern void table_restart(BackfillTable *table);

/* One more, all zeros; NULL: out of memory.  Pointers to others may move. */
extern BackfillTable *backfill_state_add(BackfillState *state);

/* NULL: there is none. */
extern BackfillTable *backfill_state_find(BackfillState *state, uint32_t oid);

/* Biggest first, by heap and toast. */
extern void backfill_state_sort(BackfillState *state);

/*
 * As a term, with its version byte, in malloc()ed memory; NULL: out of memory.
 */
extern char *backfill_state_encode(const BackfillState *state, size_t *len);

/*
 * Returns NULL, or what is wrong, a constant text; then nothing is left in
 * "state".
 */
extern const char *backfill_state_decode(const void *bytes, size_t len,
										 BackfillState *state);

/* Leaves an empty state. */
extern void backfill_state_free(BackfillState *state);

#endif
