/*
 * catalog.c
 *		What the server's catalogs say of types and tables.
 *
 * Asked by plan.c.  A type keeps its place in memory, so that other types and
 * plans point at it; what an answer changes, all of them see.
 */
#include "client/source/catalog.h"

#include <string.h>

#include "client/source/host.h"

typedef struct CatalogType
{
	WireType type;
	bool known;	   /* asked for, and told or gone */
	uint32_t part; /* of a domain its base, which is copied once all is told */
	bool is_domain;
	int32_t typmod; /* of a domain, by itself */
} CatalogType;

static void *
new_item(size_t size)
{
	return memset(source_scratch(NULL, size), 0, size);
}

static CatalogType *
get_type(Catalog *catalog, uint32_t oid)
{
	CatalogType *item = oidmap_get(&catalog->types, oid);

	if (item != NULL)
		return item;
	item = new_item(sizeof(CatalogType));
	item->type = (WireType){.oid = oid,
							.base = oid,
							.name = source_copy(""),
							.kind = KIND_OTHER,
							.typmod = -1,
							.delimiter = ',',
							.sends = true};
	oidmap_put(&catalog->types, oid, item, source_scratch);
	return item;
}

/* For a type to point at: it may be told later in the same answer. */
static const WireType *
reference(Catalog *catalog, uint32_t oid)
{
	const WireType *built_in = wire_builtin(oid);

	return built_in != NULL ? built_in : &get_type(catalog, oid)->type;
}

const WireType *
catalog_type(const Catalog *catalog, uint32_t oid)
{
	const WireType *built_in = wire_builtin(oid);
	const CatalogType *item;

	if (built_in != NULL)
		return built_in;
	item = oidmap_get(&catalog->types, oid);
	return item != NULL && item->known ? &item->type : NULL;
}

static void
set_name(WireType *type, const char *name)
{
	if (strcmp(type->name, name) == 0)
		return;
	free((char *) type->name);
	type->name = source_copy(name);
}

void
catalog_announce(Catalog *catalog, uint32_t oid, const char *name)
{
	CatalogType *item;

	if (wire_builtin(oid) != NULL)
		return;
	item = get_type(catalog, oid);
	if (!item->known)
		set_name(&item->type, name);
}

/* The rows of one composite follow each other. */
static int
count_fields(Answer answer)
{
	uint32_t oid = answer_oid(&answer, "oid");
	int first = answer.row;

	while (!answer_ends(&answer) && answer_is_type(&answer) &&
		   answer_oid(&answer, "oid") == oid &&
		   answer_text(&answer, "field") != NULL)
		answer.row++;
	return answer.row - first;
}

static void
free_fields(const WireField *fields, int nfields)
{
	for (int i = 0; i < nfields; i++)
		free((char *) fields[i].name.text);
	free((WireField *) fields);
}

static WireField *
read_fields(Catalog *catalog, Answer answer, int nfields)
{
	WireField *fields = new_item(sizeof(WireField) * (size_t) (nfields + 1));

	for (int i = 0; i < nfields; i++, answer.row++)
		fields[i] = (WireField){
			.name = {source_copy(answer_text(&answer, "field")), false},
			.number = answer_int(&answer, "attnum"),
			.type = reference(catalog, answer_oid(&answer, "field_type")),
			.typmod = answer_int(&answer, "field_typmod")};
	return fields;
}

static bool
same_shape(const WireType *type, const WireField *fields, int nfields)
{
	for (int i = 0; i < nfields && type->nfields == nfields; i++)
		if (type->fields[i].type != fields[i].type)
			return false;
	return type->nfields == nfields;
}

/*
 * What is older, rows may still have: as long as the shapes differ, both are
 * kept.
 */
static void
set_fields(CatalogType *item, const WireField *fields, int nfields)
{
	WireType *type = &item->type;
	WireType *older;

	if (same_shape(type, fields, nfields) || !item->known)
		free_fields(type->fields, type->nfields);
	else
	{
		older = source_scratch(NULL, sizeof(WireType));
		*older = *type;
		older->name = source_copy(type->name);
		type->older = older;
	}
	type->fields = fields;
	type->nfields = nfields;
}

static void
set_kind(Catalog *catalog, CatalogType *item, const Answer *answer)
{
	WireType *type = &item->type;
	int nfields;

	type->element = item->part != 0 ? reference(catalog, item->part) : NULL;
	switch (answer_char(answer, "kind"))
	{
		case 'a':
			type->kind = KIND_ARRAY;
			break;
		case 'e':
			type->kind = KIND_ENUM;
			type->element = NULL;
			break;
		case 'r':
			type->kind = KIND_RANGE;
			break;
		case 'm':
			type->kind = KIND_MULTIRANGE;
			break;
		case 'c':
			type->kind = KIND_COMPOSITE;
			nfields = count_fields(*answer);
			set_fields(item, read_fields(catalog, *answer, nfields), nfields);
			break;
		default: /* a domain gets its base's, see derive_domain() */
			type->element = NULL;
			wire_set_base(type, answer_text(answer, "extension"));
			break;
	}
}

/* Returns how many rows it took. */
static int
take_type(Catalog *catalog, const Answer *answer)
{
	uint32_t oid = answer_oid(answer, "oid");
	CatalogType *item;
	int fields;

	if (wire_builtin(oid) != NULL)
		return 1;
	item = get_type(catalog, oid);
	set_name(&item->type, answer_text(answer, "name"));
	item->is_domain = answer_char(answer, "kind") == 'd';
	item->part = answer_oid(answer, "part");
	item->typmod = answer_int(answer, "typmod");
	item->type.delimiter = answer_char(answer, "delimiter");
	item->type.sends = answer_char(answer, "sends") == 't';
	set_kind(catalog, item, answer);
	item->known = true;
	fields = item->type.kind == KIND_COMPOSITE ? count_fields(*answer) : 0;
	return fields > 1 ? fields : 1;
}

/* As its base but for what is its own; the innermost domain's typmod counts. */
static void
derive_domain(Catalog *catalog, CatalogType *item, int depth)
{
	CatalogType *base = oidmap_get(&catalog->types, item->part);
	WireType *type = &item->type;
	WireType own = *type;

	if (!item->is_domain || depth > WIRE_MAX_LEVELS)
		return;
	if (base != NULL)
		derive_domain(catalog, base, depth + 1);
	*type = *reference(catalog, item->part);
	type->oid = own.oid;
	type->name = own.name;
	type->delimiter = own.delimiter;
	type->sends = own.sends;
	if (type->base == item->part)
		type->typmod = item->typmod;
}

/* Columns may be of any of them; one is enough for a text session. */
static void
find_unfit(Catalog *catalog, Answer answer)
{
	const WireType *culprit;

	for (; !answer_ends(&answer); answer.row++)
	{
		uint32_t oid = answer_oid(&answer, "oid");

		if (answer_is_type(&answer) && catalog->unfit == NULL &&
			!wire_fits_binary(reference(catalog, oid), &culprit))
			catalog->unfit = culprit;
	}
}

/* Returns how many rows it took. */
static int
take_row(Catalog *catalog, const Answer *answer)
{
	if (answer_is_type(answer))
		return take_type(catalog, answer);
	if (answer_is_time(answer))
		catalog->asked_at = strtoll(answer_text(answer, "name"), NULL, 10);
	return 1;
}

void
catalog_take(Catalog *catalog, const PGresult *result)
{
	Answer answer = {result, 0};

	catalog->version++;
	while (!answer_ends(&answer))
		answer.row += take_row(catalog, &answer);
	for (uint32_t i = 0; i < catalog->types.size; i++)
		if (catalog->types.slots[i].item != NULL)
			derive_domain(catalog, catalog->types.slots[i].item, 0);
	answer.row = 0;
	table_facts_take(&catalog->tables, answer);
	find_unfit(catalog, answer);
}

void
catalog_asked(Catalog *catalog, uint32_t relid, const uint32_t *types,
			  size_t ntypes)
{
	table_facts_asked(&catalog->tables, relid);
	for (size_t i = 0; i < ntypes; i++)
		if (wire_builtin(types[i]) == NULL)
			get_type(catalog, types[i])->known = true;
}

/* A domain has all but its name from its base. */
static void
free_type(CatalogType *item)
{
	WireType *type = &item->type;

	free((char *) type->name);
	while (!item->is_domain && type != NULL)
	{
		WireType *older = (WireType *) type->older;

		free_fields(type->fields, type->nfields);
		if (type != &item->type)
		{
			free((char *) type->name);
			free(type);
		}
		type = older;
	}
	free(item);
}

void
catalog_free(Catalog *catalog)
{
	for (uint32_t i = 0; i < catalog->types.size; i++)
		if (catalog->types.slots[i].item != NULL)
			free_type(catalog->types.slots[i].item);
	free(catalog->types.slots);
	table_facts_free(&catalog->tables);
	*catalog = (Catalog){.version = 0};
}
