/*
 * spool_file.c
 *		A file without a name: records one after another, cut off at its end.
 *
 * Of spool.c, which writes, and replay.c, which reads.
 */
#include "client/source/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* As mkstemp() wants it. */
#define RANDOM \
	"XX"       \
	"XX"       \
	"XX"

/* Where the file system, or the kernel, makes none without a name. */
static int
open_and_unlink(const char *dir)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s/pg_etf_client." RANDOM, dir) >=
		(int) sizeof(path))
	{
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkstemp(path); /* 0600, whatever the umask is */
	if (fd < 0)
		return -1;
	unlink(path);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

int
spool_file_open(const char *dir)
{
#ifdef O_TMPFILE
	int fd = open(dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
#endif
	return open_and_unlink(dir);
}

static bool
write_all(int fd, uint64_t at, const char *bytes, size_t len)
{
	while (len > 0)
	{
		ssize_t written = pwrite(fd, bytes, len, (off_t) at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		at += (uint64_t) written;
		len -= (size_t) written;
	}
	return true;
}

bool
spool_file_put(int fd, uint64_t at, const void *bytes, size_t len)
{
	uint32_t header = (uint32_t) len;

	return write_all(fd, at, (const char *) &header, sizeof(header)) &&
		   write_all(fd, at + SPOOL_RECORD_HEADER, bytes, len);
}

static bool
read_all(int fd, uint64_t at, char *bytes, size_t len)
{
	while (len > 0)
	{
		ssize_t got = pread(fd, bytes, len, (off_t) at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO; /* it has all that was written */
		if (got <= 0)
			return false;
		bytes += got;
		at += (uint64_t) got;
		len -= (size_t) got;
	}
	return true;
}

/* Nothing was written that goes on behind the end. */
static bool
read_length(int fd, uint64_t at, uint64_t end, size_t *len)
{
	uint32_t header;

	if (!read_all(fd, at, (char *) &header, sizeof(header)))
		return false;
	*len = header;
	if (header <= end - at - SPOOL_RECORD_HEADER)
		return true;
	errno = EIO;
	return false;
}

char *
spool_file_read(int fd, uint64_t at, uint64_t end, size_t room, size_t *len)
{
	char *block = NULL;

	if (read_length(fd, at, end, len))
		block = malloc(room + *len + 1);
	if (block == NULL ||
		read_all(fd, at + SPOOL_RECORD_HEADER, block + room, *len))
		return block;
	free(block);
	return NULL;
}

bool
spool_file_cut(int fd, uint64_t at)
{
	return ftruncate(fd, (off_t) at) == 0;
}
