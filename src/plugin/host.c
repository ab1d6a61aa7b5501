/*
 * host.c
 *		The server's memory and text for the encoders of the shared ring.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "plugin/encoding.h"
#include "plugin/host.h"

static void
grow(TermOut *out, size_t size)
{
	StringInfo buf = out->owner;

	buf->len = (int) out->len;
	enlargeStringInfo(buf, (int) size);
	out->data = buf->data;
	out->size = (size_t) buf->maxlen;
}

/* It may exceed 1 GB. */
static void *
scratch(void *memory, size_t size)
{
	if (size == 0)
	{
		pfree(memory);
		return NULL;
	}
	if (memory == NULL)
		return MemoryContextAllocHuge(CurrentMemoryContext, size);
	return repalloc_huge(memory, size);
}

static void
tick(void)
{
	CHECK_FOR_INTERRUPTS();
}

void
etf_out_attach(TermOut *out, StringInfo buf, const Forms *forms)
{
	out->data = buf->data;
	out->len = (size_t) buf->len;
	out->size = (size_t) buf->maxlen;
	out->in_value = out->overflow = false;
	out->forms = forms;
	out->host = &etf_host;
	out->owner = buf;
}

void
etf_out_detach(TermOut *out)
{
	StringInfo buf = out->owner;

	buf->len = (int) out->len;
}

static void
put_converted(TermOut *out, const char *text, Size len)
{
	Size utf8_len = len;
	const char *utf8 = etf_to_utf8(text, &utf8_len);

	if (likely(utf8 != NULL))
	{
		etf_put_binary(out, utf8, utf8_len);
		if (utf8 != text) /* a jsonb may have millions of them */
			pfree((char *) utf8);
		return;
	}
	etf_put_tuple(out, 2);
	etf_put_atom(out, "unconverted");
	etf_put_binary(out, text, len);
}

void
etf_put_text(TermOut *out, const char *text, Size len)
{
	if (likely(etf_text_is_utf8()))
		etf_put_binary(out, text, len);
	else
		put_converted(out, text, len);
}

const TermHost etf_host = {grow, scratch, etf_put_text, tick};

/* Among single-byte encodings there is none that knows a character twice. */
bool
etf_keys_may_repeat(void)
{
	return GetDatabaseEncoding() != PG_UTF8 &&
		   pg_database_encoding_max_length() > 1;
}
