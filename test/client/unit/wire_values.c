/*
 * wire_values.c
 *		Do the readers of the wire make the terms that the plugin makes?
 *
 *		wire_values OPTIONS... <LINES
 *
 * Each OPTIONS is a list like dialect=erlang,numeric=text.  The lines, whose
 * parts stand between tabs:
 *
 *		type OID BASE NAME KIND ELEMENT TYPMOD DELIMITER SENDS EXTENSION
 *			FIELDS...		a field: NAME OID TYPMOD; types of parts come first
 *		value OID TYPMOD FORMAT BYTES TERM...
 *			a term for each OPTIONS; BYTES and TERM are hexadecimal
 *		builtins			print what is known of them
 *
 * KIND is pg_type.typtype, or "a" for an array.  Prints what differs, then how
 * many values were compared.
 */
#include "check.h"
#include "client/wire/wire.h"
#include "common/option/options.h"
#include "common/option/table.h"
#include "host.h"

#define MAX_FORMS 16
#define MAX_TYPES 20000
#define MAX_PARTS 2000

static Forms forms[MAX_FORMS];
static char *lists[MAX_FORMS]; /* their texts stay where they are */
static int nforms;
static WireType *types[MAX_TYPES];
static int ntypes;
static char *parts[MAX_PARTS];
static int nparts;
static TermOut out = {.host = &test_host};
static long differing;

static char *
copy_text(const char *text)
{
	return strcpy(exact_copy(text, strlen(text) + 1), text);
}

/* "a=1,b=2" */
static void
add_forms(const char *list)
{
	EtfOptions options;

	lists[nforms] = copy_text(list);
	options_init(&options);
	for (char *name = strtok(lists[nforms], ","); name;
		 name = strtok(NULL, ","))
	{
		char *value = strchr(name, '=');
		int option;

		*value++ = '\0';
		option = etf_option_find(name);
		if (option < 0 || !options_set(&options, etf_option(option), value))
			abort();
	}
	forms_resolve(&options.forms);
	forms[nforms++] = options.forms;
}

static const WireType *
find_type(const char *oid)
{
	uint32_t wanted = (uint32_t) strtoul(oid, NULL, 10);
	const WireType *builtin = wire_builtin(wanted);

	for (int i = 0; i < ntypes && builtin == NULL; i++)
		if (types[i]->oid == wanted)
			return types[i];
	if (builtin == NULL && wanted != 0)
		fprintf(stderr, "no type %s\n", oid);
	return builtin;
}

static void
add_fields(WireType *type, char **field, int n)
{
	WireField *fields = malloc(sizeof(WireField) * (size_t) (n + 1));

	for (int i = 0; i < n; i++, field += 3)
		fields[i] = (WireField){.name = {copy_text(field[0]), false},
								.type = find_type(field[1]),
								.typmod = atoi(field[2])};
	type->fields = fields;
	type->nfields = n;
}

static void
set_kind(WireType *type, char kind)
{
	static const char letters[] = "acerm";
	static const ValueKind kinds[] = {KIND_ARRAY, KIND_COMPOSITE, KIND_ENUM,
									  KIND_RANGE, KIND_MULTIRANGE};
	const char *found = strchr(letters, kind);

	if (found != NULL)
		type->kind = kinds[found - letters];
	else
		wire_set_base(type, parts[9][0] != '\0' ? parts[9] : NULL);
}

static void
add_type(void)
{
	WireType *type = calloc(1, sizeof(WireType));

	if (parts[4][0] == 'd')
		*type = *find_type(parts[2]);
	type->oid = (uint32_t) strtoul(parts[1], NULL, 10);
	type->base = (uint32_t) strtoul(parts[2], NULL, 10);
	type->name = copy_text(parts[3]);
	type->typmod = atoi(parts[6]);
	if (parts[4][0] != 'd')
	{
		type->delimiter = parts[7][0];
		type->sends = parts[8][0] == 't';
		set_kind(type, parts[4][0]);
		type->element = find_type(parts[5]);
		add_fields(type, parts + 10, (nparts - 10) / 3);
	}
	types[ntypes++] = type;
}

static void
print_hex(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", (unsigned char) bytes[i]);
}

/* The term that is expected has the byte in front that a lone one has. */
static void
compare(const char *expected, WireResult result)
{
	size_t len;
	uint8_t *term = from_hex(expected, &len);

	if (len != out.len + 1 || memcmp(term + 1, out.data, out.len) != 0)
	{
		differing++;
		printf("type %s typmod %s %s %s: result %d, is ", parts[1], parts[2],
			   parts[3], parts[4], (int) result);
		print_hex(out.data, out.len);
		printf(", not %s\n", expected + 2);
	}
	free(term);
}

static void
check_value(void)
{
	const WireType *type = find_type(parts[1]);
	size_t len;
	uint8_t *hex = from_hex(parts[4], &len);
	char *bytes = exact_copy(hex, len);

	free(hex);
	for (int i = 0; i < nforms; i++)
	{
		WireResult result;

		out.len = 0;
		out.forms = &forms[i];
		result = wire_put_value(&out, type, atoi(parts[2]),
								(WireFormat) parts[3][0], bytes, len);
		compare(parts[5 + i], result);
	}
	free(bytes);
	check_passed++;
}

static void
print_builtins(void)
{
	for (uint32_t oid = 0; oid < 20000; oid++)
	{
		const WireType *type = wire_builtin(oid);

		if (type != NULL)
			printf("%u %s %u %c %c\n", oid, type->name,
				   type->element != NULL ? type->element->oid : 0,
				   type->delimiter, type->sends ? 't' : 'f');
	}
}

static void
split(char *line)
{
	nparts = 0;
	line[strcspn(line, "\n")] = '\0';
	for (char *part = line; part != NULL && nparts < MAX_PARTS;)
	{
		char *tab = strchr(part, '\t');

		if (tab != NULL)
			*tab++ = '\0';
		parts[nparts++] = part;
		part = tab;
	}
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;

	for (int i = 1; i < argc; i++)
		add_forms(argv[i]);
	while (getline(&line, &size, stdin) > 0)
	{
		split(line);
		if (strcmp(parts[0], "type") == 0)
			add_type();
		else if (strcmp(parts[0], "value") == 0 && nparts == 5 + nforms)
			check_value();
		else if (strcmp(parts[0], "builtins") == 0)
			print_builtins();
		else
		{
			fprintf(stderr, "not a line: %s, %d parts\n", parts[0], nparts);
			return 1;
		}
	}
	printf("%ld values, %ld differ\n", check_passed, differing);
	return 0;
}
