/*
 * event.c
 *		Events that are not rows of a table.
 */
#include "common/frame/event.h"

void
etf_put_truncate(TermOut *out, const uint32_t *relids, int count, bool cascade,
				 bool restart)
{
	etf_put_tuple(out, 3);
	etf_put_atom(out, "truncate");
	etf_put_list(out, (uint32_t) count);
	for (int i = 0; i < count; i++)
		etf_put_uint(out, relids[i]);
	etf_put_list_end(out);
	etf_put_list(out, (uint32_t) (cascade + restart));
	if (cascade)
		etf_put_atom(out, "cascade");
	if (restart)
		etf_put_atom(out, "restart_identity");
	etf_put_list_end(out);
}

/* In a prefix of 600 MB there is little sense, but anybody can send one. */
void
etf_put_message(TermOut *out, const char *prefix, const char *content,
				size_t size)
{
	size_t prefix_size = strlen(prefix);

	out_value_begin(out);
	out->host->put_text(out, prefix, prefix_size);
	if (!out_value_end(out))
		etf_put_oversized(out, prefix_size);
	out_value_begin(out);
	etf_put_binary(out, content, size);
	if (!out_value_end(out))
		etf_put_oversized(out, size);
}
