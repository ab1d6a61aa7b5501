/*
 * import.c
 *		SQL: elixir_import(module, dry_run): what @sql declares, as functions.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"

#include "beam/fail.h"
#include "beam/packet.h"
#include "beam/sidecar.h"
#include "beam/sql.h"

/* One row of "functions"; what is not needed is passed over. */
static void
read_function(TermReader *reader, Term *name, Term *sql)
{
	Term tuple;

	if (!term_next(reader, &tuple) || tuple.kind != TERM_TUPLE ||
		tuple.count != 5 || !term_next(reader, name) || !term_skip(reader) ||
		!term_skip(reader) || !term_skip(reader) || !term_next(reader, sql))
		fail_protocol("the sidecar", "no list of functions");
}

static char *
text_of(const Term *term)
{
	return pg_any_to_server(pnstrdup((const char *) term->bytes, term->len),
							(int) term->len, PG_UTF8);
}

static char *
statement_of(const Term *name, const Term *sql)
{
	return psprintf("CREATE OR REPLACE FUNCTION %s LANGUAGE elixir AS %s",
					text_of(sql), quote_literal_cstr(text_of(name)));
}

/* The statements for what this module declares. */
static List *
declared_by(const char *module)
{
	SidecarRequest request;
	TermReader reader;
	Term list;
	Term name;
	Term sql;
	List *statements = NIL;

	packet_put_text(sidecar_begin(&request, "functions", 3, "elixir_import"),
					module);
	sidecar_ask(&request, &reader);
	if (!term_next(&reader, &list))
		fail_protocol("the sidecar", reader.error);
	for (uint32 i = 0; list.kind == TERM_LIST && i < list.count; i++)
	{
		read_function(&reader, &name, &sql);
		if (sql.kind == TERM_BINARY)
			statements = lappend(statements, statement_of(&name, &sql));
	}
	if (statements == NIL)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("the sidecar knows no declaration of module \"%s\"",
					module),
			 errhint("elixir_functions() lists what is there; a declaration "
					 "is made by @sql.")));
	return statements;
}

/* What a declaration adds to the statement must not become a second one. */
static void
check_statement(const char *statement)
{
	List *parsed = pg_parse_query(statement);

	if (list_length(parsed) != 1 ||
		!IsA(linitial_node(RawStmt, parsed)->stmt, CreateFunctionStmt))
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("@sql does not declare one function"),
						errdetail("It makes: %s", statement)));
}

static void
run_all(const List *statements)
{
	ListCell *cell;

	SPI_connect();
	foreach (cell, statements)
	{
		check_statement(lfirst(cell));
		if (SPI_execute(lfirst(cell), false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not execute: %s", (char *) lfirst(cell));
	}
	SPI_finish();
}

PG_FUNCTION_INFO_V1(elixir_import);

Datum
elixir_import(PG_FUNCTION_ARGS)
{
	FuncCallContext *calls;
	const List *statements;
	const char *statement;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;

		calls = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(calls->multi_call_memory_ctx);
		calls->user_fctx = declared_by(text_to_cstring(PG_GETARG_TEXT_PP(0)));
		if (!PG_GETARG_BOOL(1))
			run_all(calls->user_fctx);
		MemoryContextSwitchTo(caller);
	}
	calls = SRF_PERCALL_SETUP();
	statements = calls->user_fctx;
	if (calls->call_cntr >= (uint64) list_length(statements))
		SRF_RETURN_DONE(calls);
	/* SRF_RETURN_NEXT counts before it looks at what it returns. */
	statement = list_nth(statements, (int) calls->call_cntr);
	SRF_RETURN_NEXT(calls, CStringGetTextDatum(statement));
}
