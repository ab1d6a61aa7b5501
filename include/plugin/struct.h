/*
 * struct.h
 *		Elixir structs of few fields.
 *
 *		etf_put_struct(out, "Postgrex.Point", 2);
 *		etf_put_atom(out, "x");
 *		etf_put_float(out, point->x);
 *		...
 */
#ifndef ETF_STRUCT_H
#define ETF_STRUCT_H

#include "plugin/out.h"

/* The module's name is a literal; as many pairs of field and value follow. */
#define etf_put_struct(out, module, nfields) \
	do                                       \
	{                                        \
		etf_put_map(out, (nfields) + 1);     \
		etf_put_atom(out, "__struct__");     \
		etf_put_atom(out, "Elixir." module); \
	} while (0)

#endif
