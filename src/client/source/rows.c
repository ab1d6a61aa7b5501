/*
 * rows.c
 *		Rows of pgoutput as maps or tuples.
 *
 * The hot loop where frames are made by the client.  Called by assemble.c and
 * copy_rows.c, which have checked that rows have as many values as the plan has
 * columns.
 */
#include "client/source/rows.h"

static bool
put_value(TermOut *out, Plan *plan, int n, const PgValue *value)
{
	const PlanColumn *column = &plan->columns[n];
	WireResult result;

	switch (value->kind)
	{
		case PG_NULL:
			etf_put_null(out);
			return true;
		case PG_UNCHANGED:
			etf_put_atom(out, "unchanged_toast");
			return true;
		default:
			result = wire_put_value(out, column->type, column->typmod,
									(WireFormat) value->kind, value->bytes,
									value->len);
			if ((result == WIRE_UNPARSED || result == WIRE_CHANGED) &&
				plan->unread == 0)
				plan->unread = n + 1;
			return result == WIRE_DONE || result == WIRE_UNPARSED;
	}
}

static bool
put_column(TermOut *out, Plan *plan, int n, const PgValue *value)
{
	const PlanColumn *column = &plan->columns[n];

	if (out->forms->rows == ROWS_MAP)
		etf_put_raw(out, column->map_key, column->map_key_len);
	return put_value(out, plan, n, value);
}

static void
put_header(TermOut *out, int count)
{
	if (out->forms->rows == ROWS_MAP)
		etf_put_map(out, (uint32_t) count);
	else
		etf_put_tuple(out, (uint32_t) count);
}

static bool
has_value(const PgValue *value)
{
	return value->kind == PG_TEXT || value->kind == PG_BINARY;
}

bool
rows_put_new(TermOut *out, Plan *plan, const PgRow *row, const PgRow *old_row)
{
	PgReader values = row->values;
	PgReader old_values = old_row != NULL ? old_row->values : values;
	PgValue value;
	PgValue old;
	bool fits = true;

	put_header(out, plan->ncolumns);
	for (int i = 0; i < plan->ncolumns; i++)
	{
		pg_next_value(&values, &value);
		if (old_row != NULL)
		{
			pg_next_value(&old_values, &old);
			if (value.kind == PG_UNCHANGED && has_value(&old))
				value = old;
		}
		fits &= put_column(out, plan, i, &value);
	}
	return fits;
}

bool
rows_put_old(TermOut *out, Plan *plan, const PgRow *row, char mark)
{
	PgReader values = row->values;
	bool full = mark == 'O';
	bool fits = true;
	PgValue value;

	etf_put_tuple(out, 2);
	if (full)
		etf_put_atom(out, "full");
	else
		etf_put_atom(out, "key");
	put_header(out, full ? plan->ncolumns : plan->nkeys);
	for (int i = 0; i < plan->ncolumns; i++)
	{
		pg_next_value(&values, &value);
		if (full || plan->columns[i].key)
			fits &= put_column(out, plan, i, &value);
	}
	return fits;
}

bool
rows_put_copied(TermOut *out, Plan *plan, const char *formats, PgReader *values)
{
	bool fits = true;

	put_header(out, plan->ncolumns);
	for (int i = 0; i < plan->ncolumns; i++)
	{
		PgValue value = pg_copied_value(values, (PgValueKind) formats[i]);

		fits &= put_column(out, plan, i, &value);
	}
	return fits;
}
