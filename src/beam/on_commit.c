/*
 * on_commit.c
 *		Asynchronous calls that go out when the transaction commits.
 *
 * The calls of a transaction are one run of bytes, and what a savepoint added
 * is cut off when it is rolled back.  An ERROR behind the commit would be a
 * PANIC, so the request that holds them all is written before it; what is
 * left is one send that cannot block.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "beam/on_commit.h"
#include "beam/packet.h"

/* Where the calls of a savepoint began. */
typedef struct Mark
{
	SubTransactionId id;
	int len;
	int count;
	struct Mark *outer;
} Mark;

/* All in TopTransactionContext, and NULL where there is nothing. */
static StringInfo queue;
static int count;
static Mark *marks;
static SidecarRequest *batch;

static void
forget(void)
{
	queue = NULL;
	count = 0;
	marks = NULL;
	batch = NULL;
}

/* {batch, Id, [{Uuid, Name, Args, Meta}]} */
static void
write_batch(void)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	SidecarRequest *request = palloc(sizeof(SidecarRequest));
	TermOut *out = sidecar_begin(request, "batch", 3, "elixir_call_async()");

	etf_put_list(out, count);
	etf_put_raw(out, queue->data, queue->len);
	etf_put_list_end(out);
	sidecar_make_ready(request);
	batch = request;
	MemoryContextSwitchTo(caller);
}

static void
refuse_prepare(void)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot prepare a transaction that has called "
						   "elixir_call_async(..., on_commit => true)")));
}

static void
at_transaction_event(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT && count > 0)
		write_batch();
	else if (event == XACT_EVENT_PRE_PREPARE && count > 0)
		refuse_prepare();
	else if (event == XACT_EVENT_COMMIT && batch != NULL)
		sidecar_send_late(batch);
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		forget();
}

static void
cut_to(const Mark *mark)
{
	queue->len = mark->len;
	count = mark->count;
}

/* Of a savepoint that is released, the one around it has the calls. */
static void
at_savepoint_event(SubXactEvent event, SubTransactionId id,
				   SubTransactionId parent, void *arg)
{
	if (marks == NULL || marks->id != id)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		cut_to(marks);
	else if (event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	else if (marks->outer == NULL || marks->outer->id != parent)
	{
		marks->id = parent;
		return;
	}
	marks = marks->outer;
}

static void
register_once(void)
{
	static bool registered;

	if (registered)
		return;
	RegisterXactCallback(at_transaction_event, NULL);
	RegisterSubXactCallback(at_savepoint_event, NULL);
	registered = true;
}

static void
mark_savepoint(void)
{
	SubTransactionId id = GetCurrentSubTransactionId();
	Mark *mark;

	if (marks != NULL && marks->id == id)
		return;
	mark = MemoryContextAlloc(TopTransactionContext, sizeof(Mark));
	*mark = (Mark){.id = id, .len = queue->len, .count = count, .outer = marks};
	marks = mark;
}

void
on_commit_begin(SidecarRequest *request)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);

	register_once();
	if (queue == NULL)
		queue = makeStringInfo();
	mark_savepoint();
	etf_out_attach(&request->out, queue, packet_forms());
	MemoryContextSwitchTo(caller);
}

/* Until here the queue's length does not count what was written. */
void
on_commit_end(SidecarRequest *request)
{
	if (request->out.len > ON_COMMIT_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the calls that wait for the commit take more "
							   "than %d bytes",
							   ON_COMMIT_MAX),
						errhint("For more, use etf_emit() and a consumer.")));
	etf_out_detach(&request->out);
	count++;
}
