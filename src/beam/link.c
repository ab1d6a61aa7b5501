/*
 * link.c
 *		The connection of this backend to the sidecar.
 *
 * Between requests it has nothing to say: one that is found closed then is
 * opened again, which is safe, as nothing was sent.
 */
#include "postgres.h"

#include <poll.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/acl.h"
#include "utils/memutils.h"

#include "beam/answer.h"
#include "beam/fail.h"
#include "beam/hello.h"
#include "beam/link.h"
#include "beam/packet.h"
#include "beam/settings.h"
#include "beam/state.h"
#include "compat/backend.h"

/* How long the end of a backend waits for the answer to its last words. */
#define LATE_GRACE_MS 1000

static Wire *wire;
static char *wire_path;	 /* where the wire leads */
static uint64 max_bytes; /* what the BEAM takes at once */
static int64 late_id;	 /* sent behind a commit, not answered yet; or 0 */

static void
hang_up(void)
{
	if (wire == NULL)
		return;
	wire_close(wire);
	wire = NULL;
	state_count_connection(-1);
}

/*
 * The kernel closes the socket, and a request without an answer is dead then:
 * one that was sent behind the last commit needs a moment.
 */
static void
at_exit(int code, Datum argument)
{
	struct pollfd answer = {.events = POLLIN};

	if (wire == NULL)
		return;
	answer.fd = wire->socket;
	if (late_id != 0)
		(void) poll(&answer, 1, LATE_GRACE_MS);
	state_count_connection(-1);
}

static void
keep(Wire *opened)
{
	static bool registered;

	if (!registered)
		before_shmem_exit(at_exit, (Datum) 0);
	registered = true;
	wire = opened;
	state_count_connection(1);
}

static void
open_and_greet(const SidecarReport *report, WireDeadline deadline)
{
	if (wire_path != NULL)
		pfree(wire_path);
	wire_path = MemoryContextStrdup(TopMemoryContext, elixir.socket);
	keep(wire_open_unix(SIDECAR_PEER, wire_path, deadline));
	PG_TRY();
	{
		max_bytes = hello_exchange(wire, report);
	}
	PG_CATCH();
	{
		hang_up();
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
not_available(const char *detail, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW),
					errmsg("the sidecar is not available"),
					errdetail_internal("%s", detail), errhint("%s", hint)));
}

/* Nothing was sent so far: whoever is refused here may try again. */
void
link_check_breaker(void)
{
	int64 wait = state_breaker_wait();

	if (wait > 0)
		not_available(psprintf("The latest %d calls or more have failed; the "
							   "next attempt is made in " INT64_FORMAT " s.",
							   elixir.breaker_failures, (wait + 999) / 1000),
					  "See elixir_health() and the server's log.");
}

/* What it printed may show more of the system than any caller should see. */
static bool
may_see_output(void)
{
	return has_privs_of_role(GetUserId(), MONITOR_ROLE);
}

static char *
why_not_ready(const SidecarReport *report, WireDeadline deadline)
{
	StringInfoData text;

	initStringInfo(&text);
	if (!elixir.enabled)
		appendStringInfoString(&text, "It is switched off.");
	else if (report->status == SIDECAR_FAILED)
		appendStringInfo(&text,
						 "It ended more than %d times within a minute, and "
						 "is only started once a minute now.",
						 elixir.max_restarts);
	else if (report->status == SIDECAR_STARTING)
		appendStringInfo(&text, "It was not ready within %d ms.",
						 deadline.timeout_ms);
	else
		appendStringInfoString(&text, "The process that starts it has ended.");
	if (report->last_exit[0] != '\0')
		appendStringInfo(&text, " The previous one ended: %s.",
						 report->last_exit);
	if (report->last_output[0] != '\0' && may_see_output())
		appendStringInfo(&text, " It printed:\n%s",
						 fail_text((FailBytes){report->last_output,
											   strlen(report->last_output)}));
	return text.data;
}

static const char *
what_helps(const SidecarReport *report)
{
	if (!elixir.enabled)
		return "See elixir.enabled.";
	if (report->last_exit[0] == '\0')
		return "See elixir_health() and the server's log.";
	return "elixir.command must run a BEAM that starts PgEtf.Sidecar. "
		   "elixir_health() and the server's log tell more; "
		   "elixir_restart() tries again.";
}

static void
connect_to_sidecar(WireDeadline deadline)
{
	SidecarReport report;

	if (!state_await(deadline, &report))
		not_available(why_not_ready(&report, deadline), what_helps(&report));
	open_and_greet(&report, deadline);
}

/* The answer to what was sent behind a commit; false: there will be none. */
static bool
take_late_answer(WireDeadline deadline)
{
	TermReader reader;
	char *packet;
	size_t len;

	wire_begin(wire, deadline);
	if (!wire_await(wire, PACKET_HEAD))
		return false;
	packet = wire_receive(wire, PACKET_HEAD, &len);
	term_read_init(&reader, packet, len);
	if (answer_kind(&reader, late_id) == ANSWER_RAISE)
		answer_warn(&reader);
	pfree(packet);
	wire_end(wire);
	return true;
}

static void
settle_late(WireDeadline deadline)
{
	bool taken = late_id == 0 || wire == NULL || take_late_answer(deadline);

	late_id = 0;
	if (taken)
		return;
	hang_up();
	ereport(WARNING, (errmsg("the calls that waited for the latest commit may "
							 "not have run"),
					  errdetail("The sidecar has closed the connection.")));
}

/* A connection on which nothing is due and nothing has come. */
static bool
is_usable(void)
{
	return wire != NULL && !wire->busy && !wire->closed &&
		   strcmp(wire_path, elixir.socket) == 0 &&
		   !wire_poll(wire, PACKET_HEAD) && !wire->closed;
}

Wire *
link_get(WireDeadline deadline)
{
	settle_late(deadline);
	if (!is_usable())
	{
		hang_up();
		connect_to_sidecar(deadline);
	}
	wire->max_packet = (uint32) elixir.max_message;
	return wire;
}

uint64
link_max_bytes(void)
{
	return Min(max_bytes, (uint64) elixir.max_message);
}

bool
link_push_late(const char *bytes, size_t len, int64 id)
{
	if (wire == NULL || !wire_push(wire, bytes, len))
		return false;
	late_id = id;
	return true;
}

Wire *
link_set_aside(void)
{
	Wire *outer = wire != NULL && wire->busy ? wire : NULL;

	if (outer != NULL)
		wire = NULL;
	return outer;
}

void
link_restore(Wire *outer)
{
	if (outer != NULL || (wire != NULL && (wire->busy || wire->closed)))
		hang_up();
	if (outer != NULL)
		wire = outer;
}
