/*
 * test_term_libei.c
 *		The term reader agrees with libei over random terms.
 */
#include "check.h"
#include "common/term/read.h"
#include "random_term.h"

#define DEPTH 6

static void
agree_on_integer(const Term *term, const char *bytes, int index)
{
	unsigned long long magnitude;
	long long value;

	if (term->kind == TERM_INTEGER)
		CHECK(ei_decode_longlong(bytes, &index, &value) == 0 &&
			  value == term->integer);
	else if (!term->negative && term->len <= 8)
		CHECK(ei_decode_ulonglong(bytes, &index, &magnitude) == 0 &&
			  magnitude == term_magnitude(term));
	else
		CHECK(ei_decode_longlong(bytes, &index, &value) != 0);
}

static void
agree_on_atom(const Term *term, const char *bytes, int index)
{
	char name[MAXATOMLEN_UTF8];
	erlang_char_encoding was;
	erlang_char_encoding result;

	CHECK(ei_decode_atom_as(bytes, &index, name, sizeof(name),
							term->name.latin1 ? ERLANG_LATIN1 : ERLANG_UTF8,
							&was, &result) == 0);
	CHECK(strlen(name) == term->name.len &&
		  memcmp(name, term->name.bytes, term->name.len) == 0);
}

static void
agree_on_binary(const Term *term, const char *bytes, int index)
{
	const char *bits;
	unsigned int offset;
	size_t nbits;

	CHECK(ei_decode_bitstring(bytes, &index, &bits, &offset, &nbits) == 0);
	CHECK((const uint8_t *) bits == term->bytes && offset == 0);
	if (term->kind == TERM_BINARY)
		CHECK(nbits == (size_t) term->len * 8);
	else
		CHECK(nbits == (size_t) (term->len - 1) * 8 + term->bits);
}

static void
agree_on_container(const Term *term, const char *bytes, int index)
{
	int count = -1;
	int error;

	if (term->kind == TERM_TUPLE)
		error = ei_decode_tuple_header(bytes, &index, &count);
	else if (term->kind == TERM_MAP)
		error = ei_decode_map_header(bytes, &index, &count);
	else
		error = ei_decode_list_header(bytes, &index, &count);
	CHECK_THAT(error == 0 && count == (int) term->count, "%d, %d", error,
			   count);
}

static void
agree_on_identifier(const Term *term, const char *bytes, int index)
{
	erlang_pid pid;
	erlang_port port;
	erlang_ref ref;

	switch (term->kind)
	{
		case TERM_PID:
			CHECK(ei_decode_pid(bytes, &index, &pid) == 0 &&
				  pid.num == term->id && pid.serial == term->serial &&
				  pid.creation == term->creation);
			break;
		case TERM_PORT:
			CHECK(ei_decode_port(bytes, &index, &port) == 0 &&
				  port.id == term->id && port.creation == term->creation);
			break;
		case TERM_REFERENCE:
			CHECK(ei_decode_ref(bytes, &index, &ref) == 0 &&
				  (uint32_t) ref.len * 4 == term->len &&
				  ref.creation == term->creation);
			break;
		default:
			CHECK(term->kind == TERM_EXPORT && term->integer == 2);
	}
}

static void
agree_on_token(const Term *term, const char *bytes)
{
	int index = (int) term->offset;
	double real;

	switch (term->kind)
	{
		case TERM_INTEGER:
		case TERM_BIG:
			agree_on_integer(term, bytes, index);
			break;
		case TERM_FLOAT:
			CHECK(ei_decode_double(bytes, &index, &real) == 0 &&
				  memcmp(&real, &term->real, sizeof(real)) == 0);
			break;
		case TERM_ATOM:
			agree_on_atom(term, bytes, index);
			break;
		case TERM_BINARY:
		case TERM_BITS:
			agree_on_binary(term, bytes, index);
			break;
		case TERM_NIL:
		case TERM_STRING:
			CHECK(bytes[index] == 'j' || bytes[index] == 'k');
			break;
		case TERM_TUPLE:
		case TERM_LIST:
		case TERM_MAP:
			agree_on_container(term, bytes, index);
			break;
		default:
			agree_on_identifier(term, bytes, index);
	}
}

static void
tokens_are_those_of_libei(const ei_x_buff *x)
{
	TermReader reader;
	uint64_t pending = 1;
	Term term;

	term_read_init(&reader, x->buff, (size_t) x->index);
	CHECK(term_read_version(&reader));
	for (; pending > 0 && term_next(&reader, &term); pending--)
	{
		agree_on_token(&term, x->buff);
		pending += term_children(&term);
	}
	CHECK_THAT(pending == 0 && term_at_end(&reader), "%s at %zu", reader.error,
			   reader.error_offset);
}

static void
skipping_ends_where_libei_ends(const ei_x_buff *x)
{
	TermReader reader;
	int index = 1;

	CHECK(ei_skip_term(x->buff, &index) == 0);
	term_read_init(&reader, x->buff, (size_t) x->index);
	CHECK(term_read_version(&reader) && term_skip(&reader));
	CHECK(term_offset(&reader) == (size_t) index);
}

int
main(void)
{
	ei_init();
	for (int i = 0; i < 700; i++)
	{
		ei_x_buff x;

		ei_x_new_with_version(&x);
		random_term(&x, 1 + i % DEPTH);
		tokens_are_those_of_libei(&x);
		skipping_ends_where_libei_ends(&x);
		ei_x_free(&x);
	}
	return check_done();
}
