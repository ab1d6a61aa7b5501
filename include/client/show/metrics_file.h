/*
 * metrics_file.h
 *		Statistics as a file for the textfile collector of node_exporter.
 */
#ifndef ETF_METRICS_FILE_H
#define ETF_METRICS_FILE_H

#include "client/base/consumer.h"
#include "client/base/settings.h"
#include "client/show/say.h"

typedef struct MetricsFile
{
	const char *path; /* NULL: none */
	const char *slot;
	bool failed; /* and that was told */
} MetricsFile;

/* With a path there have to be statistics: at intervals that nobody set. */
extern void metrics_file_init(MetricsFile *file, const char *path,
							  Settings *settings);

/*
 * Replace the file by what a report of statistics says: no reader ever sees a
 * part of it.  When it cannot be written it is as before, and a warning is
 * said, once.
 */
extern void metrics_file_report(MetricsFile *file, const Say *say,
								const char *tag, const Field *fields,
								size_t count);

#endif
