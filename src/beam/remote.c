/*
 * remote.c
 *		Call a function of a node.
 *
 * A call is what erpc:call/5 sends: a request to spawn a process, linked to
 * the caller, that runs erpc:execute_call/4 and leaves the result in its exit
 * reason.  remote_packet.c makes what is sent, remote_serve.c takes what
 * comes, remote_send.c is for messages.
 *
 * A cancel, a time-out and a termination are errors that the wait in wire.c
 * raises.  Whatever the error, remote_call catches it and closes the
 * connection; as the remote process is linked to us, the node then ends it.
 */
#include "postgres.h"

#include "beam/packet.h"
#include "beam/remote_parts.h"
#include "beam/settings.h"
#include "common/term/read.h"

static char *
full_module(const char *module)
{
	bool elixir =
		*module >= 'A' && *module <= 'Z' && strncmp(module, "Elixir.", 7) != 0;

	return psprintf("%s%s", elixir ? "Elixir." : "", module);
}

/* [r, Module, Function, Arguments], of which the last is to come. */
TermOut *
remote_begin_call(RemoteCall *call, const char *node, const char *module,
				  const char *function, int arity)
{
	TermOut *out = remote_begin_packet(call);

	module = full_module(module);
	call->node = node_find(node);
	call->function = fail_function(module, function, arity);
	target_check_call(call->node->target, module, function);
	etf_put_list(out, 4);
	etf_put_atom(out, "r");
	remote_put_name(out, module);
	remote_put_name(out, function);
	return out;
}

static FailBytes
rest_of(TermReader *reader)
{
	FailBytes term = {reader->pos, 0};

	if (term_skip(reader))
		term.len = reader->pos - (const uint8 *) term.bytes;
	return term;
}

/*
 * {r, return, Value}, {r, throw, Term}, {r, exit, Reason} or {r, error,
 * Reason, Stack}.  Anything else killed the process.
 */
static FailBytes
result_of(const char *function, FailBytes reason)
{
	static const FailBytes none;
	TermReader reader;
	Term tuple;
	Term name;
	FailBytes value;

	term_read_init(&reader, reason.bytes, reason.len);
	if (!term_next(&reader, &tuple) || tuple.kind != TERM_TUPLE ||
		tuple.count < 3 || !term_next(&reader, &name) ||
		name.kind != TERM_ATOM || !term_is_atom(&name, "r") ||
		!term_next(&reader, &name) || name.kind != TERM_ATOM)
		fail_terms(function, FAIL_EXIT, reason, none);
	value = rest_of(&reader);
	if (term_is_atom(&name, "return"))
		return value;
	if (term_is_atom(&name, "throw"))
		fail_terms(function, FAIL_THROW, value, none);
	if (term_is_atom(&name, "exit"))
		fail_terms(function, FAIL_EXIT, value, none);
	fail_terms(function, FAIL_ERROR, value,
			   tuple.count > 3 ? rest_of(&reader) : none);
	return none; /* not reached */
}

/* Between wire_begin and wire_end nothing but the call happens. */
static FailBytes
run(RemoteCall *call, WireDeadline deadline)
{
	BeamNode *node = call->node;
	RemoteCaller caller;
	uint8 control[DIST_CONTROL_MAX];
	DistTerm leader = {node->leader, node->leader_len};
	FailBytes reason;

	remote_caller(node, &caller);
	if (leader.len == 0)
		leader = caller.pid_term;
	wire_begin(node->wire, deadline);
	remote_send_packet(
		call, control,
		dist_write_call(control, caller.ref_term, caller.pid_term, leader));
	reason = remote_await_exit(node, &caller);
	wire_end(node->wire);
	node_used(node);
	return reason;
}

/*
 * The process to which output of a call goes.  Without it, output would be
 * sent to us, and whoever writes would wait for us.
 */
static void
learn_leader(BeamNode *node, WireDeadline deadline)
{
	RemoteCall call = {.node = node};
	TermOut *out = remote_begin_packet(&call);
	FailBytes leader;
	TermReader reader;
	Term term;

	etf_put_list(out, 4);
	etf_put_atom(out, "r");
	etf_put_atom(out, "erlang");
	etf_put_atom(out, "whereis");
	etf_put_list(out, 1);
	etf_put_atom(out, "user");
	etf_put_list_end(out);
	etf_put_list_end(out);
	leader = result_of("erlang:whereis/1", run(&call, deadline));
	term_read_init(&reader, leader.bytes, leader.len);
	if (term_next(&reader, &term) && term.kind == TERM_PID &&
		leader.len <= DIST_IDENTIFIER_MAX)
	{
		memcpy(node->leader, leader.bytes, leader.len);
		node->leader_len = leader.len;
	}
	node->leader_known = true;
	pfree(call.out.data);
}

static void
make_ready(BeamNode *node, WireDeadline deadline)
{
	node_connect(node, deadline);
	if (!node->leader_known)
		learn_leader(node, deadline);
}

WireDeadline
remote_deadline(const BeamNode *node, int timeout_ms)
{
	if (timeout_ms < 0)
		timeout_ms = node->target->call_timeout_ms;
	if (timeout_ms < 0)
		timeout_ms = erlang.call_timeout;
	return wire_deadline(timeout_ms);
}

FailBytes
remote_call(RemoteCall *call, int timeout_ms)
{
	BeamNode *node = call->node;
	WireDeadline deadline = remote_deadline(node, timeout_ms);
	FailBytes reason;

	etf_put_list_end(&call->out);
	remote_check_size(call);
	PG_TRY();
	{
		make_ready(node, deadline);
		reason = run(call, deadline);
	}
	PG_CATCH();
	{
		node_fail(node);
		PG_RE_THROW();
	}
	PG_END_TRY();
	node->calls++;
	return result_of(call->function, reason);
}

void
remote_ping(BeamNode *node)
{
	WireDeadline deadline = wire_deadline(node->target->connect_timeout_ms);

	PG_TRY();
	{
		node_connect(node, deadline);
		learn_leader(node, deadline);
	}
	PG_CATCH();
	{
		node_fail(node);
		PG_RE_THROW();
	}
	PG_END_TRY();
}
