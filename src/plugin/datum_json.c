/*
 * datum_json.c
 *		json and jsonb as terms: maps with binary keys, lists, binaries, numbers.
 *
 * The text of json is parsed by the ring.  The server's own parser is not
 * used: it rejects \u0000 and surrogates that the type allows, works in the
 * server encoding, and has another interface in each release.
 *
 * The binary form of jsonb is walked where it lies, without the server's iterator,
 * which allocates for each container.  An explicit stack, because only memory
 * bounds the depth.  Each container says its size in front, as the external
 * format wants it.
 *
 * datum_number.c reads the numbers.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "common/term/unique_keys.h"
#include "common/value/json.h"
#include "compat/values.h"
#include "plugin/datum.h"
#include "plugin/encoding.h"

/* Deeper values are rare and take their stack from the heap. */
#define WALK_LOCAL_LEVELS 16

/* In fewer bytes there is no room for 1 GB of digits. */
#define TEXT_SURELY_FITS 65536

typedef struct WalkLevel
{
	const JsonbContainer *container;
	const char *data;	 /* the children's bytes */
	uint32 next;		 /* the child that comes next, or the pair */
	uint32 count;		 /* elements or pairs */
	uint32 offset;		 /* in data, of the next element or key */
	uint32 value_offset; /* in data, of the next pair's value */
	size_t start;		 /* where its term begins in the buffer */
	size_t first_pair;	 /* its part of Walk's keys begins here */
} WalkLevel;

typedef struct Walk
{
	TermOut *out;
	WalkLevel *levels;
	int depth;
	int allocated;
	bool keys_repeat; /* keys may become equal in UTF-8 */
	UniqueKeys keys;  /* of all levels, where keys_repeat */
	WalkLevel local[WALK_LOCAL_LEVELS];
} Walk;

static void walk_container(TermOut *out, const JsonbContainer *root);
static void walk_into(Walk *walk, const JsonbContainer *container);
static void walk_out(Walk *walk);
static const JsonbContainer *put_next(Walk *walk, WalkLevel *level);
static void put_pair_key(Walk *walk, const char *key, uint32 len);
static const JsonbContainer *put_child(TermOut *out, JEntry entry,
									   const char *data, uint32 offset);
static uint32 entry_end(JEntry entry, uint32 offset);
static void put_jsonb_text(TermOut *out, Jsonb *jsonb);
static Size text_size(Jsonb *jsonb);

void
encode_json(TermOut *out, const EtfType *type, Datum value)
{
	text *json = DatumGetTextPP(value);
	const char *raw = VARDATA_ANY(json);
	Size raw_len = VARSIZE_ANY_EXHDR(json);
	Size len = raw_len;
	const char *utf8;

	if (out->forms->json == JSON_TEXT ||
		(utf8 = etf_to_utf8(raw, &len)) == NULL)
	{
		etf_put_text(out, raw, raw_len);
		return;
	}
	etf_put_json(out, utf8, len);
	if (utf8 != raw)
		pfree((char *) utf8);
}

void
encode_jsonb(TermOut *out, const EtfType *type, Datum value)
{
	Jsonb *jsonb = DatumGetJsonbP(value);
	const JsonbContainer *root = &jsonb->root;

	if (out->forms->json == JSON_TEXT)
		put_jsonb_text(out, jsonb);
	else if (JsonContainerIsScalar(root))
		put_child(out, root->children[0], (const char *) &root->children[1], 0);
	else
		walk_container(out, root);
}

static void
walk_container(TermOut *out, const JsonbContainer *root)
{
	Walk walk;

	walk.out = out;
	walk.levels = walk.local;
	walk.depth = 0;
	walk.allocated = WALK_LOCAL_LEVELS;
	walk.keys_repeat = etf_keys_may_repeat();
	memset(&walk.keys, 0, sizeof(walk.keys));

	walk_into(&walk, root);
	while (walk.depth > 0 && !out->overflow)
	{
		WalkLevel *level = &walk.levels[walk.depth - 1];

		CHECK_FOR_INTERRUPTS();
		if (level->next < level->count)
		{
			const JsonbContainer *inner = put_next(&walk, level);

			if (inner != NULL)
				walk_into(&walk, inner);
		}
		else
			walk_out(&walk);
	}
	out_scratch_free(out, walk.keys.pairs);
	if (walk.levels != walk.local)
		pfree(walk.levels);
}

/* Write a container's header and make its children the next to be written. */
static void
walk_into(Walk *walk, const JsonbContainer *container)
{
	bool object = JsonContainerIsObject(container);
	uint32 count = JsonContainerSize(container);
	uint32 children = object ? count * 2 : count;
	WalkLevel *level;

	if (walk->depth == walk->allocated)
	{
		Size size = walk->allocated * sizeof(WalkLevel);
		WalkLevel *levels = palloc_extended(size * 2, MCXT_ALLOC_HUGE);

		memcpy(levels, walk->levels, size);
		if (walk->levels != walk->local)
			pfree(walk->levels);
		walk->levels = levels;
		walk->allocated *= 2;
	}

	level = &walk->levels[walk->depth++];
	level->container = container;
	level->data = (const char *) &container->children[children];
	level->next = 0;
	level->count = count;
	level->offset = 0;
	level->value_offset = object ? getJsonbOffset(container, count) : 0;
	level->start = walk->out->len;
	level->first_pair = walk->keys.count;
	if (object)
		etf_put_map(walk->out, count);
	else
		etf_put_list(walk->out, count);
}

static void
walk_out(Walk *walk)
{
	WalkLevel *level = &walk->levels[--walk->depth];

	if (JsonContainerIsArray(level->container))
		etf_put_list_end(walk->out);
	else if (walk->keys_repeat)
		unique_keys_close(&walk->keys, walk->out, level->start,
						  level->first_pair);
}

/* Write one element or pair, up to the inner container that is its value. */
static const JsonbContainer *
put_next(Walk *walk, WalkLevel *level)
{
	const JsonbContainer *container = level->container;
	JEntry entry = container->children[level->next];
	uint32 offset = level->offset;

	level->offset = entry_end(entry, offset);
	if (JsonContainerIsObject(container))
	{
		put_pair_key(walk, level->data + offset, level->offset - offset);
		entry = container->children[level->count + level->next];
		offset = level->value_offset;
		level->value_offset = entry_end(entry, offset);
	}
	level->next++;
	return put_child(walk->out, entry, level->data, offset);
}

static void
put_pair_key(Walk *walk, const char *key, uint32 len)
{
	size_t start = walk->out->len;

	etf_put_text(walk->out, key, len);
	if (walk->keys_repeat)
		unique_keys_add(&walk->keys, walk->out, start);
}

/* Write a scalar; for a container only report its place. */
static const JsonbContainer *
put_child(TermOut *out, JEntry entry, const char *data, uint32 offset)
{
	switch (entry & JENTRY_TYPEMASK)
	{
		case JENTRY_ISSTRING:
			etf_put_text(out, data + offset, entry_end(entry, offset) - offset);
			return NULL;
		case JENTRY_ISNUMERIC:
			etf_put_json_numeric(out, PointerGetDatum(data + INTALIGN(offset)));
			return NULL;
		case JENTRY_ISCONTAINER:
			return (const JsonbContainer *) (data + INTALIGN(offset));
		case JENTRY_ISBOOL_TRUE:
			etf_put_atom(out, "true");
			return NULL;
		case JENTRY_ISBOOL_FALSE:
			etf_put_atom(out, "false");
			return NULL;
		default:
			etf_put_null(out);
			return NULL;
	}
}

/* Most entries hold a length, every 32nd where it ends. */
static uint32
entry_end(JEntry entry, uint32 offset)
{
	JBE_ADVANCE_OFFSET(offset, entry);
	return offset;
}

static void
put_jsonb_text(TermOut *out, Jsonb *jsonb)
{
	StringInfoData text;

	if (VARSIZE(jsonb) > TEXT_SURELY_FITS && text_size(jsonb) >= MaxAllocSize)
	{
		out_overflow(out);
		return;
	}
	initStringInfo(&text);
	JsonbToCString(&text, &jsonb->root, VARSIZE(jsonb));
	etf_put_text(out, text.data, text.len);
	pfree(text.data);
}

/* At most: a few bytes of a numeric can be 147,000 characters. */
static Size
text_size(Jsonb *jsonb)
{
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue value;
	Size size = 0;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		size += 8; /* a word, or quotes, and what stands between */
		if (token != WJB_KEY && token != WJB_VALUE && token != WJB_ELEM)
			continue;
		if (value.type == jbvString)
			size += (Size) value.val.string.len * 6; /* as \u0001 */
		else if (value.type == jbvNumeric)
			size += etf_numeric_text_size(NumericGetDatum(value.val.numeric));
	}
	return size;
}
