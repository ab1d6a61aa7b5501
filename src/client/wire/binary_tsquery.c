/*
 * binary_tsquery.c
 *		tsquery in binary, printed as the server does.
 *
 * Its items come in prefix order, the right operand before the left one.
 */
#include "client/wire/binary.h"

#define ITEM_VALUE 1
#define ITEM_OPERATOR 2

typedef enum Operator
{
	OPERATOR_NONE, /* a word */
	OPERATOR_NOT,
	OPERATOR_AND,
	OPERATOR_OR,
	OPERATOR_PHRASE
} Operator;

/* How closely it binds. */
static const int priorities[] = {5, 4, 2, 1, 3};

/* Where the server's own stack would not do, either. */
#define MAX_LEVELS 10000

/* A kind and one more byte. */
#define ITEM_SIZE 2

typedef struct Item
{
	Operator op;
	int distance; /* of a phrase */
	int weights;  /* of a word */
	bool prefix;
	const char *word;
	size_t len;
	uint32_t after; /* the item behind all that belongs to this one */
} Item;

typedef struct Query
{
	Item *items;
	uint32_t count;
	StrBuf text;
	int depth;
} Query;

static void
take_word(WireReader *in, Item *item)
{
	item->op = OPERATOR_NONE;
	item->weights = (int) binary_uint(in, 1);
	item->prefix = binary_uint(in, 1) != 0;
	item->word = binary_string(in, &item->len);
}

static void
take_op(WireReader *in, Item *item)
{
	uint64_t op = binary_uint(in, 1);

	if (op < OPERATOR_NOT || op > OPERATOR_PHRASE)
		wire_fail(in);
	item->op = (Operator) op;
	if (op == OPERATOR_PHRASE)
		item->distance = (int) binary_uint(in, 2);
}

static void
take_item(WireReader *in, Item *item)
{
	switch (binary_uint(in, 1))
	{
		case ITEM_VALUE:
			take_word(in, item);
			break;
		case ITEM_OPERATOR:
			take_op(in, item);
			break;
		default:
			wire_fail(in);
			break;
	}
}

/* Find where each item ends, the last one first; false: operands lack. */
static bool
link_items(Query *query)
{
	for (uint32_t i = query->count; i-- > 0;)
	{
		Item *item = &query->items[i];
		int operands = item->op == OPERATOR_NONE  ? 0
					   : item->op == OPERATOR_NOT ? 1
												  : 2;

		item->after = i + 1;
		for (; operands > 0; operands--)
		{
			if (item->after >= query->count)
				return false;
			item->after = query->items[item->after].after;
		}
	}
	return query->count == 0 || query->items[0].after == query->count;
}

static void print_item(Query *query, uint32_t i, int outer, bool right);

static void
print_word(Query *query, const Item *item)
{
	binary_quoted(&query->text, item->word, item->len);
	if (item->prefix || item->weights != 0)
		strbuf_puts(&query->text, ":");
	if (item->prefix)
		strbuf_puts(&query->text, "*");
	for (int i = 0; i < 4; i++)
		if (item->weights & (8 >> i))
			strbuf_put(&query->text, &"ABCD"[i], 1);
}

static void
print_op(Query *query, const Item *item)
{
	if (item->op == OPERATOR_AND)
		strbuf_puts(&query->text, " & ");
	else if (item->op == OPERATOR_OR)
		strbuf_puts(&query->text, " | ");
	else if (item->distance == 1)
		strbuf_puts(&query->text, " <-> ");
	else
		strbuf_putf(&query->text, " <%d> ", item->distance);
}

static void
print_operation(Query *query, uint32_t i)
{
	const Item *item = &query->items[i];
	int priority = priorities[item->op];

	if (item->op == OPERATOR_NOT)
	{
		strbuf_puts(&query->text, "!");
		print_item(query, i + 1, priority, false);
		return;
	}
	print_item(query, query->items[i + 1].after, priority, false);
	print_op(query, item);
	print_item(query, i + 1, priority, item->op == OPERATOR_PHRASE);
}

/* In parentheses within what binds more closely, and to the right of <->. */
static void
print_item(Query *query, uint32_t i, int outer, bool right)
{
	const Item *item = &query->items[i];
	bool inside =
		priorities[item->op] < outer || (item->op == OPERATOR_PHRASE && right);

	if (++query->depth > MAX_LEVELS)
		query->text.failed = true;
	if (query->text.failed)
		return;
	if (inside)
		strbuf_puts(&query->text, "( ");
	if (item->op == OPERATOR_NONE)
		print_word(query, item);
	else
		print_operation(query, i);
	if (inside)
		strbuf_puts(&query->text, " )");
	query->depth--;
}

void
binary_tsquery(WireReader *in)
{
	Query query = {.count = binary_count(in, ITEM_SIZE)};

	query.items =
		in->out->host->scratch(NULL, ((size_t) query.count + 1) * sizeof(Item));
	for (uint32_t i = 0; i < query.count && !wire_stopped(in); i++)
		take_item(in, &query.items[i]);
	if (wire_stopped(in) || !link_items(&query))
		wire_fail(in);
	else
	{
		if (query.count > 0)
			print_item(&query, 0, 0, false);
		wire_put_strbuf(in, &query.text);
	}
	out_scratch_free(in->out, query.items);
}
