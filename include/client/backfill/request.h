/*
 * request.h
 *		What is to be read of tables, and how: a {backfill, Id, Map}.
 */
#ifndef ETF_BACKFILL_REQUEST_H
#define ETF_BACKFILL_REQUEST_H

#include "client/backfill/early.h"
#include "client/base/failure.h"
#include "client/base/settings.h"

#define BACKFILL_ID_MAX 63

/* Connections that may read at once. */
#define BACKFILL_JOBS_MAX 16

/* Where it is kept what is done. */
typedef enum BackfillStore
{
	STORE_SERVER,
	STORE_CONSUMER,
	STORE_NOWHERE /* see "unkept" */
} BackfillStore;

typedef struct BackfillRequest
{
	char id[BACKFILL_ID_MAX + 1];
	int mode;		/* BackfillMode */
	char *tables;	/* patterns; NULL: all that the stream has */
	PairList where; /* a condition for each table; "": for all others */
	uint64_t jobs;
	uint64_t max_hold;	  /* milliseconds; 0: without a limit */
	uint64_t chunk_bytes; /* incremental */
	bool unsafe_backfill; /* incremental: even without option visible */
	PairList connection;  /* of the readers, on top of the stream's */
	int store;			  /* BackfillStore */
	bool once;			  /* nothing is kept of it beyond its end */
	bool close_state;	  /* incremental: each chunk comes with its state */
	bool unkept; /* where the server has no place for it, then nowhere */
	char *state; /* to go on from; NULL: none was given */
	size_t state_len;
	char *kept; /* the consumer's own words, for the server to keep; or NULL */
	size_t kept_len;
	EarlyKeys early; /* until its tables are known */
} BackfillRequest;

/* False: out of memory; what is there is to be freed all the same. */
extern bool request_init(BackfillRequest *request, const char *id);
extern void request_free(BackfillRequest *request);

/* The member of this name, for settings_set_text() and ..._number(). */
extern const Setting *request_find(const char *name);

/* What cannot be wrong in one member alone.  False leaves a message. */
extern bool request_check(const BackfillRequest *request, char *error,
						  size_t size);

/*
 * Is a connection that is not permitted waited for?  As long as it is not known
 * what was read before, or what moves meanwhile would be missing in that.
 */
static inline bool
request_waits(const BackfillRequest *request, bool is_known, FailureClass class)
{
	return request->kept != NULL && !is_known && class == FAIL_AUTH;
}

/* The condition for a table; NULL: none. */
extern const char *request_where(const BackfillRequest *request,
								 const char *schema, const char *table);

#endif
