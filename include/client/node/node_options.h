/*
 * node_options.h
 *		Which process of which node the stream is for.
 *
 * Apart from node.h, so that the command line does not need the engine.
 */
#ifndef ETF_NODE_OPTIONS_H
#define ETF_NODE_OPTIONS_H

typedef struct NodeOptions
{
	char *to;		   /* NAME@ALIVE@HOST; NULL: not wanted */
	char *name;		   /* ALIVE or ALIVE@HOST; NULL: of the slot */
	char *cookie_file; /* NULL: ~/.erlang.cookie */
} NodeOptions;

#endif
