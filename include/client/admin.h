/*
 * admin.h
 *		Make, drop and show slots, over an ordinary connection.
 *
 * Each function returns an exit status and prints what went wrong.
 */
#ifndef ETF_ADMIN_H
#define ETF_ADMIN_H

#include "client/args.h"

extern int admin_create(const Arguments *args);
extern int admin_drop(const Arguments *args);
extern int admin_status(const Arguments *args);

#endif
