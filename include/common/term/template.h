/*
 * template.h
 *		Elixir structs as prepared bytes.
 *
 * A struct is a map whose keys and most of whose values never change.  A file
 * that writes one declares it:
 *
 *		static EtfTemplate date = {
 *			.module = "Elixir.Date",
 *			.fields = {{"calendar", FILL_ATOM, "Elixir.Calendar.ISO"},
 *					   {"year", FILL_INT, NULL},
 *					   {"month", FILL_BYTE, NULL},
 *					   {"day", FILL_BYTE, NULL}}};
 *
 * and each value is a copy of the bytes, with its numbers written into the
 * holes, which are counted from 0 in the order of the fields:
 *
 *		char *p = etf_put_template(out, &date);
 *
 *		template_int(p, &date, 0, year);
 *		template_byte(p, &date, 1, month);
 *
 * Fields of any other kind are FILL_TERM: etf_put_template stops after the
 * key of the first one, for the caller to write its term, and
 * etf_put_template_rest goes on to the next one.  All holes must stand before
 * the first FILL_TERM.
 *
 * The bytes are made at first use and kept for the life of the process.
 */
#ifndef ETF_TEMPLATE_H
#define ETF_TEMPLATE_H

#include "common/term/write.h"

#define TEMPLATE_FIELDS 13
#define TEMPLATE_HOLES 8
#define TEMPLATE_TERMS 4
#define TEMPLATE_BYTES 320

typedef enum TemplateFill
{
	FILL_END,	 /* no more fields */
	FILL_ATOM,	 /* "value" */
	FILL_BINARY, /* "value" */
	FILL_ZERO,	 /* the integer 0 */
	FILL_BYTE,	 /* a hole for 0 to 255 */
	FILL_INT,	 /* a hole for 32 bits */
	FILL_USEC,	 /* {Microseconds, Precision}: a hole for each */
	FILL_TERM	 /* any term */
} TemplateFill;

typedef struct TemplateField
{
	const char *key;
	TemplateFill fill;
	const char *value;
} TemplateField;

typedef struct EtfTemplate
{
	const char *module;
	TemplateField fields[TEMPLATE_FIELDS];
	bool built; /* at first use; the rest then as well */
	int nholes;
	int16_t hole[TEMPLATE_HOLES]; /* offsets */
	int nends;
	int16_t end[TEMPLATE_TERMS + 1]; /* where to stop for each term; the end */
	char bytes[TEMPLATE_BYTES];
} EtfTemplate;

extern void etf_template_build(EtfTemplate *template);

/* Returns where it begins in the buffer: good until anything is written. */
static inline char *
etf_put_template(TermOut *out, EtfTemplate *template)
{
	size_t size;
	char *p;

	if (term_unlikely(!template->built))
		etf_template_build(template);
	size = (size_t) template->end[0];
	p = out_reserve(out, size);
	memcpy(p, template->bytes, size);
	out->len += size;
	return p;
}

/* What stands between the term number "n" (from 0) and the next one. */
static inline void
etf_put_template_rest(TermOut *out, const EtfTemplate *template, int n)
{
	etf_put_small(out, template->bytes + template->end[n],
				  (size_t) (template->end[n + 1] - template->end[n]));
}

static inline void
template_byte(char *p, const EtfTemplate *template, int hole, int value)
{
	p[template->hole[hole]] = (char) value;
}

static inline void
template_int(char *p, const EtfTemplate *template, int hole, int32_t value)
{
	store_uint32(p + template->hole[hole], (uint32_t) value);
}

#endif
