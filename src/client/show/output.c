/*
 * output.c
 *		The stdout of the printing client.
 *
 * Called by print.c.
 */
#include "client/show/output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Where output must not wait is a property of the open file, which other
 * programs share.
 */
int
output_open(int flags)
{
	char name[64];
	int fd = -1;

	if (ttyname_r(STDOUT_FILENO, name, sizeof(name)) == 0)
		fd = open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK);
	return STDOUT_FILENO;
}

void
output_end_cut_line(Outbox *outbox, int flags)
{
	int fd = open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t end = lseek(flags & O_APPEND ? fd : STDOUT_FILENO, 0,
					  flags & O_APPEND ? SEEK_END : SEEK_CUR);
	char last = '\n';
	char *newline;

	if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n' &&
		(newline = malloc(1)) != NULL)
	{
		*newline = '\n';
		outbox_put(outbox, newline, 0, 1);
	}
	if (fd >= 0)
		close(fd);
}
