/*
 * trouble.c
 *		What a failure means for whoever reads tables.
 */
#include "client/backfill/trouble.h"

#include <string.h>

typedef struct TroubleRule
{
	const char *sqlstate; /* its first characters */
	ReaderTrouble trouble;
} TroubleRule;

/* The first one that fits counts. */
static const TroubleRule trouble_rules[] = {
	{"55000", TROUBLE_REWRITTEN},
	{"55P03", TROUBLE_BUSY}, /* the lock */
	{"57014", TROUBLE_BUSY}, /* somebody cancelled it */
	{"57P", TROUBLE_LOST},	 /* the session's last words */
	{"40", TROUBLE_BUSY},	 /* a conflict, with recovery or a deadlock */
	{"53", TROUBLE_BUSY},	 /* memory, disk */
	{"42P01", TROUBLE_GONE},
	{"42704", TROUBLE_GONE},
	{"3F000", TROUBLE_GONE},
	{"XX000", TROUBLE_GONE}, /* "could not open relation with OID" */
	{"", TROUBLE_REFUSED}};

ReaderTrouble
trouble_of(const char *sqlstate)
{
	const TroubleRule *rule = trouble_rules;

	while (strncmp(rule->sqlstate, sqlstate, strlen(rule->sqlstate)) != 0)
		rule++;
	return rule->trouble;
}

bool
trouble_passes(ReaderTrouble trouble, FailureClass class)
{
	return trouble == TROUBLE_BUSY ||
		   (trouble == TROUBLE_LOST &&
			failure_info(class)->policy != POLICY_STOP);
}
