/*
 * node.c
 *		The Erlang nodes that this backend calls, and its connections to them.
 *
 * node_connection.c has what concerns the connections.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "beam/node.h"
#include "beam/settings.h"

static HTAB *nodes;

/* Of servers and user mappings, as far as this backend was told. */
static uint64 changes;

static void
count_change(Datum arg, int cacheid, uint32 hash)
{
	changes++;
}

static void
start(void)
{
	HASHCTL control = {.keysize = sizeof(NodeKey),
					   .entrysize = sizeof(BeamNode)};

	control.hcxt = TopMemoryContext;
	nodes = hash_create("Erlang nodes", MAX_NODES, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, count_change, (Datum) 0);
	CacheRegisterSyscacheCallback(FOREIGNDATAWRAPPEROID, count_change,
								  (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, count_change, (Datum) 0);
}

static NodeKey
key_of(const char *name)
{
	NodeKey key;

	memset(&key, 0, sizeof(key));
	key.user = GetUserId();
	strlcpy(key.name, name, sizeof(key.name));
	return key;
}

/* Not inlined: beside PG_TRY, gcc 10 would take its variable for clobbered. */
static pg_noinline BeamNode *
look_up(const NodeKey *key)
{
	BeamNode *node;

	if (nodes == NULL)
		start();
	node = hash_search(nodes, key, HASH_FIND, NULL);
	if (node != NULL)
		node->found = GetCurrentTransactionStartTimestamp();
	return node;
}

/* What this transaction has found may be about to be called. */
static bool
is_unused(const BeamNode *node)
{
	return node->wire == NULL && node->cookie == NULL && node->pending == 0 &&
		   node->found != GetCurrentTransactionStartTimestamp();
}

static void
forget_unused(void)
{
	HASH_SEQ_STATUS scan;
	BeamNode *node;

	hash_seq_init(&scan, nodes);
	while ((node = hash_seq_search(&scan)) != NULL)
		if (is_unused(node))
			node_forget(node);
}

static pg_noinline BeamNode *
enter(const NodeKey *key)
{
	BeamNode *node;

	if (hash_get_num_entries(nodes) >= MAX_NODES)
		forget_unused();
	node = hash_search(nodes, key, HASH_ENTER, NULL);
	memset(node, 0, sizeof(*node));
	node->key = *key;
	node->found = GetCurrentTransactionStartTimestamp();
	return node;
}

BeamNode *
node_known(const char *name)
{
	NodeKey key = key_of(name);

	return look_up(&key);
}

/* A target that outlives the statement, once it has been found at all. */
static BeamNode *
load(BeamNode *node, const NodeKey *key)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "Erlang node", ALLOCSET_SMALL_SIZES);
	uint64 seen = changes; /* before the catalogs are read */
	MemoryContext caller;
	NodeTarget *target;

	if (node != NULL)
		node_close(node);
	caller = MemoryContextSwitchTo(context);
	target = target_find(key->name);
	MemoryContextSwitchTo(caller);
	target_check_usage(target, node != NULL && node->cookie != NULL);

	if (node == NULL)
		node = enter(key);
	if (node->context != NULL)
		MemoryContextDelete(node->context);
	MemoryContextSetParent(context, TopMemoryContext);
	node->context = context;
	node->target = target;
	node->changes = seen;
	return node;
}

BeamNode *
node_find(const char *name)
{
	NodeKey key = key_of(name);
	BeamNode *node = look_up(&key);

	if (node == NULL || node->changes != changes)
		return load(node, &key);
	target_check_usage(node->target, node->cookie != NULL);
	return node;
}

static void
wipe(char *cookie)
{
	if (cookie == NULL)
		return;
	explicit_bzero(cookie, strlen(cookie));
	pfree(cookie);
}

void
node_settle_cookie(BeamNode *node, bool accepted)
{
	char *displaced = node->displaced;

	node->displaced = NULL;
	if (accepted)
	{
		wipe(displaced);
		return;
	}
	wipe(node->cookie);
	node->cookie = displaced;
}

BeamNode *
node_find_with_cookie(const char *name, const char *cookie)
{
	NodeKey key = key_of(name);
	BeamNode *node = look_up(&key);
	BeamNode *volatile made = NULL;

	if (node == NULL)
		node = made = enter(&key);
	node->displaced = node->cookie;
	node->cookie = MemoryContextStrdup(TopMemoryContext, cookie);
	node_close(node);
	PG_TRY();
	{
		node = load(node, &key);
	}
	PG_CATCH();
	{
		if (made != NULL)
			node_forget(made);
		else
			node_settle_cookie(node, false);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return node;
}

void
node_forget(BeamNode *node)
{
	node_close(node);
	wipe(node->cookie);
	if (node->last_error != NULL)
		pfree(node->last_error);
	if (node->context != NULL)
		MemoryContextDelete(node->context);
	(void) hash_search(nodes, &node->key, HASH_REMOVE, NULL);
}

List *
node_list(void)
{
	List *list = NIL;
	HASH_SEQ_STATUS scan;
	BeamNode *node;

	if (nodes == NULL)
		return NIL;
	hash_seq_init(&scan, nodes);
	while ((node = hash_seq_search(&scan)) != NULL)
		if (node->key.user == GetUserId())
			list = lappend(list, node);
	return list;
}
