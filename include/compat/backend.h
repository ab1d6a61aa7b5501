/*
 * backend.h
 *		What differs between PostgreSQL 13 and 19 for a library in a backend:
 *		settings, shared memory, waits, rights.
 */
#ifndef ETF_COMPAT_BACKEND_H
#define ETF_COMPAT_BACKEND_H

#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "common/md5.h"
#if PG_VERSION_NUM >= 140000
#include "common/hmac.h"
#else
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#endif
#include "fmgr.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#if PG_VERSION_NUM >= 150000
#include "access/xlogrecovery.h"
#endif
#if PG_VERSION_NUM >= 140000
#include "utils/wait_event.h"
#else
#include "pgstat.h"
#endif

/* since 14: its name */
#if PG_VERSION_NUM >= 140000
#define MONITOR_ROLE ROLE_PG_MONITOR
#else
#define MONITOR_ROLE DEFAULT_ROLE_MONITOR
#endif

/* since 15: unknown settings of a prefix are not only warned about */
static inline void
reserve_setting_prefix(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved(prefix);
#else
	EmitWarningsOnPlaceholders(prefix);
#endif
}

/* since 16: settings are found by name */
static inline bool
setting_came_with_connection(const char *name)
{
#if PG_VERSION_NUM >= 160000
	const struct config_generic *setting = find_option(name, false, true, 0);

	return setting != NULL && setting->reset_source == PGC_S_CLIENT;
#else
	struct config_generic **settings = get_guc_variables();

	for (int i = 0; i < GetNumConfigOptions(); i++)
		if (pg_strcasecmp(settings[i]->name, name) == 0)
			return settings[i]->reset_source == PGC_S_CLIENT;
	return false;
#endif
}

/*
 * since 15: a library that is preloaded asks for shared memory in a hook; the
 * one before it is returned, for "request" to call
 */
typedef void (*MemoryRequest)(void);

static inline MemoryRequest
request_shared_memory(MemoryRequest request)
{
#if PG_VERSION_NUM >= 150000
	MemoryRequest previous = shmem_request_hook;

	shmem_request_hook = request;
	return previous;
#else
	request();
	return NULL;
#endif
}

/*
 * since 14: there is an interface to HMAC; what 13 has needs the headers of
 * OpenSSL, so it is put together from the SQL function sha256()
 */
#define HMAC_SHA256_SIZE 32
#define HMAC_SHA256_BLOCK 64

#if PG_VERSION_NUM < 140000
static inline void
sha256_of_two(const uint8 *first, Size first_len, const void *second,
			  Size second_len, uint8 hash[HMAC_SHA256_SIZE])
{
	bytea *bytes = palloc(VARHDRSZ + first_len + second_len);
	bytea *digest;

	SET_VARSIZE(bytes, VARHDRSZ + first_len + second_len);
	memcpy(VARDATA(bytes), first, first_len);
	memcpy(VARDATA(bytes) + first_len, second, second_len);
	digest = DatumGetByteaPP(
		DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes)));
	memcpy(hash, VARDATA_ANY(digest), HMAC_SHA256_SIZE);
	pfree(bytes);
}
#endif

static inline bool
hmac_sha256(const char *key, const char *text, Size len,
			uint8 hash[HMAC_SHA256_SIZE])
{
#if PG_VERSION_NUM >= 140000
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	bool good = context != NULL &&
				pg_hmac_init(context, (const uint8 *) key, strlen(key)) == 0 &&
				pg_hmac_update(context, (const uint8 *) text, len) == 0 &&
				pg_hmac_final(context, hash, HMAC_SHA256_SIZE) == 0;

	pg_hmac_free(context);
	return good;
#else
	uint8 inner[HMAC_SHA256_BLOCK] = {0};
	uint8 outer[HMAC_SHA256_BLOCK];

	if (strlen(key) > HMAC_SHA256_BLOCK)
		sha256_of_two((const uint8 *) key, strlen(key), "", 0, inner);
	else
		memcpy(inner, key, strlen(key));
	for (int i = 0; i < HMAC_SHA256_BLOCK; i++)
	{
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	sha256_of_two(inner, sizeof(inner), text, len, hash);
	sha256_of_two(outer, sizeof(outer), hash, HMAC_SHA256_SIZE, hash);
	return true;
#endif
}

/* since 15: says why; false where OpenSSL forbids MD5 */
static inline bool
md5_digest(const void *bytes, Size len, uint8 digest[16])
{
#if PG_VERSION_NUM >= 150000
	const char *reason = NULL;

	return pg_md5_binary(bytes, len, digest, &reason);
#else
	return pg_md5_binary(bytes, len, digest);
#endif
}

/*
 * since 15: the end of the record that is being replayed can be asked for; the
 * end of the last one that was is not enough for who must see what is visible
 */
static inline XLogRecPtr
replay_horizon(void)
{
#if PG_VERSION_NUM >= 150000
	return GetCurrentReplayRecPtr(NULL);
#else
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("a standby has no horizon before PostgreSQL 15"),
					errhint("Read from the primary.")));
#endif
}

/* since 15: another name; since 19: EXPLAIN takes part in planning */
static inline PlannedStmt *
plan_select(const char *sql)
{
	RawStmt *raw = linitial_node(RawStmt, pg_parse_query(sql));
	List *queries;

#if PG_VERSION_NUM >= 150000
	queries = pg_analyze_and_rewrite_fixedparams(raw, sql, NULL, 0, NULL);
#else
	queries = pg_analyze_and_rewrite(raw, sql, NULL, 0, NULL);
#endif
#if PG_VERSION_NUM >= 190000
	return pg_plan_query(linitial_node(Query, queries), sql, 0, NULL, NULL);
#else
	return pg_plan_query(linitial_node(Query, queries), sql, 0, NULL);
#endif
}

/* since 16: one function for objects of all kinds; likewise below */
static inline AclResult
server_usage_check(Oid server, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, server, role, ACL_USAGE);
#else
	return pg_foreign_server_aclcheck(server, role, ACL_USAGE);
#endif
}

static inline bool
server_owner_check(Oid server, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(ForeignServerRelationId, server, role);
#else
	return pg_foreign_server_ownercheck(server, role);
#endif
}

/*
 * since 17: a wait event set belongs to a resource owner, if to any, and lies
 * in TopMemoryContext
 */
static inline WaitEventSet *
create_wait_event_set(MemoryContext context, int nevents)
{
#if PG_VERSION_NUM >= 170000
	(void) context;
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(context, nevents);
#endif
}

/* since 17: the number of this backend, from 0 or 1 up, is its PGPROC's */
static inline int
backend_number(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyBackendId;
#endif
}

/* since 17: a message outside a transaction may be flushed */
static inline XLogRecPtr
log_message(const char *prefix, const char *message, Size size,
			bool transactional)
{
#if PG_VERSION_NUM >= 170000
	return LogLogicalMessage(prefix, message, size, transactional, false);
#else
	return LogLogicalMessage(prefix, message, size, transactional);
#endif
}

/* since 17: what an extension waits for has a name in pg_stat_activity */
static inline uint32
wait_event_of(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/* since 18: a module has a name and a version */
#ifdef PG_MODULE_MAGIC_EXT
#define ETF_MODULE_MAGIC(module) \
	PG_MODULE_MAGIC_EXT(.name = module, .version = ETF_VERSION)
#else
#define ETF_MODULE_MAGIC(module) PG_MODULE_MAGIC
#endif

#endif
