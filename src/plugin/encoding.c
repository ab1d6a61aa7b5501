/*
 * encoding.c
 *		Text of the server encoding as UTF-8.
 *
 * The conversion function is looked up once per process: a backend's database
 * never changes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "compat/values.h"
#include "plugin/encoding.h"

/* fn_oid stays invalid where there is no conversion to UTF-8. */
static FmgrInfo converter;
static bool converter_looked_up = false;

/*
 * Needs the catalogs, and so a transaction, which a logical message that is
 * not part of one arrives without.
 */
static void
look_up_converter(void)
{
	bool own_transaction = !IsTransactionState();
	MemoryContext caller = CurrentMemoryContext;
	Oid function;

	if (own_transaction)
		StartTransactionCommand();
	function = FindDefaultConversionProc(GetDatabaseEncoding(), PG_UTF8);
	if (OidIsValid(function))
		fmgr_info_cxt(function, &converter, TopMemoryContext);
	if (own_transaction)
		CommitTransactionCommand();
	MemoryContextSwitchTo(caller);
	converter_looked_up = true;
}

static bool
is_ascii(const char *text, Size len)
{
	const char *end = text + len;
	uint64 chunk;

	for (; end - text >= (ptrdiff_t) sizeof(chunk); text += sizeof(chunk))
	{
		memcpy(&chunk, text, sizeof(chunk));
		if (chunk & UINT64CONST(0x8080808080808080))
			return false;
	}
	for (; text < end; text++)
		if (IS_HIGHBIT_SET(*text))
			return false;
	return true;
}

static const char *
convert(const char *text, Size *len)
{
	char *result;

	if (!converter_looked_up)
		look_up_converter();
	if (!OidIsValid(converter.fn_oid))
		return NULL;
	result = MemoryContextAllocHuge(CurrentMemoryContext,
									*len * MAX_CONVERSION_GROWTH + 1);
	if (!convert_to_utf8(&converter, text, *len, result))
	{
		pfree(result);
		return NULL;
	}
	*len = strlen(result);
	return result;
}

const char *
etf_to_utf8(const char *text, Size *len)
{
	if (etf_text_is_utf8() || is_ascii(text, *len))
		return text;
	return convert(text, len);
}
