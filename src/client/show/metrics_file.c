/*
 * metrics_file.c
 *		Statistics as a file for the textfile collector of node_exporter.
 *
 * Called by print.c with each report of statistics.
 */
#include "client/show/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/show/metrics.h"

#define FIELDS_MAX 64
#define INTERVAL_MS 10000

static const Field *
find(const Field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	}
	return NULL;
}

/* Numbers of the control connection are 0 where there is none. */
static bool
is_unknown(const Field *field, bool slot_is_known)
{
	return !slot_is_known && (strcmp(field->key, "wal_status") == 0 ||
							  strcmp(field->key, "retained_bytes") == 0 ||
							  strcmp(field->key, "safe_wal_size") == 0 ||
							  strcmp(field->key, "catalog_xmin_age") == 0);
}

/*
 * Statistics as metrics have them: without what is not known.  A safe size of
 * 0 is no limit, and 1 is nothing left.
 */
static size_t
known_fields(const Field *fields, size_t count, Field *known)
{
	const Field *status = find(fields, count, "wal_status");
	bool slot_is_known = status != NULL && status->text[0] != '\0';
	size_t n = 0;

	for (size_t i = 0; i < count && n < FIELDS_MAX - 1; i++)
	{
		const Field *field = &fields[i];

		if (is_unknown(field, slot_is_known))
			continue;
		if (strcmp(field->key, "safe_wal_size") != 0)
			known[n++] = *field;
		else if (field->number != 0)
			known[n++] = field_number("safe_wal_bytes",
									  field->number == 1 ? 0 : field->number);
	}
	return n;
}

static bool
write_all(int fd, const StrBuf *text)
{
	size_t done = 0;

	while (done < text->len)
	{
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t) n : 0;
	}
	return true;
}

/* /dev/stdout and the like would be a file from then on. */
static bool
may_replace(const char *path)
{
	struct stat old;

	if (stat(path, &old) != 0 || S_ISREG(old.st_mode))
		return true;
	errno = S_ISDIR(old.st_mode) ? EISDIR : EEXIST;
	return false;
}

/* A full disk is told of, not added to. */
static void
discard(const char *path)
{
	int reason = errno;

	(void) unlink(path);
	errno = reason;
}

/* Not waited for: the one who reads what is no file may never come. */
static bool
replace(const char *path, const StrBuf *text)
{
	StrBuf temporary = {0};
	bool done = false;
	int fd = -1;

	strbuf_putf(&temporary, "%s.tmp", path);
	if (!temporary.failed && may_replace(path))
		fd = open(temporary.data,
				  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK |
					  O_CLOEXEC,
				  0644);
	if (fd >= 0)
	{
		done = write_all(fd, text);
		done = close(fd) == 0 && done;
		done = done && rename(temporary.data, path) == 0;
		if (!done)
			discard(temporary.data);
	}
	strbuf_free(&temporary);
	return done;
}

static bool
write_metrics(const MetricsFile *file, const Field *fields, size_t count)
{
	Field known[FIELDS_MAX];
	SlotFields slot = {file->slot, known, known_fields(fields, count, known)};
	StrBuf text = {0};
	bool done;

	metrics_put(&text, &slot, 1);
	errno = ENOMEM;
	done = !text.failed && replace(file->path, &text);
	strbuf_free(&text);
	return done;
}

void
metrics_file_init(MetricsFile *file, const char *path, Settings *settings)
{
	*file = (MetricsFile){.path = path, .slot = settings->slot};
	if (path != NULL && settings->stats_interval == 0)
		settings->stats_interval = INTERVAL_MS;
}

void
metrics_file_report(MetricsFile *file, const Say *say, const char *tag,
					const Field *fields, size_t count)
{
	bool done;

	if (file->path == NULL || strcmp(tag, "stats") != 0)
		return;
	done = write_metrics(file, fields, count);
	if (!done && !file->failed)
		say_line(say, "warning", "%s cannot be written: %s", file->path,
				 strerror(errno));
	file->failed = !done;
}
