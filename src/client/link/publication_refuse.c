/*
 * publication_refuse.c
 *		Whether pgoutput can be read as it is asked for.
 *
 * Called by publication.c, and by what looks before there is a stream.
 */
#include "client/link/publication.h"

#include <stdio.h>
#include <string.h>

static void
refuse_missing(const Settings *settings, Failure *failure, const char *missing,
			   bool has_slot)
{
	failure_set(failure, FAIL_CONFIG, "there is no publication %s", missing);
	if (!has_slot)
		failure_hint(failure,
					 "Run CREATE PUBLICATION %s FOR TABLE ... in this "
					 "database%s.",
					 missing,
					 settings->create_publication
						 ? ": create_publication makes the first one only"
						 : ", or set create_publication");
	else
		failure_hint(
			failure,
			"Slot \"%s\" is there already, and pgoutput reads changes "
			"with the publications of their time. If it has another name "
			"now, give that one; else drop the slot, create the "
			"publication, then the slot.",
			settings->slot);
}

static void
refuse_unnamed(const Settings *settings, Failure *failure)
{
	if (settings->slot != NULL)
		failure_set(
			failure, FAIL_CONFIG,
			"slot \"%s\" is one of pgoutput, and no publication is named",
			settings->slot);
	else
		failure_set(failure, FAIL_CONFIG, "no publication is named");
	failure_hint(failure, PUBLICATION_HINT);
}

bool
publication_check_missing(const Settings *settings, Db *db, bool has_slot)
{
	bool makes = settings->create_publication && !has_slot;
	const char *missing = db_value(db, makes ? "others" : "missing");

	if (publication_names(settings) == NULL)
		refuse_unnamed(settings, &db->failure);
	else if (missing != NULL)
		refuse_missing(settings, &db->failure, missing, has_slot);
	else
		return true;
	return false;
}

/* A slot that is made with two_phase would keep it for good. */
static bool
refuses_settings(const Settings *settings, Failure *failure)
{
	const char *what = settings->two_phase	? "two_phase"
					   : !settings->control ? "control=off"
											: NULL;

	if (what == NULL)
		return false;
	failure_set(failure, FAIL_CONFIG, "%s is not possible with pgoutput", what);
	failure_hint(failure, settings->control
							  ? "It needs the plugin " PLUGIN_NAME "."
							  : "The catalogs are read over that connection.");
	return true;
}

bool
publication_refuses(const Settings *settings, Failure *failure)
{
	if (publication_names(settings) != NULL)
		return refuses_settings(settings, failure);
	refuse_unnamed(settings, failure);
	return true;
}

/* Is it the plugin that is missing, so that pgoutput would do? */
static bool
is_missing(const Failure *failure)
{
	return failure->class == FAIL_PLUGIN_NOT_ALLOWED ||
		   strcmp(failure->sqlstate, "58P01") == 0;
}

bool
publication_replaces(const Settings *settings, Failure *failure)
{
	char hint[sizeof(failure->hint)];
	size_t len;

	if (settings->plugin != PLUGIN_AUTO || !is_missing(failure))
		return false;
	if (publication_names(settings) != NULL)
		return true;
	snprintf(hint, sizeof(hint), "%s", failure->hint);
	len = strlen(hint);
	failure_hint(failure, "%s%s, where nothing can be installed: %s", hint,
				 len > 0 && hint[len - 1] == '.' ? " Or" : "; or",
				 PUBLICATION_HINT);
	return false;
}
