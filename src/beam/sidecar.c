/*
 * sidecar.c
 *		Ask the BEAM beside the server.
 *
 * From the first byte of a request to the last one of its answer the wire is
 * busy, and whatever ends this early closes it.  link.c has the wire.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "beam/answer.h"
#include "beam/hello.h"
#include "beam/link.h"
#include "beam/packet.h"
#include "beam/settings.h"
#include "beam/sidecar.h"
#include "beam/state.h"
#include "beam/wire.h"

static int64 last_id;

TermOut *
sidecar_begin(SidecarRequest *request, const char *kind, int arity,
			  const char *subject)
{
	packet_begin(&request->out, &request->bytes);
	request->id = ++last_id;
	request->subject = subject;
	request->timeout_ms = elixir.request_timeout;
	request->answered = false;
	request->probe = false;
	etf_put_tuple(&request->out, arity);
	etf_put_atom_len(&request->out, kind, (int) strlen(kind));
	etf_put_int(&request->out, request->id);
	return &request->out;
}

void
sidecar_put_meta(SidecarRequest *request, bool superuser, int timeout_ms)
{
	TermOut *out = &request->out;
	Oid user = GetUserId();
	bool other = user != hello_user();

	etf_put_list(out, (other ? 1 : 0) + (superuser ? 1 : 0) +
						  (timeout_ms > 0 ? 1 : 0));
	if (other)
	{
		etf_put_tuple(out, 2);
		etf_put_atom(out, "user");
		packet_put_text(out, GetUserNameFromId(user, false));
	}
	if (superuser)
	{
		etf_put_tuple(out, 2);
		etf_put_atom(out, "superuser");
		etf_put_bool(out, true);
	}
	if (timeout_ms > 0)
	{
		etf_put_tuple(out, 2);
		etf_put_atom(out, "timeout");
		etf_put_int(out, timeout_ms);
	}
	etf_put_list_end(out);
}

static void
check_size(const SidecarRequest *request)
{
	uint64 size = request->out.len - PACKET_HEAD;
	uint64 limit = link_max_bytes();

	if (size > limit)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s: the request takes " UINT64_FORMAT
							   " bytes, at most " UINT64_FORMAT " are accepted",
							   request->subject, size, limit),
						errhint("See elixir.max_message_bytes.")));
}

static Wire *
get_ready(SidecarRequest *request, WireDeadline deadline)
{
	Wire *wire;

	packet_end(&request->out);
	if (!request->probe)
		link_check_breaker();
	wire = link_get(deadline);
	check_size(request);
	return wire;
}

/* From here on something may have run. */
static Wire *
send_request(SidecarRequest *request)
{
	WireDeadline deadline = wire_deadline(request->timeout_ms);
	Wire *wire = get_ready(request, deadline);

	wire_begin(wire, deadline);
	wire_send(wire, request->bytes.data, request->bytes.len);
	return wire;
}

/* The next answer but notices, which are shown. */
static AnswerKind
next_answer(SidecarRequest *request, Wire *wire, TermReader *reader)
{
	for (;;)
	{
		size_t len;
		char *packet = wire_receive(wire, PACKET_HEAD, &len);
		AnswerKind kind;

		term_read_init(reader, packet, len);
		kind = answer_kind(reader, request->id);
		if (kind == ANSWER_RAISE)
		{
			request->answered = true;
			wire_end(wire);
			answer_raise(reader);
		}
		if (kind != ANSWER_NOTICE)
			return kind;
		answer_notice(reader);
		pfree(packet);
	}
}

static void
ask_term(SidecarRequest *request, TermReader *term)
{
	Wire *wire = send_request(request);

	if (next_answer(request, wire, term) != ANSWER_OK)
		answer_bad(term, "neither ok nor raise");
	wire_end(wire);
}

/* "Give me more." */
static void
send_credit(const SidecarRequest *request, Wire *wire)
{
	StringInfoData bytes;
	TermOut out;

	packet_begin(&out, &bytes);
	etf_put_tuple(&out, 2);
	etf_put_atom(&out, "more");
	etf_put_int(&out, request->id);
	packet_end(&out);
	wire_send(wire, bytes.data, bytes.len);
	pfree(bytes.data);
}

/* Each packet of rows in a context of its own, which is then reset. */
static void
ask_rows(SidecarRequest *request, SidecarRows callback, void *arg)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "rows of the sidecar", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Wire *wire = send_request(request);
	TermReader reader;
	AnswerKind kind;

	while ((kind = next_answer(request, wire, &reader)) == ANSWER_MORE)
	{
		callback(arg, &reader);
		MemoryContextReset(context);
		send_credit(request, wire);
	}
	if (kind != ANSWER_OK)
		answer_bad(&reader, "neither rows nor their end");
	wire_end(wire);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

static void
count_result(const SidecarRequest *request, bool success)
{
	if (!request->probe)
		state_breaker_result(success);
}

/*
 * To the breaker, which is everybody's, an exception is an answer.  A cancel
 * says nothing, and neither does a time limit that passes behind the greeting:
 * the function may just be slow, and any user may set the limit.  A BEAM that
 * hangs greets nobody, and that counts.
 */
static void
count_error(const SidecarRequest *request)
{
	int code = geterrcode();

	if (request->answered)
		count_result(request, true);
	else if (ERRCODE_TO_CATEGORY(code) == ERRCODE_CONNECTION_EXCEPTION &&
			 code != ERRCODE_CONNECTION_EXCEPTION)
		count_result(request, false);
}

static void
add_context(void *arg)
{
	const SidecarRequest *request = arg;

	if (geterrcode() == ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION &&
		!request->answered)
		errhint("%s", *elixir.command == '\0' || !state_is_shared()
						  ? "Somebody has to run it, or the server: see "
							"elixir.command and shared_preload_libraries."
						  : "See elixir_health() and the server's log.");
	errcontext("%s in the sidecar", request->subject);
}

typedef struct Work
{
	SidecarRequest *request;
	TermReader *term; /* for its answer, */
	SidecarRows rows; /* or for each of them, */
	void *arg;		  /* or neither: only get ready */
	Wire *outer;	  /* of a request that is under way */
} Work;

static void
work(const Work *it)
{
	if (it->rows != NULL)
		ask_rows(it->request, it->rows, it->arg);
	else if (it->term != NULL)
		ask_term(it->request, it->term);
	else
		(void) get_ready(it->request, wire_deadline(it->request->timeout_ms));
}

static void
work_guarded(Work *it)
{
	it->outer = link_set_aside();
	PG_TRY();
	{
		work(it);
	}
	PG_CATCH();
	{
		count_error(it->request);
		link_restore(it->outer);
		PG_RE_THROW();
	}
	PG_END_TRY();
	count_result(it->request, true);
	link_restore(it->outer);
}

static void
work_in_context(Work *it)
{
	ErrorContextCallback context = {.previous = error_context_stack,
									.callback = add_context,
									.arg = it->request};

	error_context_stack = &context;
	work_guarded(it);
	error_context_stack = context.previous;
}

void
sidecar_ask(SidecarRequest *request, TermReader *term)
{
	work_in_context(&(Work){.request = request, .term = term});
}

void
sidecar_ask_rows(SidecarRequest *request, SidecarRows callback, void *arg)
{
	work_in_context(&(Work){.request = request, .rows = callback, .arg = arg});
}

void
sidecar_make_ready(SidecarRequest *request)
{
	work_in_context(&(Work){.request = request});
}

void
sidecar_send_late(const SidecarRequest *request)
{
	if (!link_push_late(request->bytes.data, request->bytes.len, request->id))
		ereport(WARNING, (errmsg("the calls that waited for this commit could "
								 "not be sent to the sidecar")));
}
