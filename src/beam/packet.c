/*
 * packet.c
 *		What is sent to a BEAM: a length of four bytes, then a term.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "beam/packet.h"
#include "plugin/options.h"

const Forms *
packet_forms(void)
{
	static const Forms *forms;
	MemoryContext caller;

	if (forms == NULL)
	{
		caller = MemoryContextSwitchTo(TopMemoryContext);
		forms = &etf_options_parse(NIL)->forms;
		MemoryContextSwitchTo(caller);
	}
	return forms;
}

void
packet_begin(TermOut *out, StringInfo bytes)
{
	initStringInfo(bytes);
	bytes->len = PACKET_HEAD;
	etf_out_attach(out, bytes, packet_forms());
	etf_put_version(out);
}

void
packet_end(TermOut *out)
{
	store_uint32(out->data, (uint32) out->len - PACKET_HEAD);
	etf_out_detach(out);
}

void
packet_put_text(TermOut *out, const char *text)
{
	etf_put_text(out, text, strlen(text));
}
