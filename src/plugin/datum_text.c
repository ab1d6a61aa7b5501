/*
 * datum_text.c
 *		Text, names, raw bytes, and types that only have a text form.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xml.h"

#include "compat/values.h"
#include "plugin/datum.h"

/* text, varchar, bpchar, xml, refcursor, citext: all stored alike. */
void
encode_text(TermOut *out, const EtfType *type, Datum value)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

	etf_put_text(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

void
encode_bytea(TermOut *out, const EtfType *type, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	etf_put_binary(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

/* "char" is one byte, in no particular encoding. */
void
encode_char(TermOut *out, const EtfType *type, Datum value)
{
	char byte = DatumGetChar(value);

	etf_put_binary(out, &byte, 1);
}

void
encode_name(TermOut *out, const EtfType *type, Datum value)
{
	const char *name = NameStr(*DatumGetName(value));

	etf_put_text(out, name, strlen(name));
}

/* What output functions look at. */
typedef struct Settings
{
	int date_style;
	int interval_style;
	int extra_float_digits;
	int bytea_output;
	int xmlbinary;
	pg_tz *timezone;
} Settings;

static Settings
get_settings(void)
{
	Settings settings = {DateStyle,	   IntervalStyle, extra_float_digits,
						 bytea_output, xmlbinary,	  session_timezone};

	return settings;
}

static void
set_settings(const Settings *settings)
{
	DateStyle = settings->date_style;
	IntervalStyle = settings->interval_style;
	extra_float_digits = settings->extra_float_digits;
	bytea_output = settings->bytea_output;
	xmlbinary = settings->xmlbinary;
	session_timezone = settings->timezone;
}

/*
 * The variables are set, not the parameters: that takes no time, and no
 * parameter status goes to the client.
 *
 * NULL where the function met a limit of the server, such as 1 GB for one
 * string: a jsonpath of a few kB can be that long.  In decoding the ERROR can
 * end here, because the transaction around a change is always rolled back:
 * whatever the function held is released then.  Elsewhere decoding continues.
 */
char *
etf_output_text(const FmgrInfo *output, Datum value)
{
	MemoryContext context = CurrentMemoryContext;
	const Settings saved = get_settings();
	const Settings ours = {
		USE_ISO_DATES,	  INTSTYLE_POSTGRES, 1,
		BYTEA_OUTPUT_HEX, XMLBINARY_BASE64,	 pg_tzset("GMT")};
	char *volatile text = NULL;

	set_settings(&ours);
	PG_TRY();
	{
		text = OutputFunctionCall(unconstify(FmgrInfo *, output), value);
	}
	PG_CATCH();
	{
		set_settings(&saved);
		if (!HistoricSnapshotActive() ||
			ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	set_settings(&saved);
	return text;
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

/* Types unknown to us, so that there is no binary form that we could read. */
void
encode_by_output(TermOut *out, const EtfType *type, Datum value)
{
	char *text = text_could_be_too_long(type, value)
					 ? NULL
					 : etf_output_text(type->output, value);

	if (text == NULL)
	{
		out_overflow(out);
		etf_put_null(out);
		return;
	}
	etf_put_text(out, text, strlen(text));
	pfree(text);
}
