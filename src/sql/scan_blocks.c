/*
 * scan_blocks.c
 *		Rows of a range of blocks.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "storage/bufmgr.h"
#include "utils/snapmgr.h"

#include "sql/row_source.h"

typedef struct BlockScan
{
	RowSource source;
	Snapshot snapshot;
	TableScanDesc scan; /* NULL: no such block */
	TupleTableSlot *slot;
} BlockScan;

static bool
next_row(RowSource *source, EtfTuple *row)
{
	BlockScan *blocks = (BlockScan *) source;

	if (blocks->scan == NULL ||
		!table_scan_getnextslot(blocks->scan, ForwardScanDirection,
								blocks->slot))
		return false;
	slot_getallattrs(blocks->slot);
	*row = (EtfTuple){.values = blocks->slot->tts_values,
					  .nulls = blocks->slot->tts_isnull};
	return true;
}

static void
end_scan(RowSource *source)
{
	BlockScan *blocks = (BlockScan *) source;

	ExecDropSingleTupleTableSlot(blocks->slot);
	if (blocks->scan != NULL)
		table_endscan(blocks->scan);
	UnregisterSnapshot(blocks->snapshot);
}

/* Limits beyond the end of the table would make the scan read too little. */
RowSource *
etf_scan_blocks(Relation relation, BlockNumber from, BlockNumber count)
{
	BlockScan *blocks = palloc0(sizeof(BlockScan));
	BlockNumber end = RelationGetNumberOfBlocks(relation);

	blocks->source = (RowSource){.next = next_row, .end = end_scan};
	blocks->snapshot = RegisterSnapshot(GetActiveSnapshot());
	blocks->slot = table_slot_create(relation, NULL);
	if (from >= end || count == 0)
		return &blocks->source;
	blocks->scan =
		table_beginscan_strat(relation, blocks->snapshot, 0, NULL, true, false);
	heap_setscanlimits(blocks->scan, from, Min(count, end - from));
	return &blocks->source;
}
