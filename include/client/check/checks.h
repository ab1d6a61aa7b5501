/*
 * checks.h
 *		What is looked at, as rows.
 *
 * For check.c, which goes through them.
 */
#ifndef ETF_CHECKS_H
#define ETF_CHECKS_H

#include "client/base/settings.h"
#include "client/base/strbuf.h"

/*
 * A query of columns level, text and hint, with a row for each finding, or
 * none.  The level is "ok", "warning" or the name of a class of failures; the
 * hint, of anything but "ok", says what to do.  The query may use
 *
 *		asked (slot, failover, two_phase)	the settings
 *		server (version, standby)
 *
 * One that depends on more of the settings is built; what it builds nothing
 * for is not looked at.
 */
typedef struct Check
{
	const char *name;
	int since; /* of the server's versions; 0: all */
	const char *sql;
	void (*build)(const Settings *settings, int server_version, StrBuf *sql);
} Check;

extern const Check checks[];
extern const size_t checks_count;

/* check_tables.c */
extern void check_build_patterns(const Settings *settings, int server_version,
								 StrBuf *sql);
extern void check_build_tables(const Settings *settings, int server_version,
							   StrBuf *sql);
extern void check_build_publications(const Settings *settings,
									 int server_version, StrBuf *sql);
extern void check_build_published(const Settings *settings, int server_version,
								  StrBuf *sql);

#endif
