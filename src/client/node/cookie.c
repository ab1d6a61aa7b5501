/*
 * cookie.c
 *		The secret of Erlang nodes, from a file.
 *
 * Used by greet.c.  Never an argument: those are for all to see.
 */
#include "client/node/cookie.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
refuse(Failure *failure, const char *path, const char *what)
{
	failure_set(failure, FAIL_CONFIG, "cookie file \"%s\": %s", path, what);
	failure_hint(failure,
				 "It holds the cookie of the node, in one line, and only its "
				 "owner may read it (chmod 400). --cookie-file names another.");
	return false;
}

static bool
read_cookie(int fd, const char *path, char cookie[DIST_COOKIE_MAX + 1],
			Failure *failure)
{
	char text[DIST_COOKIE_MAX + 3];
	struct stat about;
	ssize_t len;

	if (fstat(fd, &about) != 0)
		return refuse(failure, path, strerror(errno));
	if (!S_ISREG(about.st_mode))
		return refuse(failure, path, "not a file");
	if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return refuse(failure, path, "others may read it");
	len = read(fd, text, sizeof(text));
	if (len < 0)
		return refuse(failure, path, strerror(errno));
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	if (len == 0 || len > DIST_COOKIE_MAX ||
		memchr(text, '\0', (size_t) len) != NULL)
		return refuse(failure, path, "holds no cookie of 1 to 255 bytes");
	memcpy(cookie, text, (size_t) len);
	cookie[len] = '\0';
	return true;
}

bool
cookie_read(const char *path, char cookie[DIST_COOKIE_MAX + 1],
			Failure *failure)
{
	const char *home = getenv("HOME");
	char usual[4096];
	int fd;
	bool done;

	snprintf(usual, sizeof(usual), "%s/.erlang.cookie",
			 home != NULL ? home : "");
	if (path == NULL)
		path = usual;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return refuse(failure, path, strerror(errno));
	done = read_cookie(fd, path, cookie, failure);
	close(fd);
	return done;
}

static uint8_t
hex_digit(char digit)
{
	return (uint8_t) (digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/*
 * libpq has MD5 in this form alone: "md5", then the digest of a password with a
 * name behind it, in digits.  Both are just such a pair.
 */
bool
cookie_digest(const char *cookie, uint32_t challenge,
			  uint8_t digest[DIST_DIGEST_SIZE])
{
	const size_t prefix = 3;
	char text[11];
	char *hex;
	bool done;

	snprintf(text, sizeof(text), "%lu", (unsigned long) challenge);
	hex = PQencryptPassword(cookie, text);
	done = hex != NULL && strlen(hex) == prefix + 2 * DIST_DIGEST_SIZE;
	for (size_t i = 0; done && i < DIST_DIGEST_SIZE; i++)
		digest[i] = (uint8_t) (hex_digit(hex[prefix + 2 * i]) << 4 |
							   hex_digit(hex[prefix + 2 * i + 1]));
	PQfreemem(hex);
	return done;
}
