/*
 * print_options.h
 *		How changes are printed, as the command line says.
 */
#ifndef ETF_PRINT_OPTIONS_H
#define ETF_PRINT_OPTIONS_H

#include <stdbool.h>

#include "client/backfill/request.h"
#include "common/show/text.h"

typedef struct PrintOptions
{
	int style;		   /* TextStyle */
	bool envelope;	   /* JSON as Debezium sends it */
	bool transactions; /* lines for begin and commit */
	bool verbose;
	char *tables;		/* patterns, or NULL: all */
	char *where;		/* of the rows that are read first; or NULL: all */
	char *jobs;			/* connections that read; or NULL: as usual */
	char *max_hold;		/* of a snapshot; or NULL: as usual */
	char *metrics_file; /* or NULL: none */
	bool made_slot;		/* just now, for this stream */
} PrintOptions;

/*
 * What --snapshot asks for.  False leaves a message; what is in "request" is to
 * be freed all the same.
 */
extern bool print_request(const PrintOptions *options, BackfillRequest *request,
						  char *error, size_t size);

#endif
