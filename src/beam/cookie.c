/*
 * cookie.c
 *		The cookie that a role presents to a node.
 *
 * It is in the user mapping of the role or of PUBLIC, or in a file that one of
 * them names; superusers have that of erlang.cookie_file besides.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/reloptions.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/syscache.h"

#include "beam/servers.h"
#include "beam/settings.h"
#include "common/dist/handshake.h"

/* As Erlang itself: nobody but the owner may read it. */
static void
check_file_mode(int fd, const char *path)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not stat file \"%s\": %m", path)));
	if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IRWXG | S_IRWXO)))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("cookie file \"%s\" is not private", path),
				 errdetail("It must be a file that its group and others can "
						   "neither read nor write.")));
}

static char *
read_cookie(const char *path)
{
	char *cookie = palloc0(DIST_COOKIE_MAX + 2);
	int fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	ssize_t len;

	if (fd < 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not open cookie file \"%s\": %m", path)));
	check_file_mode(fd, path);
	len = read(fd, cookie, DIST_COOKIE_MAX + 1);
	if (len < 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not read cookie file \"%s\": %m", path)));
	CloseTransientFile(fd);
	while (len > 0 && strchr(" \t\r\n", cookie[len - 1]) != NULL)
		cookie[--len] = '\0';
	if (len == 0 || len > DIST_COOKIE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("cookie file \"%s\" holds no cookie", path),
				 errdetail("A cookie has 1 to %d bytes.", DIST_COOKIE_MAX)));
	return cookie;
}

/* The options of the role's mapping, or of PUBLIC's. */
static List *
mapping_options(Oid server, Oid user)
{
	HeapTuple tuple =
		SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(user),
						ObjectIdGetDatum(server));
	List *options = NIL;
	Datum datum;
	bool null;

	if (!HeapTupleIsValid(tuple))
		return OidIsValid(user) ? mapping_options(server, InvalidOid) : NIL;
	datum = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple,
							Anum_pg_user_mapping_umoptions, &null);
	if (!null)
		options = untransformRelOptions(datum);
	ReleaseSysCache(tuple);
	return options;
}

static char *
cookie_of_mapping(const NodeTarget *target)
{
	ListCell *cell;

	foreach (cell, mapping_options(target->server, GetUserId()))
	{
		DefElem *element = lfirst(cell);

		if (strcmp(element->defname, "cookie") == 0)
			return pstrdup(defGetString(element));
		if (strcmp(element->defname, "cookie_file") == 0)
			return read_cookie(defGetString(element));
	}
	return NULL;
}

char *
target_cookie(const NodeTarget *target)
{
	char *cookie = NULL;

	if (OidIsValid(target->server))
		cookie = cookie_of_mapping(target);
	if (cookie == NULL && superuser() && *erlang.cookie_file != '\0')
		cookie = read_cookie(erlang.cookie_file);
	if (cookie == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("no cookie is known for %s", target->label),
				 OidIsValid(target->server)
					 ? errhint("Create a user mapping with option \"cookie\" "
							   "or \"cookie_file\".")
					 : errhint("Set erlang.cookie_file, or give the cookie to "
							   "erlang_connect.")));
	return cookie;
}
