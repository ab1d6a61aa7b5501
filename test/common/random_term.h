/*
 * random_term.h
 *		Terms made by chance, encoded by libei.
 */
#ifndef ETF_RANDOM_TERM_H
#define ETF_RANDOM_TERM_H

#include <ei.h>

/* Append one term, with at most "depth" levels of containers. */
extern void random_term(ei_x_buff *x, int depth);

#endif
