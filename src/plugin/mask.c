/*
 * mask.c
 *		What is sent of a column that is masked.
 *
 * An EtfType whose encoder writes what the mask leaves of a value; row.c calls
 * it as any other, for new rows, old rows and keys.  NULL stays NULL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"

#include "compat/backend.h"
#include "compat/values.h"
#include "plugin/columns.h"
#include "plugin/datum.h"

/* Digits of a hash; half of SHA-256 is enough to be distinct. */
#define HASH_DIGITS 32

struct EtfMask
{
	Mask mask;
	FmgrInfo output; /* of MASK_HASH: the type's */
	char *text;		 /* of MASK_FIXED */
};

static void
encode_hash(TermOut *out, const EtfType *type, Datum value)
{
	static const char digits[] = "0123456789abcdef";
	const char *key = etf_mask_key();
	char *text = etf_output_text(&type->mask->output, value);
	uint8 hash[HMAC_SHA256_SIZE];
	char hex[HASH_DIGITS];

	if (text == NULL || key == NULL ||
		!hmac_sha256(key, text, strlen(text), hash))
	{
		etf_put_null(out);
		return;
	}
	for (int i = 0; i < HASH_DIGITS; i++)
		hex[i] = digits[(hash[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
	etf_put_binary(out, hex, HASH_DIGITS);
	pfree(text);
}

static void
put_stars(StringInfo buf, int count)
{
	while (count-- > 0)
		appendStringInfoChar(buf, '*');
}

/* A value that is not longer than what would be kept is hidden altogether. */
static void
encode_kept(TermOut *out, const EtfType *type, Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	const char *text = VARDATA_ANY(packed);
	int len = (int) VARSIZE_ANY_EXHDR(packed);
	int characters = pg_mbstrlen_with_len(text, len);
	int keep = type->mask->mask.length;
	int hidden = characters - abs(keep);
	int split = pg_mbcharcliplen(text, len, keep < 0 ? hidden : keep);
	StringInfoData buf;

	initStringInfo(&buf);
	if (hidden <= 0)
		put_stars(&buf, characters);
	else if (keep < 0)
	{
		put_stars(&buf, hidden);
		appendBinaryStringInfo(&buf, text + split, len - split);
	}
	else
	{
		appendBinaryStringInfo(&buf, text, split);
		put_stars(&buf, hidden);
	}
	etf_put_text(out, buf.data, buf.len);
	pfree(buf.data);
}

static void
encode_truncated(TermOut *out, const EtfType *type, Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	const char *text = VARDATA_ANY(packed);

	etf_put_text(out, text,
				 pg_mbcharcliplen(text, (int) VARSIZE_ANY_EXHDR(packed),
								  type->mask->mask.length));
}

static void
encode_fixed(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_text(out, type->mask->text, strlen(type->mask->text));
}

static void
encode_nothing(TermOut *out, const EtfType *type, Datum value)
{
	etf_put_null(out);
}

static const EtfEncode encoders[] = {[MASK_HASH] = encode_hash,
									 [MASK_KEEP] = encode_kept,
									 [MASK_TRUNC] = encode_truncated,
									 [MASK_FIXED] = encode_fixed,
									 [MASK_NULL] = encode_nothing};

static char *
unescape(PatternPart part)
{
	char *text = palloc(part.len + 1);
	char *end = text;

	for (size_t i = 0; i < part.len; i++)
	{
		if (part.text[i] == '\\' && i + 1 < part.len)
			i++;
		*end++ = part.text[i];
	}
	*end = '\0';
	return text;
}

static struct EtfMask *
make_mask(const EtfType *type, Oid typid, const Mask *mask)
{
	struct EtfMask *made = palloc0(sizeof(struct EtfMask));
	Oid output;
	bool varlena;

	made->mask = *mask;
	if ((mask->kind == MASK_KEEP || mask->kind == MASK_TRUNC) &&
		type->kind != KIND_TEXT)
		made->mask.kind = MASK_NULL;
	if (mask->kind == MASK_FIXED)
		made->text = unescape(mask->text);
	if (mask->kind == MASK_HASH)
	{
		getTypeOutputInfo(typid, &output, &varlena);
		fmgr_info(output, &made->output);
	}
	return made;
}

/* A value that is not looked at may as well be out of line. */
const EtfType *
etf_mask_type(const EtfType *type, Oid typid, const Mask *mask)
{
	EtfType *masked = palloc0(sizeof(EtfType));
	MaskKind kind;

	*masked = *type;
	masked->mask = make_mask(type, typid, mask);
	kind = masked->mask->mask.kind;
	masked->encode = encoders[kind];
	masked->masked = kind;
	if (kind == MASK_FIXED || kind == MASK_NULL)
		masked->typlen = 1;
	if (kind == MASK_FIXED || kind == MASK_HASH)
	{
		masked->kind = KIND_TEXT;
		masked->typid = TEXTOID;
		masked->typmod = -1;
		masked->element = NULL;
		masked->fields = NULL;
		masked->nfields = 0;
	}
	return masked;
}
