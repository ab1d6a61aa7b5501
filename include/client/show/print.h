/*
 * print.h
 *		The client for people: what it prints it acknowledges.
 */
#ifndef ETF_PRINT_H
#define ETF_PRINT_H

#include "client/base/failure.h"
#include "client/base/settings.h"
#include "client/show/print_options.h"

/* Stream to stdout; "settings" get what the style needs of the plugin. */
extern void print_stream(Settings *settings, const PrintOptions *options,
						 Failure *failure);

#endif
