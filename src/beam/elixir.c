/*
 * elixir.c
 *		SQL: elixir_call, elixir_call_async, elixir_get_result.
 *
 * The loose form of a call: one argument and one result, both documents.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "beam/json.h"
#include "beam/on_commit.h"
#include "beam/packet.h"
#include "beam/settings.h"
#include "beam/sidecar.h"
#include "beam/sql.h"

/* A day: enough for anybody who waits for one result. */
#define MAX_WAIT_MS (24 * 3600 * 1000)

/* What a message shows of a name, which may be any text. */
#define MAX_SHOWN 200

static TermOut *
begin(SidecarRequest *request, const char *kind, int arity,
	  const char *function)
{
	int shown = pg_mbcliplen(function, (int) strlen(function), MAX_SHOWN);

	return sidecar_begin(request, kind, arity,
						 psprintf("function \"%.*s\"", shown, function));
}

/* Name, Args, Meta: what all calls end with. */
static void
put_call(SidecarRequest *request, const char *function, Jsonb *document,
		 int timeout_ms)
{
	packet_put_text(&request->out, function);
	etf_put_list(&request->out, 1);
	json_put(&request->out, document);
	etf_put_list_end(&request->out);
	sidecar_put_meta(request, false, timeout_ms);
}

PG_FUNCTION_INFO_V1(elixir_call);

Datum
elixir_call(PG_FUNCTION_ARGS)
{
	char *function = text_to_cstring(PG_GETARG_TEXT_PP(0));
	SidecarRequest request;
	TermReader answer;

	begin(&request, "call", 5, function);
	put_call(&request, function, PG_GETARG_JSONB_P(1), 0);
	sidecar_ask(&request, &answer);
	PG_RETURN_DATUM(json_of_term(psprintf("%s/1", function), &answer));
}

/* A random one, version 4. */
static pg_uuid_t *
new_uuid(void)
{
	pg_uuid_t *uuid = palloc(sizeof(pg_uuid_t));

	if (!pg_strong_random(uuid->data, UUID_LEN))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate random values")));
	uuid->data[6] = (uuid->data[6] & 0x0f) | 0x40;
	uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;
	return uuid;
}

static void
put_uuid(TermOut *out, const pg_uuid_t *uuid)
{
	etf_put_binary(out, (const char *) uuid->data, UUID_LEN);
}

/* What {async, Id, ...} and a member of {batch, Id, [...]} have in common. */
static void
put_async(SidecarRequest *request, const pg_uuid_t *uuid, const char *function,
		  Jsonb *document)
{
	put_uuid(&request->out, uuid);
	put_call(request, function, document, elixir.request_timeout);
}

PG_FUNCTION_INFO_V1(elixir_call_async);

Datum
elixir_call_async(PG_FUNCTION_ARGS)
{
	char *function = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb *document = PG_GETARG_JSONB_P(1);
	pg_uuid_t *uuid = new_uuid();
	SidecarRequest request;
	TermReader answer;

	if (PG_GETARG_BOOL(2))
	{
		on_commit_begin(&request);
		etf_put_tuple(&request.out, 4);
		put_async(&request, uuid, function, document);
		on_commit_end(&request);
	}
	else
	{
		begin(&request, "async", 6, function);
		put_async(&request, uuid, function, document);
		sidecar_ask(&request, &answer);
	}
	PG_RETURN_UUID_P(uuid);
}

PG_FUNCTION_INFO_V1(elixir_get_result);

Datum
elixir_get_result(PG_FUNCTION_ARGS)
{
	int wait_ms = PG_GETARG_INT32(1);
	SidecarRequest request;
	TermReader answer;
	TermOut *out;

	if (wait_ms < 0 || wait_ms > MAX_WAIT_MS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("wait_ms must be between 0 and %d", MAX_WAIT_MS)));
	out = sidecar_begin(&request, "result", 5, "elixir_get_result()");
	put_uuid(out, PG_GETARG_UUID_P(0));
	etf_put_int(out, wait_ms);
	sidecar_put_meta(&request, superuser(), 0);
	request.timeout_ms += wait_ms;
	sidecar_ask(&request, &answer);
	PG_RETURN_DATUM(json_of_term(request.subject, &answer));
}
