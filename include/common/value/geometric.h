/*
 * geometric.h
 *		point, line, lseg, box, path, polygon, circle.
 *
 * They are all floats, in the order in which the server has them on disk and
 * on the wire: x before y, a box's upper right corner before its lower left
 * one, a circle's center before its radius.
 */
#ifndef ETF_GEOMETRIC_H
#define ETF_GEOMETRIC_H

#include "common/term/write.h"

extern void etf_put_point(TermOut *out, const double *xy);
extern void etf_put_line(TermOut *out, const double *abc);
extern void etf_put_lseg(TermOut *out, const double *xy);
extern void etf_put_box(TermOut *out, const double *xy);
extern void etf_put_path(TermOut *out, bool closed, const double *xy,
						 uint32_t n);
extern void etf_put_polygon(TermOut *out, const double *xy, uint32_t n);
extern void etf_put_circle(TermOut *out, const double *xyr);

#endif
