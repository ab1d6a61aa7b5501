/*
 * etf_keys.c
 *		No map in a term has a key twice.
 *
 * A BEAM refuses the whole of such a term, and a node closes its connection.
 * Keys are the same if they are so in one form of each token: other software
 * than a BEAM writes integers, atoms and strings in more than one.
 *
 * The containers that are open are on a stack of our own, as terms may be deep.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "beam/decoders.h"
#include "beam/etf_type.h"
#include "beam/fail.h"

typedef struct Key
{
	size_t start;
	size_t len;
	int form; /* where its form is */
	int form_len;
} Key;

typedef struct Open
{
	uint64 left; /* terms that are to come; of a map, even: a key is next */
	bool is_map;
	int first_key;	  /* of its keys */
	size_t key_start; /* of the present one */
} Open;

typedef struct KeyCheck
{
	TermReader reader;
	Open *open;
	int depth;
	int max_depth;
	Key *keys;
	int nkeys;
	int max_keys;
} KeyCheck;

static void
put(StringInfo form, char kind, const void *bytes, size_t len)
{
	uint32 len32 = (uint32) len;

	appendStringInfoChar(form, kind);
	appendBinaryStringInfo(form, (char *) &len32, sizeof(len32));
	if (len > 0)
		appendBinaryStringInfo(form, bytes, (int) len);
}

static void
put_integer(StringInfo form, int64 integer)
{
	put(form, 'i', &integer, sizeof(integer));
}

/* As the list that it is. */
static void
put_string(StringInfo form, const Term *term)
{
	put(form, 'l', &term->len, sizeof(term->len));
	for (uint32 i = 0; i < term->len; i++)
		put_integer(form, term->bytes[i]);
	put(form, 'n', NULL, 0);
}

/* Without what is behind the last bit. */
static void
put_bits(StringInfo form, const Term *term)
{
	put(form, 'z', term->bytes, term->len);
	appendStringInfoChar(form, (char) term->bits);
	form->data[form->len - 2] &= (char) (0xFF << (8 - term->bits));
}

static void
put_name(StringInfo form, TermName name)
{
	Term atom = {.kind = TERM_ATOM, .name = name};

	atom = decode_name_of(&atom);
	put(form, 'a', atom.bytes, atom.len);
}

/* A pid, port or reference: of which node, and which one. */
static void
put_identifier(StringInfo form, const Term *term)
{
	bool reference = term->kind == TERM_REFERENCE;

	put(form, 'o', &term->kind, sizeof(term->kind));
	put_name(form, term->name);
	put_integer(form, term->creation);
	put_integer(form, reference ? 0 : (int64) term->id);
	put_integer(form, term->kind == TERM_PID ? term->serial : 0);
	put(form, 'b', term->bytes, reference ? term->len : 0);
}

static void
put_export(StringInfo form, const Term *term)
{
	put_name(form, term->name);
	put_name(form, term->function);
	put(form, 'e', &term->integer, sizeof(term->integer));
}

static void
put_float(StringInfo form, double real)
{
	double value = real == 0 ? 0 : real; /* no -0.0 */

	put(form, 'f', &value, sizeof(value));
}

/* Of a container only the head; of a fun, too, which only its BEAM writes. */
static void
put_token(StringInfo form, const Term *term, const TermReader *reader)
{
	switch (term->kind)
	{
		case TERM_INTEGER:
			return put_integer(form, term->integer);
		case TERM_BIG:
			return put(form, term->negative ? '-' : '+', term->bytes,
					   term->len);
		case TERM_FLOAT:
			return put_float(form, term->real);
		case TERM_ATOM:
			return put_name(form, term->name);
		case TERM_BINARY:
			return put(form, 'b', term->bytes, term->len);
		case TERM_BITS:
			return put_bits(form, term);
		case TERM_STRING:
			return put_string(form, term);
		case TERM_NIL:
			return put(form, 'n', NULL, 0);
		case TERM_LIST:
			return put(form, 'l', &term->count, sizeof(term->count));
		case TERM_TUPLE:
			return put(form, 't', &term->count, sizeof(term->count));
		case TERM_MAP:
			return put(form, 'm', &term->count, sizeof(term->count));
		case TERM_PID:
		case TERM_PORT:
		case TERM_REFERENCE:
			return put_identifier(form, term);
		case TERM_EXPORT:
			return put_export(form, term);
		case TERM_FUN:
			return put(form, 'x', reader->token, reader->pos - reader->token);
	}
}

static void
put_form(StringInfo form, const uint8 *bytes, size_t len)
{
	TermReader reader;
	Term term;

	term_read_init(&reader, bytes, len);
	while (!term_at_end(&reader) && term_next(&reader, &term))
		put_token(form, &term, &reader);
}

static int
compare(const void *a, const void *b, void *arg)
{
	const Key *left = a;
	const Key *right = b;
	const char *forms = arg;

	if (left->form_len != right->form_len)
		return left->form_len < right->form_len ? -1 : 1;
	return memcmp(forms + left->form, forms + right->form, left->form_len);
}

static void
refuse(const KeyCheck *check, const Key *key)
{
	FailBytes shown = {check->reader.start + key->start, key->len};

	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid external term: a map has a key twice"),
					errdetail("It is %s.", fail_term(shown, false))));
}

/* Of one map, which is complete. */
static void
compare_keys(const KeyCheck *check, Key *keys, int count)
{
	StringInfoData forms;

	if (count < 2)
		return;
	initStringInfo(&forms);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		keys[i].form = forms.len;
		put_form(&forms, check->reader.start + keys[i].start, keys[i].len);
		keys[i].form_len = forms.len - keys[i].form;
	}
	qsort_arg(keys, count, sizeof(Key), compare, forms.data);
	for (int i = 1; i < count; i++)
		if (compare(&keys[i - 1], &keys[i], forms.data) == 0)
			refuse(check, &keys[i]);
	pfree(forms.data);
}

static void
add_key(KeyCheck *check, size_t start)
{
	if (check->nkeys == check->max_keys)
	{
		check->max_keys *= 2;
		check->keys = repalloc_huge(check->keys, check->max_keys * sizeof(Key));
	}
	check->keys[check->nkeys++] =
		(Key){.start = start, .len = term_offset(&check->reader) - start};
}

static void
open_container(KeyCheck *check, const Term *term)
{
	if (check->depth == check->max_depth)
	{
		check->max_depth *= 2;
		check->open =
			repalloc_huge(check->open, check->max_depth * sizeof(Open));
	}
	check->open[check->depth++] = (Open){.left = term_children(term),
										 .is_map = term->kind == TERM_MAP,
										 .first_key = check->nkeys};
}

/* A term has ended, perhaps a key, and with it perhaps those around it. */
static void
end_term(KeyCheck *check)
{
	while (check->depth > 0)
	{
		Open *open = &check->open[check->depth - 1];

		if (open->is_map && open->left % 2 == 1)
			add_key(check, open->key_start);
		if (open->left > 0)
			return;
		if (open->is_map)
			compare_keys(check, check->keys + open->first_key,
						 check->nkeys - open->first_key);
		check->nkeys = open->first_key;
		check->depth--;
	}
}

static bool
begin_term(KeyCheck *check, Term *term)
{
	Open *open = check->depth > 0 ? &check->open[check->depth - 1] : NULL;

	if (open != NULL)
	{
		if (open->left % 2 == 0)
			open->key_start = term_offset(&check->reader);
		open->left--;
	}
	return term_next(&check->reader, term);
}

void
etf_check_keys(const TermReader *reader)
{
	KeyCheck check = {.reader = *reader, .max_depth = 8, .max_keys = 32};
	Term term;

	check.open = palloc(check.max_depth * sizeof(Open));
	check.keys = palloc(check.max_keys * sizeof(Key));
	do
	{
		if (!begin_term(&check, &term))
			break;
		if (term_children(&term) > 0)
			open_container(&check, &term);
		else
			end_term(&check);
	} while (check.depth > 0);
	pfree(check.open);
	pfree(check.keys);
}
