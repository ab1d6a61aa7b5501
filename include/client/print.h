/*
 * print.h
 *		The client for people: what it prints it acknowledges.
 */
#ifndef ETF_PRINT_H
#define ETF_PRINT_H

#include "client/args.h"
#include "client/failure.h"

/* Stream to stdout. */
extern void print_main(Arguments *args, Failure *failure);

/* Print a file of pg_recvlogical. */
extern void read_main(const Arguments *args, Failure *failure);

/* "pg_etf_client: error: ..." with a hint; returns the exit status. */
extern int print_failure(const Failure *failure);

#endif
