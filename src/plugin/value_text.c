/*
 * value_text.c
 *		Text, names, raw bytes, money, and types that only have a text form.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "compat.h"
#include "plugin/encoders.h"

/* text, varchar, bpchar, xml, refcursor, citext: all stored alike. */
void
encode_text(EtfOut *out, const EtfType *type, Datum value)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

	etf_put_text(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

void
encode_bytea(EtfOut *out, const EtfType *type, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	etf_put_binary(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

/* "char" is one byte, in no particular encoding. */
void
encode_char(EtfOut *out, const EtfType *type, Datum value)
{
	char byte = DatumGetChar(value);

	etf_put_binary(out, &byte, 1);
}

void
encode_name(EtfOut *out, const EtfType *type, Datum value)
{
	const char *name = NameStr(*DatumGetName(value));

	etf_put_text(out, name, strlen(name));
}

/*
 * As a plain decimal number with two digits after the point, whatever
 * lc_monetary says: the stored value does not tell its currency either.
 */
void
encode_money(EtfOut *out, const EtfType *type, Datum value)
{
	Cash cents = DatumGetCash(value);
	uint64 magnitude = cents < 0 ? -(uint64) cents : (uint64) cents;
	char text[32];
	int len = snprintf(text, sizeof(text), "%s" UINT64_FORMAT ".%02d",
					   cents < 0 ? "-" : "", magnitude / 100,
					   (int) (magnitude % 100));

	etf_put_binary(out, text, len);
}

/* What output functions look at, and what it has to be for ours. */
typedef struct PinnedSetting
{
	const char *name;
	const char *value;
} PinnedSetting;

static const PinnedSetting pinned_settings[] = {
	{"bytea_output", "hex"},	 {"DateStyle", "ISO, YMD"},
	{"extra_float_digits", "1"}, {"IntervalStyle", "postgres"},
	{"lc_monetary", "C"},		 {"TimeZone", "UTC"},
	{"xmlbinary", "base64"},
};

static void
pin_settings(void)
{
	for (int i = 0; i < (int) lengthof(pinned_settings); i++)
		(void) set_config_option(
			pinned_settings[i].name, pinned_settings[i].value, PGC_USERSET,
			PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * The text of a value may be several times as long as the value; where it
 * could pass what one palloc allows, the output function would raise an
 * ERROR.
 */
static bool
text_could_be_too_long(const EtfType *type, Datum value)
{
	return type->typlen == -1 && toast_raw_datum_size(value) > MaxAllocSize / 4;
}

/*
 * Types unknown to us, so that there is no binary form that we could read.
 * The settings are put back by AtEOXact_GUC, after an ERROR by the
 * transaction's own end.
 */
void
encode_by_output(EtfOut *out, const EtfType *type, Datum value)
{
	int nest_level;
	char *text;

	if (text_could_be_too_long(type, value))
	{
		out_overflow(out);
		etf_put_null(out);
		return;
	}
	nest_level = NewGUCNestLevel();
	pin_settings();
	text = OutputFunctionCall(unconstify(FmgrInfo *, &type->output), value);
	AtEOXact_GUC(true, nest_level);
	etf_put_text(out, text, strlen(text));
	pfree(text);
}
