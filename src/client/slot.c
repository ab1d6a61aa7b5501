/*
 * slot.c
 *		Which server has which property of a slot, and whose a slot is.
 *
 * Asked by stream_setup.c and admin.c before they create one: older servers
 * would complain about their own syntax, or ignore what they do not know.
 */
#include "client/slot.h"

#include <stdio.h>
#include <string.h>

static bool
require(bool wanted, const char *property, int since, int server_version,
		Failure *failure)
{
	if (!wanted || server_version >= since * 10000)
		return true;
	failure_set(failure, FAIL_CONFIG,
				"a slot with %s needs PostgreSQL %d, the server is version %d",
				property, since, server_version / 10000);
	failure_hint(failure, "Create the slot without %s, or upgrade the server.",
				 property);
	return false;
}

bool
slot_supported(const Settings *settings, int server_version, Failure *failure)
{
	return require(settings->two_phase, "two_phase", 14, server_version,
				   failure) &&
		   require(settings->failover, "failover", 17, server_version, failure);
}

const char *
slot_decoded(int server_version)
{
	return server_version < 140000
			   ? "0"
			   : "(SELECT t.total_txns FROM "
				 "pg_catalog.pg_stat_replication_slots AS t "
				 "WHERE t.slot_name = s.slot_name)";
}

bool
slot_is_ours(const char *slot, const char *plugin, Failure *failure)
{
	if (plugin == NULL)
		failure_set(failure, FAIL_WRONG_PLUGIN,
					"slot \"%s\" is a physical slot", slot);
	else if (strcmp(plugin, PLUGIN_NAME) != 0)
		failure_set(failure, FAIL_WRONG_PLUGIN,
					"the slot was made with plugin \"%s\"", plugin);
	else
		return true;
	return false;
}
