/*
 * server.c
 *		As much of the server as the fuzz targets of the plugin need.
 *
 * Written for what to_text.c, options.c and filter.c call; StringInfo comes
 * from libpgcommon.
 */
#include "postgres.h"

#include <setjmp.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "fuzz.h"
#include "server.h"

typedef struct Chunk
{
	struct Chunk *next;
	void *memory;
} Chunk;

static Chunk *chunks;
static jmp_buf *handler;

int server_encoding = PG_UTF8;
int server_error_code;
bool server_error_hint;

volatile sig_atomic_t InterruptPending = false;
MemoryContext CurrentMemoryContext = NULL;

bool
server_call(void (*function)(void *arg), void *arg)
{
	jmp_buf here;
	bool good;

	server_error_code = 0;
	server_error_hint = false;
	handler = &here;
	good = setjmp(here) == 0;
	if (good)
		function(arg);
	handler = NULL;
	return good;
}

void
server_free_all(void)
{
	while (chunks != NULL)
	{
		Chunk *chunk = chunks;

		chunks = chunk->next;
		free(chunk->memory);
		free(chunk);
	}
}

void *
palloc(Size size)
{
	Chunk *chunk = malloc(sizeof(Chunk));

	HOLDS(AllocSizeIsValid(size) && chunk != NULL);
	*chunk = (Chunk){chunks, malloc(size > 0 ? size : 1)};
	HOLDS(chunk->memory != NULL);
	chunks = chunk;
	return chunk->memory;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

/* The chunks are few, and what grows is mostly the latest. */
static Chunk *
find_chunk(void *memory)
{
	Chunk *chunk = chunks;

	while (chunk != NULL && chunk->memory != memory)
		chunk = chunk->next;
	HOLDS(chunk != NULL);
	return chunk;
}

void *
repalloc(void *memory, Size size)
{
	Chunk *chunk = find_chunk(memory);

	HOLDS(AllocSizeIsValid(size));
	chunk->memory = realloc(memory, size);
	HOLDS(chunk->memory != NULL);
	return chunk->memory;
}

void
pfree(void *memory)
{
	Chunk *chunk = find_chunk(memory);

	free(chunk->memory);
	chunk->memory = NULL;
}

char *
pnstrdup(const char *text, Size len)
{
	char *copy = palloc(strnlen(text, len) + 1);

	len = strnlen(text, len);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

bool
errstart(int level, const char *domain)
{
	HOLDS(level == ERROR && handler != NULL);
	return true;
}

bool
errstart_cold(int level, const char *domain)
{
	return errstart(level, domain);
}

void
errfinish(const char *file, int line, const char *function)
{
	longjmp(*handler, 1);
}

int
errcode(int code)
{
	server_error_code = code;
	return 0;
}

/* Formats are the compiler's business; here only that arguments are there. */
static void
format(const char *text, va_list args)
{
	char message[8192];
	int len = vsnprintf(message, sizeof(message), text, args);

	HOLDS(len > 0);
}

int
errmsg(const char *text, ...)
{
	va_list args;

	va_start(args, text);
	format(text, args);
	va_end(args);
	return 0;
}

int
errdetail(const char *text, ...)
{
	va_list args;

	va_start(args, text);
	format(text, args);
	va_end(args);
	return 0;
}

int
errhint(const char *text, ...)
{
	va_list args;

	va_start(args, text);
	format(text, args);
	va_end(args);
	server_error_hint = true;
	return 0;
}

void
ProcessInterrupts(void)
{
}

int
GetDatabaseEncoding(void)
{
	return server_encoding;
}

struct varlena *
pg_detoast_datum_packed(struct varlena *value)
{
	return value;
}

List *
lappend(List *list, void *item)
{
	List *longer;

	if (list == NIL)
	{
		list = palloc0(offsetof(List, initial_elements));
		list->type = T_List;
	}
	longer = list;
	longer->max_length = longer->length + 1;
	longer->elements =
		longer->elements == NULL
			? palloc(sizeof(ListCell))
			: repalloc(longer->elements,
					   (Size) longer->max_length * sizeof(ListCell));
	longer->elements[longer->length++].ptr_value = item;
	return longer;
}

DefElem *
makeDefElem(char *name, Node *value, int location)
{
	DefElem *element = palloc0(sizeof(DefElem));

	element->type = T_DefElem;
	element->defname = name;
	element->arg = value;
	return element;
}

/* What is returned is a String, or a Value before PostgreSQL 15. */
__typeof__(makeString(NULL))
makeString(char *text)
{
	__typeof__(makeString(NULL)) node = palloc0(sizeof(*node));

	node->type = T_String;
	strVal(node) = text;
	return node;
}

bool
parse_bool(const char *text, bool *value)
{
	*value = strcmp(text, "on") == 0;
	return *value || strcmp(text, "off") == 0;
}
