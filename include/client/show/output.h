/*
 * output.h
 *		The stdout of the printing client.
 */
#ifndef ETF_OUTPUT_H
#define ETF_OUTPUT_H

#include "client/consumer/outbox.h"

/*
 * A descriptor that does not wait, given stdout's flags.  A terminal is opened
 * anew, so that the shell and stderr are not concerned, however this ends; for
 * a pipe or a file the flags are to be put back at the end.
 */
extern int output_open(int flags);

/*
 * What was cut in the middle of a line, by a full disk for instance, must not
 * be continued by the first line of this run.
 */
extern void output_end_cut_line(Outbox *outbox, int flags);

#endif
