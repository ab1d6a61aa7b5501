/*
 * fuzz_read.c
 *		pg_etf_client --read: a file that may hold anything.
 *
 * The last byte of the input says in which style the bytes before it, a file,
 * are read, and whether they are read again in pieces: the same must come out.
 * The linker wraps open(), read() and fwrite(), see fuzz.mk, so that nothing
 * leaves the process.
 */
#include <string.h>
#include <sys/types.h>

#include "client/show/print_file.h"
#include "client/show/show.h"
#include "client/show/show_relation.h"
#include "fuzz.h"

#define FILE_NAME "fuzz input"
#define FILE_FD 1000

/* In one piece; so much is cheap to allocate for each input. */
#define READ_MAX 4096

/* The file, and what came out. */
static struct
{
	const uint8_t *bytes;
	size_t len;
	size_t pos;
	uint32_t state;
	bool pieces;
	StrBuf text;
	Failure failure;
} file;

extern int __real_open(const char *name, int flags, ...);
extern ssize_t __real_read(int fd, void *to, size_t len);
extern size_t __real_fwrite(const void *from, size_t size, size_t count,
							FILE *to);

extern bool __real_show_init(Show *show, TextStyle style);

extern int __wrap_open(const char *name, int flags, ...);
extern ssize_t __wrap_read(int fd, void *to, size_t len);
extern size_t __wrap_fwrite(const void *from, size_t size, size_t count,
							FILE *to);
extern bool __wrap_show_init(Show *show, TextStyle style);
extern void __wrap_show_free(Show *show);
extern char *__real_strbuf_reserve(StrBuf *text, size_t len);
extern char *__wrap_strbuf_reserve(StrBuf *text, size_t len);

/* Levels take long to allocate: those of the first input serve all. */
bool
__wrap_show_init(Show *show, TextStyle style)
{
	static Show first[3];

	if (first[style].levels == NULL)
		HOLDS(__real_show_init(&first[style], style));
	*show = first[style];
	show->text.arg = show;
	return true;
}

void
__wrap_show_free(Show *show)
{
	show_free_relations(show);
}

/* For read(), which will not give more. */
char *
__wrap_strbuf_reserve(StrBuf *text, size_t len)
{
	return __real_strbuf_reserve(text, len < READ_MAX ? len : READ_MAX);
}

int
__wrap_open(const char *name, int flags, ...)
{
	if (strcmp(name, FILE_NAME) == 0)
		return FILE_FD;
	return __real_open(name, flags, 0600);
}

ssize_t
__wrap_read(int fd, void *to, size_t len)
{
	size_t left = file.len - file.pos;

	if (fd != FILE_FD)
		return __real_read(fd, to, len);
	if (left > len)
		left = len;
	if (left > READ_MAX)
		left = READ_MAX;
	if (file.pieces)
		left = fuzz_piece(&file.state, left);
	if (left > 0)
		memcpy(to, file.bytes + file.pos, left);
	file.pos += left;
	return (ssize_t) left;
}

size_t
__wrap_fwrite(const void *from, size_t size, size_t count, FILE *to)
{
	if (to != stdout)
		return __real_fwrite(from, size, count, to);
	strbuf_put(&file.text, from, size * count);
	return count;
}

static void
read_file(const PrintOptions *options, bool pieces)
{
	static const Settings settings = {.spool_bytes = 1 << 20};

	file.pos = 0;
	file.pieces = pieces;
	file.state = (uint32_t) file.len * UINT32_C(2654435761);
	print_file(FILE_NAME, &settings, options, &file.failure);
}

static void
check_json(const StrBuf *text)
{
	size_t start = 0;

	while (start < text->len)
	{
		const char *line = text->data + start;
		const char *newline = memchr(line, '\n', text->len - start);

		HOLDS(newline != NULL);
		HOLDS(fuzz_is_json(line, (size_t) (newline - line)));
		start += (size_t) (newline - line) + 1;
	}
}

static void
read_again(const PrintOptions *options, const StrBuf *text,
		   const Failure *failure)
{
	read_file(options, true);
	HOLDS(file.failure.class == failure->class);
	HOLDS(strcmp(file.failure.message, failure->message) == 0);
	HOLDS(file.text.len == text->len);
	HOLDS(text->len == 0 || memcmp(file.text.data, text->data, text->len) == 0);
	strbuf_free(&file.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	PrintOptions options = {0};
	StrBuf text;
	Failure failure;

	if (size == 0)
		return 0;
	setenv("NO_COLOR", "1", 1);
	options.style = data[size - 1] % 3;
	options.transactions = data[size - 1] & 4;
	file.bytes = data;
	file.len = size - 1;
	read_file(&options, false);
	text = file.text;
	failure = file.failure;
	file.text = (StrBuf){0};
	HOLDS(failure.class == FAIL_NONE || failure.class == FAIL_PROTOCOL);
	if (options.style == TEXT_JSON)
		check_json(&text);
	if (data[size - 1] & 8)
		read_again(&options, &text, &failure);
	strbuf_free(&text);
	return 0;
}
