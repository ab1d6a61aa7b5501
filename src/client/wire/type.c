/*
 * type.c
 *		What can be read of a type, from where.
 */
#include "client/wire/wire.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a walk looks at before it takes the rest for granted. */
#define MAX_STEPS 100000

static const struct
{
	uint32_t oid;
	WireForm form;
} built_in[] = {
	{194, WIRE_FORM_TEXT},									/* pg_node_tree */
	{4072, WIRE_FORM_VERSION},								/* jsonpath */
	{3615, WIRE_FORM_TSQUERY},	{2970, WIRE_FORM_SNAPSHOT}, /* txid_snapshot */
	{5038, WIRE_FORM_SNAPSHOT},								/* pg_snapshot */
};

static const struct
{
	const char *extension;
	const char *type;
	WireForm form;
} of_extensions[] = {
	{"ltree", "ltree", WIRE_FORM_VERSION},
	{"ltree", "lquery", WIRE_FORM_VERSION},
	{"ltree", "ltxtquery", WIRE_FORM_VERSION},
	{"postgis", "geometry", WIRE_FORM_HEX},
	{"postgis", "geography", WIRE_FORM_HEX},
};

static WireForm
form_of(const WireType *type, const char *extension)
{
	for (size_t i = 0; i < COUNT(built_in); i++)
		if (built_in[i].oid == type->base)
			return built_in[i].form;
	for (size_t i = 0; extension != NULL && i < COUNT(of_extensions); i++)
		if (strcmp(of_extensions[i].extension, extension) == 0 &&
			strcmp(of_extensions[i].type, type->name) == 0)
			return of_extensions[i].form;
	return WIRE_FORM_UNKNOWN;
}

void
wire_set_base(WireType *type, const char *extension)
{
	type->kind = kind_of_type(type->base);
	if (type->kind == KIND_OTHER && extension != NULL)
		type->kind = kind_of_extension_type(extension, type->name);
	type->form = form_of(type, extension);
}

typedef struct Walk
{
	const WireType *culprit;
	int steps;
} Walk;

static bool
is_read(const WireType *type)
{
	if (type->kind == KIND_RECORD)
		return false;
	return type->kind != KIND_OTHER || type->form != WIRE_FORM_UNKNOWN;
}

static void
walk(Walk *state, const WireType *type, int depth)
{
	if (type == NULL || state->culprit != NULL || depth > WIRE_MAX_LEVELS ||
		++state->steps > MAX_STEPS)
		return;
	if (type->kind != KIND_NONE && (!type->sends || !is_read(type)))
		state->culprit = type;
	walk(state, type->element, depth + 1);
	for (int i = 0; i < type->nfields; i++)
		walk(state, type->fields[i].type, depth + 1);
}

bool
wire_fits_binary(const WireType *column, const WireType **culprit)
{
	Walk state = {NULL, 0};

	if (column->sends)
		walk(&state, column, 0);
	*culprit = state.culprit;
	return state.culprit == NULL;
}
