/*
 * slot.c
 *		Which server has which property of a slot, and whose a slot is.
 *
 * Asked by stream_setup.c and admin.c before they create one: older servers
 * would complain about their own syntax, or ignore what they do not know.
 */
#include "client/link/slot.h"

#include <stdio.h>
#include <string.h>

/* The list of options in parentheses is understood since PostgreSQL 15. */
void
slot_put_create(StrBuf *sql, const char *name, OutputPlugin plugin,
				int server_version, const SlotKind *kind)
{
	strbuf_puts(sql, "CREATE_REPLICATION_SLOT ");
	strbuf_put_quoted(sql, name, '"');
	strbuf_puts(sql, kind->temporary ? " TEMPORARY" : "");
	strbuf_putf(sql, " LOGICAL %s", plugin_choices[plugin]);
	if (server_version < 150000)
	{
		strbuf_puts(sql,
					kind->exports ? " EXPORT_SNAPSHOT" : " NOEXPORT_SNAPSHOT");
		strbuf_puts(sql, kind->two_phase ? " TWO_PHASE" : "");
		return;
	}
	strbuf_putf(sql, " (SNAPSHOT '%s'", kind->exports ? "export" : "nothing");
	strbuf_puts(sql, kind->two_phase ? ", TWO_PHASE" : "");
	strbuf_puts(sql, kind->failover ? ", FAILOVER" : "");
	strbuf_puts(sql, ")");
}

static bool
require(bool wanted, const char *property, int since, int server_version,
		const char *without, Failure *failure)
{
	if (!wanted || server_version >= since * 10000)
		return true;
	failure_set(failure, FAIL_CONFIG,
				"%s needs PostgreSQL %d, the server is version %d", property,
				since, server_version / 10000);
	failure_hint(failure, "%s %s, or upgrade the server.", without, property);
	return false;
}

bool
slot_supported(const Settings *settings, int server_version, Failure *failure)
{
	static const char without[] = "Create the slot without";

	return require(settings->two_phase, "two_phase", 14, server_version,
				   without, failure) &&
		   require(settings->failover, "failover", 17, server_version, without,
				   failure);
}

bool
slot_readable(const Settings *settings, int server_version, Failure *failure)
{
	static const char without[] = "Read the slot without";

	return require(settings->streaming, "streaming", 14, server_version,
				   without, failure) &&
		   require(settings->two_phase, "two_phase", 14, server_version,
				   without, failure);
}

/* Reading it without the option loses what is prepared meanwhile. */
bool
slot_fits_two_phase(const Settings *settings, bool two_phase,
					int server_version, Failure *failure)
{
	if (two_phase && !settings->two_phase)
	{
		failure_set(failure, FAIL_CONFIG,
					"slot \"%s\" is a two-phase slot, and two_phase is off",
					settings->slot);
		failure_hint(failure, "Set two_phase, with a consumer that handles "
							  "prepared transactions, or use another slot.");
	}
	else if (!two_phase && settings->two_phase && server_version < 150000)
	{
		failure_set(failure, FAIL_CONFIG,
					"slot \"%s\" is no two-phase slot, which PostgreSQL 14 "
					"cannot change",
					settings->slot);
		failure_hint(failure, "Create a new slot with two_phase.");
	}
	else
		return true;
	return false;
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

static OutputPlugin
known_plugin(const char *name)
{
	for (int i = PLUGIN_OURS; i <= PLUGIN_PGOUTPUT; i++)
		if (strcmp(plugin_choices[i], name) == 0)
			return i;
	return PLUGIN_AUTO;
}

bool
slot_plugin(const Settings *settings, const char *plugin, OutputPlugin *found,
			Failure *failure)
{
	*found = plugin != NULL ? known_plugin(plugin) : PLUGIN_AUTO;
	if (plugin == NULL)
		failure_set(failure, FAIL_WRONG_PLUGIN,
					"slot \"%s\" is a physical slot", settings->slot);
	else if (*found == PLUGIN_AUTO || (settings->plugin != PLUGIN_AUTO &&
									   settings->plugin != (int) *found))
		failure_set(failure, FAIL_WRONG_PLUGIN,
					"the slot was created with plugin \"%s\"", plugin);
	else
		return true;
	return false;
}
