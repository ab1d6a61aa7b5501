/*
 * sidecar.h
 *		Ask the BEAM beside the server; docs/sidecar-protocol.md has what is
 *		said.
 *
 *		SidecarRequest request;
 *		TermReader answer;
 *		TermOut *out = sidecar_begin(&request, "call", 5, "function \"price\"");
 *
 *		etf_put_text(out, "price", 5);
 *		... the list of arguments ...
 *		sidecar_put_meta(&request, false, 0);
 *		sidecar_ask(&request, &answer);
 *
 * A backend has one connection, which it keeps.  It is made when it is first
 * needed, and again when the BEAM was restarted meanwhile; a request of which
 * a byte was sent is never sent a second time.
 *
 * Whatever ends a request before its answer is complete (cancel, time limit,
 * an ERROR of the callback) closes the connection, at which the BEAM kills
 * the process that works for it.
 *
 * Errors:
 *		57P03	the sidecar does not run, or the breaker is open
 *		08001	no connection; nothing was run
 *		08006	lost in mid-call: the function may have run
 *		08000	elixir.request_timeout_ms has passed
 *		08P01	what came is no answer
 *		54000	request or answer are longer than elixir.max_message_bytes
 *		any		what the BEAM answered with "raise"
 */
#ifndef ETF_SIDECAR_H
#define ETF_SIDECAR_H

#include "lib/stringinfo.h"

#include "common/term/read.h"
#include "plugin/host.h"

/* Allocated in the context in which it was begun. */
typedef struct SidecarRequest
{
	StringInfoData bytes;
	TermOut out;
	int64 id;
	const char *subject; /* for errors: function "price" */
	int timeout_ms;		 /* elixir.request_timeout_ms, unless changed */
	bool answered;		 /* with an error of the BEAM's */
	bool probe;			 /* neither stopped by the breaker nor counted */
} SidecarRequest;

/*
 * Begin the tuple {kind, Id, ...} of so many elements.  "subject" must live as
 * long as the request.
 */
extern TermOut *sidecar_begin(SidecarRequest *request, const char *kind,
							  int arity, const char *subject);

/*
 * Who calls, where it is not whom the greeting named; that it is a superuser,
 * where that matters; and the time limit of a call that nobody waits for (0:
 * none).
 */
extern void sidecar_put_meta(SidecarRequest *request, bool superuser,
							 int timeout_ms);

/*
 * Send it and wait for {Id, ok, Term}.  The reader stands in front of Term; it
 * reads memory of the current context.
 */
extern void sidecar_ask(SidecarRequest *request, TermReader *answer);

/*
 * The same for a set: the callback is given each list of rows, in memory of
 * the current context that is freed after it.
 */
typedef void (*SidecarRows)(void *arg, TermReader *rows);

extern void sidecar_ask_rows(SidecarRequest *request, SidecarRows callback,
							 void *arg);

/*
 * A request to whose answer nobody waits, for on_commit.c.  The first call
 * connects; the second one sends, raises no ERROR and never waits.  Its answer
 * is looked at before the next request; an error there is a WARNING.
 */
extern void sidecar_make_ready(SidecarRequest *request);
extern void sidecar_send_late(const SidecarRequest *request);

#endif
