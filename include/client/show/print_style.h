/*
 * print_style.h
 *		What a style of printing needs of the plugin.
 */
#ifndef ETF_PRINT_STYLE_H
#define ETF_PRINT_STYLE_H

#include "client/base/settings.h"
#include "client/show/print_options.h"

/* Options that nobody has set.  False: out of memory. */
extern bool print_style_set_options(Settings *settings,
									const PrintOptions *how);

#endif
