/*
 * failure.c
 *		Classes of failures, and what each leads to.
 *
 * db_failure.c finds the class of an error, engine.c asks what to do about it,
 * main.c exits with the status.
 */
#include "client/base/failure.h"

#include <stdarg.h>

#include "client/base/printable.h"
#include "client/base/settings.h"

static const FailureInfo classes[FAILURE_CLASSES] = {
	[FAIL_NONE] = {"none", 0, POLICY_STOP, ""},
	[FAIL_INTERNAL] = {"internal", 1, POLICY_STOP,
					   "This is a bug, or the machine is out of memory."},
	[FAIL_USAGE] = {"usage", 2, POLICY_STOP, "Try \"pg_etf_client --help\"."},
	[FAIL_CONFIG] = {"config", 3, POLICY_STOP,
					 "Correct the setting, connection or plugin option that "
					 "the message names."},
	[FAIL_AUTH] = {"auth", 4, POLICY_STOP,
				   "Check user, password and TLS settings, pg_hba.conf, and "
				   "that the role has REPLICATION and the CONNECT privilege."},
	[FAIL_SLOT_MISSING] =
		{"slot_missing", 5, POLICY_STOP,
		 "Create the slot (on the command line: --create-slot). It only "
		 "contains changes made after its creation."},
	[FAIL_SLOT_ACTIVE] = {"slot_active", 6, POLICY_WAIT,
						  "Another process reads this slot: stop it, or use "
						  "another slot."},
	[FAIL_SLOT_LOST] = {"slot_lost", 7, POLICY_STOP,
						"The slot can no longer be read. Drop it and create it "
						"again, and only then copy the data."},
	[FAIL_WRONG_PLUGIN] = {"wrong_plugin", 8, POLICY_STOP,
						   "Use a logical slot of this database, created with "
						   "plugin pg_etf_decoding."},
	[FAIL_PLUGIN_NOT_ALLOWED] = {"plugin_not_allowed", 9, POLICY_STOP,
								 "Add pg_etf_decoding to the server's setting "
								 "output_plugin_libraries and reload."},
	[FAIL_PROTOCOL] = {"protocol", 10, POLICY_STOP,
					   "The two sides of the pipe violate the protocol: use "
					   "the same version on both, and see docs/port.md."},
	[FAIL_GAP] =
		{"gap", 11, POLICY_STOP,
		 "The changes between the two positions cannot be delivered: copy the "
		 "data again, then start without the stored position."},
	[FAIL_WRONG_SERVER] = {"wrong_server", 12, POLICY_STOP,
						   "Positions are only valid within one database "
						   "cluster; check which server you are connected to."},
	[FAIL_NETWORK] = {"network", 13, POLICY_RETRY,
					  "Check host, port and whether the server is running."},
	[FAIL_SERVER_SHUTDOWN] =
		{"server_shutdown", 14, POLICY_RETRY,
		 "The server was stopped, or it terminated the connection."},
	[FAIL_SERVER_ERROR] = {"server_error", 15, POLICY_RETRY,
						   "See the server's log."},
	[FAIL_OUTPUT] = {"output", 16, POLICY_STOP,
					 "What could not be written is not acknowledged to the "
					 "server: it will be delivered again."},
	[FAIL_SLOT_MOVED] =
		{"slot_moved", 17, POLICY_STOP,
		 "Another process has read the slot meanwhile. Start again, from the "
		 "position that is stored now, or else from the slot's."},
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
	failure->password_missing = false;
	va_start(args, format);
	vsnprintf(failure->message, sizeof(failure->message), format, args);
	va_end(args);
	make_printable(failure->message);
	failure_hint(failure, "%s", classes[class].hint);
}

void
failure_hint(Failure *failure, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(failure->hint, sizeof(failure->hint), format, args);
	va_end(args);
	make_printable(failure->hint);
}

int
failure_print(const Failure *failure)
{
	if (failure->class == FAIL_NONE)
		return 0;
	fprintf(stderr, "%s: error: %s\n", PROGRAM_NAME, failure->message);
	if (failure->hint[0] != '\0')
		fprintf(stderr, "%s: hint: %s\n", PROGRAM_NAME, failure->hint);
	return failure_info(failure->class)->exit_status;
}

void
failure_print_classes(FILE *file)
{
	static const char *const policies[] = {[POLICY_STOP] = "stops",
										   [POLICY_RETRY] = "retries",
										   [POLICY_WAIT] = "waits, then stops"};

	fprintf(file, "  %3d  %-20s clean stop\n", 0, "");
	for (int i = FAIL_INTERNAL; i < FAILURE_CLASSES; i++)
		fprintf(file, "  %3d  %-20s %s\n", classes[i].exit_status,
				classes[i].name, policies[classes[i].policy]);
}
