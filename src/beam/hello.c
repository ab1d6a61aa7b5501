/*
 * hello.c
 *		Who is at the other end of a new connection to the sidecar?
 */
#include "postgres.h"

#include <sys/socket.h>
#include <unistd.h>

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h" /* get_database_name, since 19 */

#include "beam/answer.h"
#include "beam/hello.h"
#include "beam/packet.h"
#include "beam/settings.h"
#include "compat/backend.h"

#define PROTOCOL_VERSION 1

Oid
hello_user(void)
{
	static Oid user = InvalidOid;

	if (!OidIsValid(user))
		user = GetSessionUserId();
	return user;
}

/* Words of the BEAM's heap. */
static int64
call_heap(void)
{
	return (int64) elixir.call_memory * 1024 * 1024 / 8;
}

static void
send_hello(Wire *wire)
{
	StringInfoData bytes;
	TermOut out;

	packet_begin(&out, &bytes);
	etf_put_tuple(&out, 3);
	etf_put_atom(&out, "hello");
	etf_put_int(&out, PROTOCOL_VERSION);
	etf_put_map(&out, 5);
	etf_put_atom(&out, "pid");
	etf_put_int(&out, MyProcPid);
	etf_put_atom(&out, "database");
	packet_put_text(&out, get_database_name(MyDatabaseId));
	etf_put_atom(&out, "user");
	packet_put_text(&out, GetUserNameFromId(hello_user(), false));
	etf_put_atom(&out, "server_version");
	etf_put_int(&out,
				atoi(GetConfigOption("server_version_num", false, false)));
	etf_put_atom(&out, "heap");
	etf_put_int(&out, call_heap());
	packet_end(&out);
	wire_send(wire, bytes.data, bytes.len);
	pfree(bytes.data);
}

/* The map of the greeting: of its keys, only max_bytes matters here. */
static uint64
read_map(TermReader *reader)
{
	uint64 max_bytes = 0;
	Term map;
	Term key;

	if (!term_next(reader, &map) || map.kind != TERM_MAP)
		answer_bad(reader, "a greeting without a map");
	for (uint32 i = 0; i < map.count; i++)
	{
		bool found = term_next(reader, &key) && term_is_atom(&key, "max_bytes");

		if (!(found ? term_next_uint64(reader, &max_bytes, "no size")
					: term_skip(reader)))
			answer_bad(reader, "a cut greeting");
	}
	return max_bytes;
}

/* Instead of a greeting, {0, raise, ...}: why there is none. */
static void
check_refusal(TermReader reader)
{
	TermReader answer = reader;
	Term tuple;
	Term id;

	if (term_read_version(&reader) && term_next(&reader, &tuple) &&
		tuple.kind == TERM_TUPLE && term_next(&reader, &id) &&
		id.kind == TERM_INTEGER && answer_kind(&answer, 0) == ANSWER_RAISE)
		answer_raise(&answer);
}

static uint64
receive_hello(Wire *wire)
{
	TermReader reader;
	Term term;
	int64 version;
	size_t len;
	char *packet = wire_receive(wire, PACKET_HEAD, &len);

	term_read_init(&reader, packet, len);
	check_refusal(reader);
	if (!term_read_version(&reader) ||
		!term_next_tuple(&reader, 3, "not {hello, Version, Map}") ||
		!term_next_atom(&reader, &term, "not {hello, Version, Map}") ||
		!term_is_atom(&term, "hello") ||
		!term_next_int64(&reader, &version, "not {hello, Version, Map}"))
		answer_bad(&reader, "no greeting");
	if (version != PROTOCOL_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("the sidecar speaks version " INT64_FORMAT
						" of the protocol, this server version %d",
						version, PROTOCOL_VERSION),
				 errhint("Install the same version of pg_etf_beam and of the "
						 "Elixir library.")));
	return read_map(&reader);
}

/*
 * Of a BEAM that the server runs, the kernel knows the process that listens:
 * nobody else can have put a socket in its place.
 */
static void
check_peer(const Wire *wire, const SidecarReport *report)
{
#ifdef SO_PEERCRED
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (report->status != SIDECAR_READY)
		return;
	if (getsockopt(wire->socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
		peer.uid != geteuid() || peer.pid != report->pid)
		ereport(ERROR,
				(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				 errmsg("the socket of the sidecar belongs to another process"),
				 errdetail("Process %d listens there, not %d.", (int) peer.pid,
						   report->pid)));
#endif
}

uint64
hello_exchange(Wire *wire, const SidecarReport *report)
{
	uint64 max_bytes;

	check_peer(wire, report);
	wire->max_packet = (uint32) elixir.max_message;
	wire->wait_event = wait_event_of("ElixirCall");
	send_hello(wire);
	max_bytes = receive_hello(wire);
	wire->ready = true;
	return max_bytes;
}
