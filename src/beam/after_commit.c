/*
 * after_commit.c
 *		Messages that are sent when the transaction commits.
 *
 * All that can fail or wait happens before the commit: an ERROR behind it
 * would be a PANIC, and other transactions wait for our locks meanwhile.  So
 * PRE_COMMIT connects, writes the packets and waits for room in the kernel;
 * COMMIT hands them over.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "beam/after_commit.h"
#include "beam/settings.h"

/* All of this lies in TopTransactionContext. */
typedef struct Message
{
	BeamNode *node;
	int level; /* of the transaction that has to commit */
	DistTerm name;
	char *payload;
	Size len;
	Size packed; /* at most, with its address */
} Message;

typedef struct Batch
{
	BeamNode *node;
	StringInfoData packets;
} Batch;

static List *messages;
static List *batches;
static Size total;
static Size total_packed;

static void
forget_all(void)
{
	ListCell *cell;

	foreach (cell, messages)
	{
		BeamNode *node = ((Message *) lfirst(cell))->node;

		node->pending = 0;
		node->committing = false;
	}
	messages = batches = NIL; /* the memory goes with the transaction */
	total = total_packed = 0;
}

static Batch *
batch_of(BeamNode *node)
{
	ListCell *cell;
	Batch *batch;

	foreach (cell, batches)
	{
		batch = lfirst(cell);
		if (batch->node == node)
			return batch;
	}
	batch = palloc0(sizeof(Batch));
	batch->node = node;
	initStringInfo(&batch->packets);
	batches = lappend(batches, batch);
	return batch;
}

static void
prepare_batch(Batch *batch, WireDeadline deadline)
{
	BeamNode *node = batch->node;
	ListCell *cell;

	node_connect(node, deadline);
	foreach (cell, messages)
	{
		Message *message = lfirst(cell);

		if (message->node == node)
			remote_pack(node, message->name, message->payload, message->len,
						&batch->packets);
	}
	node->wire->deadline = deadline;
	wire_reserve(node->wire, batch->packets.len);
	node->committing = true; /* the server may wait long for a standby */
}

static void
prepare_guarded(Batch *batch, WireDeadline deadline)
{
	PG_TRY();
	{
		prepare_batch(batch, deadline);
	}
	PG_CATCH();
	{
		node_fail(batch->node);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Each needs its connection until the commit. */
static void
check_nodes(void)
{
	if (list_length(batches) > erlang.max_nodes)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("messages for %d nodes cannot be sent when a "
							   "transaction commits, for %d at most",
							   list_length(batches), erlang.max_nodes),
						errhint("See erlang.max_nodes.")));
}

static void
before_commit(void)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	WireDeadline deadline = wire_deadline(erlang.call_timeout);
	ListCell *cell;

	batches = NIL;
	foreach (cell, messages)
		(void) batch_of(((Message *) lfirst(cell))->node);
	check_nodes();
	foreach (cell, batches)
		prepare_guarded(lfirst(cell), deadline);
	MemoryContextSwitchTo(caller);
}

/* Raises no ERROR, and does not wait. */
static void
after_commit(void)
{
	ListCell *cell;

	foreach (cell, batches)
	{
		Batch *batch = lfirst(cell);
		BeamNode *node = batch->node;

		if (node->wire == NULL ||
			!wire_push(node->wire, batch->packets.data, batch->packets.len))
			ereport(WARNING,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("the messages that waited for this commit could "
							"not be sent to %s",
							node->target->label)));
	}
}

static void
at_end(XactEvent event, void *arg)
{
	if (messages == NIL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot PREPARE a transaction in which "
								   "erlang_send_on_commit was called")));
			break;
		case XACT_EVENT_PRE_COMMIT:
			before_commit();
			break;
		case XACT_EVENT_COMMIT:
			after_commit();
			forget_all();
			break;
		case XACT_EVENT_ABORT:
			forget_all();
			break;
		default:
			break;
	}
}

/* Those of a subtransaction become its parent's, or go. */
static void
at_end_of_sub(SubXactEvent event, SubTransactionId mine,
			  SubTransactionId parent, void *arg)
{
	int level = GetCurrentTransactionNestLevel();
	ListCell *cell;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach (cell, messages)
	{
		Message *message = lfirst(cell);

		if (message->level < level)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			message->level = level - 1;
		else
		{
			message->node->pending--;
			total -= message->len;
			total_packed -= message->packed;
			messages = foreach_delete_current(messages, cell);
		}
	}
}

static void
start(void)
{
	static bool started = false;

	if (!started)
	{
		RegisterXactCallback(at_end, NULL);
		RegisterSubXactCallback(at_end_of_sub, NULL);
	}
	started = true;
}

static void
check_total(const Message *message)
{
	bool long_payload = total + message->len > AFTER_COMMIT_MAX;

	if (long_payload || total_packed + message->packed > AFTER_COMMIT_PACKETS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("messages of more than %d bytes%s cannot be sent when "
						"a transaction commits",
						long_payload ? AFTER_COMMIT_MAX : AFTER_COMMIT_PACKETS,
						long_payload ? "" : ", addresses included,"),
				 errhint("etf_emit() has no such limit, and its messages "
						 "cannot be lost.")));
}

void
after_commit_add(RemoteCall *call, const char *process)
{
	Size len;
	const char *payload = remote_payload(call, &len);
	MemoryContext caller;
	Message *message;

	start();
	caller = MemoryContextSwitchTo(TopTransactionContext);
	message = palloc(sizeof(Message));
	message->node = call->node;
	message->level = GetCurrentTransactionNestLevel();
	message->name = remote_name(process);
	message->len = len;
	message->packed = remote_packed_max(message->name, len);
	check_total(message);
	message->payload = memcpy(palloc(len), payload, len);
	messages = lappend(messages, message);
	MemoryContextSwitchTo(caller);
	total += len;
	total_packed += message->packed;
	call->node->pending++;
}
