/*
 * function.h
 *		What has to be known of a function in LANGUAGE elixir to call it.
 */
#ifndef ETF_FUNCTION_H
#define ETF_FUNCTION_H

#include "fmgr.h"
#include "nodes/pg_list.h"

#include "beam/decode.h"
#include "beam/encode.h"
#include "beam/sidecar.h"

typedef struct ElixirFunction
{
	MemoryContext context; /* holds all of this */
	const char *name;	   /* as it is registered: "Shop.Price.price" */
	const char *label;	   /* as errors name it: "Shop.Price.price/2" */
	int nargs;
	EncodeType **args;
	bool returns_set;
	bool returns_void;
	DecodeType *result; /* NULL: void, or a trigger */
	TupleDesc tupdesc;	/* of a result that is a row; of a trigger's table */
	bool by_value;
	int16 typlen;
	EncodeType *row;	 /* of a trigger's table */
	DecodeType *new_row; /* likewise */
	List *relations;	 /* tables whose change makes this stale */
} ElixirFunction;

/*
 * The function that is called, valid until the end of the call.  Kept for the
 * session where its types do not depend on the call.
 */
extern const ElixirFunction *function_get(FunctionCallInfo fcinfo);

/* The same, as a trigger on this table. */
extern const ElixirFunction *function_get_trigger(FunctionCallInfo fcinfo,
												  Relation relation);

/* The text between AS '...', without the blanks around it. */
extern char *function_body(HeapTuple procedure);

/* Begin a request of this kind, up to the list of arguments. */
extern TermOut *function_begin(SidecarRequest *request, const char *kind,
							   const ElixirFunction *function, int nargs);

/* Their list, and what follows it: the request is complete then. */
extern void function_put_args(SidecarRequest *request,
							  const ElixirFunction *function,
							  FunctionCallInfo fcinfo);

/*
 * The next term of an answer as the result, in memory of the current context.
 * The reader moves behind it.
 */
extern Datum function_result(const ElixirFunction *function,
							 const DecodeType *type, TermReader *answer,
							 bool *isnull);

#endif
