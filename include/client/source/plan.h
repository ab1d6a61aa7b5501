/*
 * plan.h
 *		All that must be known of a table to make events of its rows.
 *
 * Made of the message that pgoutput sends before the first row, and of the
 * catalogs.  plans.h keeps them.
 */
#ifndef ETF_CLIENT_PLAN_H
#define ETF_CLIENT_PLAN_H

#include "client/source/catalog.h"
#include "common/option/options.h"

typedef struct PlanColumn
{
	FieldName name;
	const WireType *type;
	int32_t typmod;
	bool key;	   /* of the replica identity's index */
	char *map_key; /* the name as the key of a map, encoded */
	size_t map_key_len;
} PlanColumn;

typedef struct Plan
{
	uint32_t relid;
	char *message; /* what it was made of */
	size_t message_len;
	bool complete;	  /* what follows is there, too */
	uint64_t version; /* of the catalog that it was made from */
	char *schema;
	char *name;
	char identity;
	int actions; /* ACTION_* that are wanted; 0: nothing of this table is */
	int ncolumns;
	int nkeys;
	PlanColumn *columns;
	char *event; /* the relation event, encoded */
	size_t event_len;
	int64_t asked_at; /* its types, by the server's clock in us; 0: never */

	/* The first column, from 1, with a value that could not be read; 0: none. */
	int unread;
	bool unread_told;

	/* What the reader has been told: with which event, in which span. */
	char *told;
	size_t told_len;
	uint64_t told_in;
} Plan;

typedef struct PlanContext
{
	const EtfOptions *options;
	const TermHost *host;
	const Catalog *catalog;
	int server_version;
} PlanContext;

#endif
