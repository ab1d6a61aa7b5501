/*
 * option_table.h
 *		The options as rows of a table.
 *
 * A row is all there is to an option: its name, how its text is parsed and
 * into which place of EtfOptions, its default, what is valid, and a line of
 * help.  To add one, add a member to EtfOptions and a row to option_table.c.
 */
#ifndef ETF_OPTION_TABLE_H
#define ETF_OPTION_TABLE_H

#include "plugin/options.h"

#define MAX_OPTIONS 32
#define MAX_ATOM_LENGTH 255

typedef struct EtfChoice
{
	const char *name; /* NULL: the end of the list */
	int value;
} EtfChoice;

typedef enum EtfOptionKind
{
	OPTION_BOOL,
	OPTION_INT,
	OPTION_CHOICE,	 /* one of choices */
	OPTION_SET,		 /* comma-separated choices, or "all" */
	OPTION_TABLES,	 /* patterns of two parts */
	OPTION_PREFIXES, /* patterns of one part */
	OPTION_ATOM
} EtfOptionKind;

typedef struct EtfOption
{
	const char *name;
	EtfOptionKind kind;
	size_t offset;
	const char *fallback; /* as a client would give it; NULL: stays zero */
	const char *help;
	const EtfChoice *choices;
	int min;
	int max;
} EtfOption;

extern const EtfOption etf_option_table[];
extern const int etf_option_count;

#endif
