/*
 * print.h
 *		The client for people: what it prints it acknowledges.
 */
#ifndef ETF_PRINT_H
#define ETF_PRINT_H

#include "client/args.h"
#include "client/failure.h"

/* Stream to stdout; returns the exit status. */
extern int print_main(Arguments *args);

/* Print a file of pg_recvlogical; returns the exit status. */
extern int read_main(const Arguments *args);

/* "pg_etf_client: error: ..." with a hint; returns the exit status. */
extern int print_failure(const Failure *failure);

#endif
