/*
 * test_failures.c
 *		What class an error of the server is, and what hint its user gets.
 */
#include "client/base/failure.h"
#include "client/link/reason.h"

#include <string.h>

#include "check.h"

static FailureClass
class_of(FailureStage stage, const char *sqlstate)
{
	return reason_find(stage,
					   &(Report){.sqlstate = sqlstate, .message = "text"})
		.class;
}

static FailureClass
class_of_text(FailureStage stage, const char *message)
{
	return reason_find(stage, &(Report){.message = message}).class;
}

static void
test_failure_classes(void)
{
	CHECK(class_of(STAGE_CONNECT, "28P01") == FAIL_AUTH);
	CHECK(class_of(STAGE_CONNECT, "3D000") == FAIL_CONFIG);
	CHECK(class_of(STAGE_CONNECT, "57P03") == FAIL_SERVER_SHUTDOWN);
	CHECK(class_of(STAGE_CONNECT, "53300") == FAIL_SERVER_ERROR);
	CHECK(class_of(STAGE_START, "55006") == FAIL_SLOT_ACTIVE);
	CHECK(class_of(STAGE_START, "55000") == FAIL_CONFIG);
	CHECK(class_of(STAGE_CREATE, "55000") == FAIL_CONFIG);
	CHECK(class_of(STAGE_CREATE, "42710") == FAIL_SLOT_ACTIVE);
	CHECK(class_of(STAGE_START, "58P01") == FAIL_CONFIG);
	CHECK(class_of(STAGE_STREAM, "58P01") == FAIL_SERVER_ERROR);
	CHECK(class_of(STAGE_STREAM, "57P01") == FAIL_SERVER_SHUTDOWN);
	CHECK(class_of(STAGE_STREAM, "57P05") == FAIL_SERVER_ERROR);
	CHECK(class_of(STAGE_STREAM, "08006") == FAIL_NETWORK);
	CHECK(class_of(STAGE_STREAM, "XX000") == FAIL_SERVER_ERROR);
	CHECK(class_of(STAGE_START, "42501") == FAIL_AUTH);
	CHECK(class_of(STAGE_START, "42704") == FAIL_CONFIG);
	CHECK(class_of_text(STAGE_CONNECT, "certificate verify failed") ==
		  FAIL_AUTH);
	CHECK(class_of_text(STAGE_CONNECT, "Connection refused") == FAIL_NETWORK);
	CHECK(class_of_text(STAGE_CONNECT, "SSL error: bad version") == FAIL_AUTH);
	CHECK(class_of_text(STAGE_CONNECT, "SSL error: unexpected eof") ==
		  FAIL_NETWORK);
	CHECK(class_of_text(STAGE_CONNECT, "received invalid message") ==
		  FAIL_NETWORK);
	CHECK(class_of_text(STAGE_CONNECT, "invalid port number") == FAIL_CONFIG);
	CHECK(class_of_text(STAGE_STREAM, "SSL error: bad record mac") ==
		  FAIL_NETWORK);
}

/* The same code is another matter where another function raised it. */
static const struct
{
	FailureStage stage;
	Report report;
	FailureClass class;
	const char *hint;
} cases[] = {
	{STAGE_START,
	 {"42501", "no", "Add it to output_plugin_libraries.", NULL},
	 FAIL_PLUGIN_NOT_ALLOWED,
	 "do not quote the list as a whole"},
	{STAGE_CONNECT,
	 {"42501", "no", NULL, "LOCATION:  InitPostgres, postinit.c:900"},
	 FAIL_AUTH,
	 "ALTER ROLE \"$\" REPLICATION"},
	{STAGE_CONNECT,
	 {"42501", "no", NULL, "LOCATION:  CheckMyDatabase, postinit.c:376"},
	 FAIL_AUTH,
	 "GRANT CONNECT"},
	{STAGE_PUBLISH,
	 {"42501", "no", NULL, "aclcheck_error"},
	 FAIL_CONFIG,
	 "must own the tables"},
	{STAGE_CONNECT, {"28P01", "no", NULL, NULL}, FAIL_AUTH, "~/.pgpass"},
	{STAGE_CONNECT, {"3D000", "no", NULL, NULL}, FAIL_CONFIG, "-d"},
	{STAGE_CONNECT,
	 {"08P01", "unsupported startup parameter: replication", NULL, NULL},
	 FAIL_NETWORK,
	 "A pooler"},
	{STAGE_STREAM, {"08P01", "no", NULL, NULL}, FAIL_NETWORK, NULL},
	{STAGE_START,
	 {"42704", "no slot", NULL, "ReplicationSlotAcquire"},
	 FAIL_SLOT_MISSING,
	 NULL},
	{STAGE_DROP,
	 {"42704", "no slot", NULL, "ReplicationSlotAcquire"},
	 FAIL_SLOT_MISSING,
	 "--status"},
	{STAGE_CREATE,
	 {"55000", "no", NULL, "CheckLogicalDecodingRequirements"},
	 FAIL_CONFIG,
	 "restart"},
	/* PostgreSQL 13 to 15, to 17, and since */
	{STAGE_START,
	 {"55000", "cannot read from it", NULL, "StartLogicalReplication"},
	 FAIL_SLOT_LOST,
	 NULL},
	{STAGE_START,
	 {"55000", "can no longer get changes", NULL, "CreateDecodingContext"},
	 FAIL_SLOT_LOST,
	 NULL},
	{STAGE_START,
	 {"55000", "can no longer access", NULL, "ReplicationSlotAcquire"},
	 FAIL_SLOT_LOST,
	 NULL},
	{STAGE_START,
	 {"55000", "cannot use physical replication slot for logical decoding",
	  NULL, "CreateDecodingContext"},
	 FAIL_CONFIG,
	 NULL},
	{STAGE_START,
	 {"55000", "cannot use replication slot \"s\" for logical decoding",
	  "Specify another replication slot.", "CreateDecodingContext"},
	 FAIL_CONFIG,
	 NULL},
	{STAGE_START,
	 {"55000", "replication slot \"s\" was not created in this database", NULL,
	  "CreateDecodingContext"},
	 FAIL_CONFIG,
	 NULL},
	{STAGE_START,
	 {"55000", "no two-phase slot", NULL, "check_slot"},
	 FAIL_CONFIG,
	 NULL},
	{STAGE_START,
	 {"55000", "in stopping mode", NULL, "exec_replication_command"},
	 FAIL_SERVER_SHUTDOWN,
	 NULL},
	{STAGE_CREATE, {"58P01", "no file", NULL, NULL}, FAIL_CONFIG, "install"},
	{STAGE_CONNECT,
	 {NULL, "fe_sendauth: no password supplied", NULL, NULL},
	 FAIL_AUTH,
	 "-W"},
};

static void
test_hints(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Reason reason = reason_find(cases[i].stage, &cases[i].report);

		CHECK_THAT(reason.class == cases[i].class, "case %zu: class %d", i,
				   reason.class);
		CHECK_THAT(
			cases[i].hint == NULL
				? reason.hint == NULL
				: reason.hint != NULL && strstr(reason.hint, cases[i].hint),
			"case %zu: %s", i, reason.hint != NULL ? reason.hint : "none");
	}
}

/* Each class has its own exit status, name and hint. */
static void
test_failure_table(void)
{
	for (int i = FAIL_INTERNAL; i < FAILURE_CLASSES; i++)
	{
		const FailureInfo *info = failure_info((FailureClass) i);

		CHECK(info->exit_status > 0 && info->exit_status < 100);
		CHECK(info->name != NULL && info->hint[0] != '\0');
		for (int j = FAIL_NONE; j < i; j++)
			CHECK(failure_info((FailureClass) j)->exit_status !=
				  info->exit_status);
	}
}

int
main(void)
{
	test_failure_classes();
	test_hints();
	test_failure_table();
	return check_done();
}
