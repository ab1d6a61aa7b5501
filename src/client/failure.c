/*
 * failure.c
 *		Classes of failures, and the class of an error.
 *
 * db.c reports errors, engine.c asks what to do about them, main.c exits with
 * the status.
 */
#include "client/failure.h"

#include <stdarg.h>
#include <string.h>

#include "client/clean.h"

static const FailureInfo classes[FAILURE_CLASSES] = {
	[FAIL_NONE] = {"none", 0, POLICY_STOP, ""},
	[FAIL_INTERNAL] = {"internal", 1, POLICY_STOP,
					   "This is a bug or a lack of memory."},
	[FAIL_USAGE] = {"usage", 2, POLICY_STOP, "Try \"pg_etf_client --help\"."},
	[FAIL_CONFIG] = {"config", 3, POLICY_STOP,
					 "Check the connection, the options of the plugin and the "
					 "server's settings (wal_level = logical)."},
	[FAIL_AUTH] = {"auth", 4, POLICY_STOP,
				   "Check user, password and TLS settings, pg_hba.conf, and "
				   "that the role has REPLICATION and may connect."},
	[FAIL_SLOT_MISSING] = {"slot_missing", 5, POLICY_STOP,
						   "Create the slot: changes made before that are "
						   "not in it."},
	[FAIL_SLOT_ACTIVE] = {"slot_active", 6, POLICY_WAIT,
						  "Another process reads this slot: stop it, or use "
						  "another slot."},
	[FAIL_SLOT_LOST] = {"slot_lost", 7, POLICY_STOP,
						"The slot can no longer be read: copy the data "
						"again, then drop and create the slot."},
	[FAIL_WRONG_PLUGIN] = {"wrong_plugin", 8, POLICY_STOP,
						   "The slot must be a logical one of this database, "
						   "made with plugin pg_etf_decoding."},
	[FAIL_PLUGIN_NOT_ALLOWED] = {"plugin_not_allowed", 9, POLICY_STOP,
								 "Add pg_etf_decoding to the server's setting "
								 "output_plugin_libraries and reload."},
	[FAIL_PROTOCOL] = {"protocol", 10, POLICY_STOP,
					   "The two sides of the pipe do not speak the same "
					   "language: see docs/port.md."},
	[FAIL_GAP] = {"gap", 11, POLICY_STOP,
				  "Changes between the two positions will not come: copy the "
				  "data again, then start without the stored position."},
	[FAIL_WRONG_SERVER] = {"wrong_server", 12, POLICY_STOP,
						   "Positions of one database cluster mean nothing in "
						   "another: check where the connection leads."},
	[FAIL_NETWORK] = {"network", 13, POLICY_RETRY,
					  "Check host, port and whether the server runs."},
	[FAIL_SERVER_SHUTDOWN] = {"server_shutdown", 14, POLICY_RETRY,
							  "The server was stopped, or the connection was "
							  "terminated there."},
	[FAIL_SERVER_ERROR] = {"server_error", 15, POLICY_RETRY,
						   "See the server's log."},
	[FAIL_OUTPUT] = {"output", 16, POLICY_STOP,
					 "What could not be written is not confirmed to the "
					 "server: it comes again."},
	[FAIL_SLOT_MOVED] = {"slot_moved", 17, POLICY_STOP,
						 "Another process has read on: start again, from the "
						 "position that is stored by now, or else from the "
						 "slot's."},
};

typedef struct Rule
{
	const char *sqlstate; /* or its first characters */
	int stage;			  /* FailureStage, or -1 for any */
	FailureClass class;
} Rule;

/* The first rule that fits counts. */
static const Rule rules[] = {
	{"28", -1, FAIL_AUTH},
	{"3D000", -1, FAIL_CONFIG},
	{"42501", -1, FAIL_AUTH},
	{"55006", -1, FAIL_SLOT_ACTIVE},
	{"55000", STAGE_CREATE, FAIL_CONFIG},
	{"55000", STAGE_START, FAIL_SLOT_LOST},
	{"55P03", STAGE_CREATE, FAIL_SERVER_ERROR},
	{"42710", STAGE_CREATE, FAIL_SLOT_ACTIVE}, /* somebody was faster */
	{"58P01", STAGE_CREATE, FAIL_CONFIG},
	{"58P01", STAGE_START, FAIL_CONFIG},
	{"0A", -1, FAIL_CONFIG},
	{"42", -1, FAIL_CONFIG},
	{"22", STAGE_START, FAIL_CONFIG},
	{"57P01", -1, FAIL_SERVER_SHUTDOWN}, /* or one session is terminated */
	{"57P02", -1, FAIL_SERVER_SHUTDOWN},
	{"57P03", -1, FAIL_SERVER_SHUTDOWN},
	{"08", -1, FAIL_NETWORK},
	{"", -1, FAIL_SERVER_ERROR},
};

/*
 * libpq gives no code for what it finds itself while it connects.  Its texts
 * are in English here, because the program never calls setlocale().
 */
static const struct
{
	const char *text;
	FailureClass class;
} texts[] = {
	{"unexpected eof", FAIL_NETWORK}, /* of OpenSSL 3, before "SSL error" */
	{"received invalid", FAIL_NETWORK},
	{"no password supplied", FAIL_AUTH},
	{"password authentication failed", FAIL_AUTH},
	{"certificate", FAIL_AUTH},
	{"server does not support SSL", FAIL_AUTH},
	{"SSL error", FAIL_AUTH},
	{"channel binding", FAIL_AUTH},
	{"private key file", FAIL_AUTH},
	{"SCRAM", FAIL_AUTH},
	{"invalid", FAIL_CONFIG},
	{"definition of service", FAIL_CONFIG},
	{"service file", FAIL_CONFIG},
	{"missing \"=\"", FAIL_CONFIG},
	{"unterminated quoted string", FAIL_CONFIG},
	{"could not match", FAIL_CONFIG}, /* so many hosts to so many ports */
	{"could not parse network address", FAIL_CONFIG},
	{"forbidden value", FAIL_CONFIG},
	{" in URI", FAIL_CONFIG},
};

const FailureInfo *
failure_info(FailureClass class)
{
	return &classes[class];
}

void
failure_set(Failure *failure, FailureClass class, const char *format, ...)
{
	va_list args;

	failure->class = class;
	failure->sqlstate[0] = '\0';
	va_start(args, format);
	vsnprintf(failure->message, sizeof(failure->message), format, args);
	va_end(args);
	clean_text(failure->message);
	snprintf(failure->hint, sizeof(failure->hint), "%s", classes[class].hint);
}

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
static FailureClass
classify_text(FailureStage stage, const char *message)
{
	if (stage != STAGE_CONNECT)
		return FAIL_NETWORK;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (says(message, texts[i].text))
			return texts[i].class;
	}
	return FAIL_NETWORK;
}

static bool
mentions(const char *text, const char *word)
{
	return text != NULL && strstr(text, word) != NULL;
}

static FailureClass
classify_code(FailureStage stage, const char *sqlstate)
{
	const Rule *rule = rules;

	while (strncmp(rule->sqlstate, sqlstate, strlen(rule->sqlstate)) != 0 ||
		   (rule->stage >= 0 && rule->stage != (int) stage))
		rule++;
	return rule->class;
}

FailureClass
failure_classify(FailureStage stage, const char *sqlstate, const char *message,
				 const char *hint, const char *function)
{
	if (sqlstate == NULL || sqlstate[0] == '\0')
		return classify_text(stage, message != NULL ? message : "");
	if (strcmp(sqlstate, "42501") == 0 &&
		(mentions(hint, "output_plugin_libraries") ||
		 mentions(message, "output plugin")))
		return FAIL_PLUGIN_NOT_ALLOWED;
	if (strcmp(sqlstate, "42704") == 0 &&
		mentions(function, "ReplicationSlotAcquire"))
		return FAIL_SLOT_MISSING;
	return classify_code(stage, sqlstate);
}

void
failure_print_classes(FILE *file)
{
	static const char *const policies[] = {[POLICY_STOP] = "stops",
										   [POLICY_RETRY] = "tries again",
										   [POLICY_WAIT] = "waits, then stops"};

	fprintf(file, "  %3d  %-20s clean end\n", 0, "");
	for (int i = FAIL_INTERNAL; i < FAILURE_CLASSES; i++)
		fprintf(file, "  %3d  %-20s %s\n", classes[i].exit_status,
				classes[i].name, policies[classes[i].policy]);
}
