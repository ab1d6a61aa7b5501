/*
 * reason.c
 *		Which failure it is that the server or libpq reports, and what to do.
 *
 * Called by db_failure.c.
 */
#include "client/link/reason.h"

#include <string.h>

#include "client/link/slot.h"

#define ANY (-1)

#define PASSWORD_HINT                                              \
	"Supply the role's password: in the connection, in "           \
	"PGPASSWORD or in ~/.pgpass. On the command line -W asks for " \
	"it."
#define PLUGIN_HINT                                           \
	"Install the plugin on the server: run \"make install\" " \
	"there, with the pg_config of that server, or install its package."
#define ALLOWED_HINT                                                \
	"Add " PLUGIN_NAME                                              \
	" to the server's setting output_plugin_libraries and reload. " \
	"With ALTER SYSTEM do not quote the list as a whole: ALTER "    \
	"SYSTEM SET output_plugin_libraries = pgoutput, "               \
	"test_decoding, " PLUGIN_NAME
#define WAL_LEVEL_HINT                                             \
	"Set wal_level = logical in postgresql.conf and restart the "  \
	"server; a reload is not enough. (On PostgreSQL 19 and later " \
	"replica is enough.)"

/* To PgBouncer "replication" is a startup parameter like others. */
#define POOLER_HINT                                                         \
	"A pooler such as PgBouncer does not pass replication connections on: " \
	"connect to the server itself."

#define WITH_PLUGIN_HINT \
	" With " PLUGIN_NAME " on the server decoding would go on."
#define TOO_LARGE_HINT                                                        \
	"A row is too large for pgoutput, and decoding ends there at every "      \
	"attempt. Leave the column out of the publication (a column list), drop " \
	"the slot and create it anew." WITH_PLUGIN_HINT

typedef struct Rule
{
	const char *sqlstate; /* or its first characters */
	int stage;			  /* FailureStage, or ANY */
	const char *function; /* a part of its name; NULL: any */
	FailureClass class;
	const char *hint; /* NULL: the server's, or that of the class */
} Rule;

/* The first rule that fits counts. */
static const Rule rules[] = {
	{"28P01", ANY, NULL, FAIL_AUTH, PASSWORD_HINT},
	{"28000", ANY, NULL, FAIL_AUTH,
	 "The role must exist and have LOGIN, and pg_hba.conf must allow the "
	 "connection. Peer authentication needs an operating system account of the "
	 "same name; over TCP (-h localhost) a password is used instead."},
	{"28", ANY, NULL, FAIL_AUTH, NULL},
	{"3D000", ANY, NULL, FAIL_CONFIG,
	 "Specify the database, on the command line with -d (the default is the "
	 "role's name); psql -l lists the databases."},
	{"42501", ANY, "CheckMyDatabase", FAIL_AUTH,
	 "The role needs GRANT CONNECT ON DATABASE ... TO \"$\"."},
	{"42501", STAGE_PUBLISH, NULL, FAIL_CONFIG,
	 "To make a publication a role needs CREATE on the database, and must own "
	 "the tables. Or let their owner run CREATE PUBLICATION, without "
	 "create_publication."},
	{"25006", STAGE_PUBLISH, NULL, FAIL_CONFIG,
	 "A standby has the publications of its primary: create it there."},
	{"55P03", STAGE_PUBLISH, NULL, FAIL_SERVER_ERROR,
	 "A table is being vacuumed, or altered: try again later."},
	{"42501", ANY, NULL, FAIL_AUTH,
	 "The role needs REPLICATION. As a superuser run: ALTER ROLE \"$\" "
	 "REPLICATION."},
	{"53300", ANY, NULL, FAIL_SERVER_ERROR,
	 "Raise max_wal_senders and max_connections (restart the server), or close "
	 "connections that are not needed."},
	{"55006", ANY, NULL, FAIL_SLOT_ACTIVE, NULL},
	{"55000", ANY, "CheckLogicalDecodingRequirements", FAIL_CONFIG,
	 WAL_LEVEL_HINT},
	{"0A000", ANY, "CheckLogicalDecodingRequirements", FAIL_CONFIG,
	 "Connect to the primary: standbys decode from PostgreSQL 16 on."},
	{"55000", ANY, "CheckSlotRequirements", FAIL_CONFIG,
	 "Set max_replication_slots in postgresql.conf and restart the server."},
	{"55000", ANY, "exec_replication_command", FAIL_SERVER_SHUTDOWN, NULL},
	{"55000", STAGE_START, "StartLogicalReplication", FAIL_SLOT_LOST, NULL},
	{"55000", STAGE_START, "CreateDecodingContext", FAIL_SLOT_LOST, NULL},
	{"55000", STAGE_START, "ReplicationSlotAcquire", FAIL_SLOT_LOST, NULL},
	{"55000", STAGE_CREATE, NULL, FAIL_CONFIG, NULL},
	{"55000", STAGE_START, NULL, FAIL_CONFIG, NULL},
	{"55P03", STAGE_CREATE, NULL, FAIL_SERVER_ERROR, SLOT_WAIT_HINT},
	{"57014", STAGE_CREATE, NULL, FAIL_SERVER_ERROR, SLOT_WAIT_HINT},
	{"42704", STAGE_DROP, NULL, FAIL_SLOT_MISSING,
	 "Nothing was dropped; --status lists the slots."},
	{"42704", ANY, "ReplicationSlotAcquire", FAIL_SLOT_MISSING, NULL},
	{"42710", STAGE_CREATE, NULL, FAIL_SLOT_ACTIVE, /* somebody was faster */
	 "Use the existing slot (--if-not-exists), or choose another name."},
	{"58P01", STAGE_CREATE, NULL, FAIL_CONFIG, PLUGIN_HINT},
	{"58P01", STAGE_START, NULL, FAIL_CONFIG, PLUGIN_HINT},
	{"42704", STAGE_PGOUTPUT, "get_publication_oid", FAIL_CONFIG,
	 "The publication was made after the slot, or dropped or renamed since: "
	 "pgoutput reads changes with the publications of their time. If it has "
	 "another name since, give that one; else drop the slot, create the "
	 "publication, then the slot."},
	{"42883", STAGE_PGOUTPUT, "getTypeBinaryOutputInfo", FAIL_CONFIG,
	 "Set format to auto or text."},
	{"22P03", STAGE_PGOUTPUT, NULL, FAIL_CONFIG,
	 "A row has a value whose type is not in the catalogs any more, such as a "
	 "label of an enum, and decoding ends there at every attempt. Drop the "
	 "slot and create it anew." WITH_PLUGIN_HINT},
	{"", STAGE_PGOUTPUT, "enlargeStringInfo", FAIL_CONFIG, TOO_LARGE_HINT},
	{"", STAGE_PGOUTPUT, "MemoryContextSizeFailure", FAIL_CONFIG,
	 TOO_LARGE_HINT},
	{"XX000", STAGE_PGOUTPUT, "alloc", FAIL_CONFIG, TOO_LARGE_HINT},
	{"XX000", STAGE_PGOUTPUT, "Alloc", FAIL_CONFIG, TOO_LARGE_HINT},
	{"0A", ANY, NULL, FAIL_CONFIG, NULL},
	{"42", ANY, NULL, FAIL_CONFIG, NULL},
	{"22", STAGE_START, NULL, FAIL_CONFIG, NULL},
	{"57P01", ANY, NULL, FAIL_SERVER_SHUTDOWN, NULL}, /* or one session's end */
	{"57P02", ANY, NULL, FAIL_SERVER_SHUTDOWN, NULL},
	{"57P03", ANY, NULL, FAIL_SERVER_SHUTDOWN, NULL},
	{"08P01", STAGE_CONNECT, NULL, FAIL_NETWORK, POOLER_HINT},
	{"08", ANY, NULL, FAIL_NETWORK, NULL},
	{"", ANY, NULL, FAIL_SERVER_ERROR, NULL},
};

/*
 * libpq gives no code for what it finds itself while it connects.  Its texts
 * are in English here, because the program never calls setlocale().
 */
static const struct
{
	const char *text;
	Reason reason;
} texts[] = {
	{"unexpected eof", {FAIL_NETWORK, NULL}}, /* OpenSSL 3, a "SSL error" */
	{"received invalid", {FAIL_NETWORK, NULL}},
	{"could not translate host name",
	 {FAIL_NETWORK,
	  "Check the host name, and that this machine can resolve it."}},
	{"no password supplied", {FAIL_AUTH, PASSWORD_HINT}},
	{"password authentication failed", {FAIL_AUTH, PASSWORD_HINT}},
	{"certificate",
	 {FAIL_AUTH, "The server's certificate is from another authority "
				 "(sslrootcert) or for another host name, or it has expired."}},
	{"server does not support SSL", {FAIL_AUTH, NULL}},
	{"SSL error", {FAIL_AUTH, NULL}},
	{"channel binding", {FAIL_AUTH, NULL}},
	{"private key file", {FAIL_AUTH, NULL}},
	{"SCRAM", {FAIL_AUTH, NULL}},
	{"invalid", {FAIL_CONFIG, NULL}},
	{"definition of service", {FAIL_CONFIG, NULL}},
	{"service file", {FAIL_CONFIG, NULL}},
	{"missing \"=\"", {FAIL_CONFIG, NULL}},
	{"unterminated quoted string", {FAIL_CONFIG, NULL}},
	{"could not match", {FAIL_CONFIG, NULL}}, /* hosts to ports */
	{"could not parse network address", {FAIL_CONFIG, NULL}},
	{"forbidden value", {FAIL_CONFIG, NULL}},
	{" in URI", {FAIL_CONFIG, NULL}},
};

/* Outside of quotes: a host's name says nothing, whatever words are in it. */
static bool
says(const char *message, const char *words)
{
	bool quoted = false;

	for (const char *p = message; *p != '\0'; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		else if (!quoted && strncmp(p, words, strlen(words)) == 0)
			return true;
	}
	return false;
}

/*
 * A connection that was good once is lost for no other reason than the
 * network: "SSL error" then means that bytes went missing.
 */
static Reason
reason_of_text(FailureStage stage, const char *message)
{
	if (stage != STAGE_CONNECT)
		return (Reason){FAIL_NETWORK, NULL};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (says(message, texts[i].text))
			return texts[i].reason;
	}
	return (Reason){FAIL_NETWORK, NULL};
}

static bool
mentions(const char *text, const char *word)
{
	return text != NULL && strstr(text, word) != NULL;
}

static bool
fits(const Rule *rule, FailureStage stage, const Report *report)
{
	return strncmp(rule->sqlstate, report->sqlstate, strlen(rule->sqlstate)) ==
			   0 &&
		   (rule->stage == ANY || rule->stage == (int) stage) &&
		   (rule->function == NULL ||
			mentions(report->function, rule->function));
}

/*
 * A slot that is physical, being synchronized or of another database, which
 * the function that finds it invalidated says, too.
 */
static bool
is_for_others(FailureStage stage, const Report *report)
{
	return stage == STAGE_START && strcmp(report->sqlstate, "55000") == 0 &&
		   (mentions(report->message, "for logical decoding") ||
			mentions(report->message, "in this database"));
}

Reason
reason_find(FailureStage stage, const Report *report)
{
	const Rule *rule = rules;

	if (report->sqlstate == NULL || report->sqlstate[0] == '\0')
		return reason_of_text(stage,
							  report->message != NULL ? report->message : "");
	if (strcmp(report->sqlstate, "42501") == 0 &&
		(mentions(report->hint, "output_plugin_libraries") ||
		 mentions(report->message, "output plugin")))
		return (Reason){FAIL_PLUGIN_NOT_ALLOWED, ALLOWED_HINT};
	if (is_for_others(stage, report))
		return (Reason){FAIL_CONFIG, NULL};
	while (!fits(rule, stage, report))
		rule++;
	return (Reason){rule->class, rule->hint};
}
