/*
 * port.h
 *		The client behind a Port of the BEAM.
 */
#ifndef ETF_PORT_H
#define ETF_PORT_H

/* Speak docs/port.md on stdin and stdout; returns the exit status. */
extern int port_main(void);

#endif
