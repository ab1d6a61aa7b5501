/*
 * bench_rpc.c
 *		SQL: libei_add(node, cookie, a, b), by libei's blocking calls.
 *
 * What bench/nodes compares erlang_call with: one connection, kept; no cancel,
 * no time limit, no exceptions.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include <ei.h>

PG_MODULE_MAGIC;

extern PGDLLEXPORT Datum libei_add(PG_FUNCTION_ARGS);

/* Our node, and its connection. */
static ei_cnode *
cnode(char *node, const char *cookie, int *fd)
{
	static ei_cnode us;
	static int kept = -1;
	static struct in_addr loopback;

	if (kept < 0)
	{
		loopback.s_addr = htonl(INADDR_LOOPBACK);
		if (ei_init() != 0 ||
			ei_connect_xinit(&us, "localhost", "bench_rpc",
							 "bench_rpc@127.0.0.1", &loopback, cookie, 1) < 0)
			elog(ERROR, "libei: no node of our own");
		kept = ei_connect(&us, node);
		if (kept < 0)
			elog(ERROR, "libei: no connection");
	}
	*fd = kept;
	return &us;
}

PG_FUNCTION_INFO_V1(libei_add);

Datum
libei_add(PG_FUNCTION_ARGS)
{
	int fd;
	ei_cnode *us = cnode(text_to_cstring(PG_GETARG_TEXT_PP(0)),
						 text_to_cstring(PG_GETARG_TEXT_PP(1)), &fd);
	ei_x_buff args;
	ei_x_buff result;
	int index = 0;
	long sum;

	ei_x_new(&args);
	ei_x_new(&result);
	ei_x_encode_list_header(&args, 2);
	ei_x_encode_long(&args, PG_GETARG_INT32(2));
	ei_x_encode_long(&args, PG_GETARG_INT32(3));
	ei_x_encode_empty_list(&args);
	if (ei_rpc(us, fd, "erlang", "+", args.buff, args.index, &result) < 0 ||
		ei_decode_long(result.buff, &index, &sum) < 0)
		elog(ERROR, "libei: no result");
	ei_x_free(&args);
	ei_x_free(&result);
	PG_RETURN_INT32((int32) sum);
}
