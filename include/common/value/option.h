/*
 * option.h
 *		Options as rows of a table.
 *
 * A row is all there is to an option: its name, how its text is parsed and
 * into which place of the struct that holds the values, its default, what is
 * valid, and a line of help.
 */
#ifndef ETF_OPTION_H
#define ETF_OPTION_H

#include <stddef.h>

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
	OPTION_CHOICE,	 /* one of choices, kept as int */
	OPTION_SET,		 /* comma-separated choices, or "all" */
	OPTION_TABLES,	 /* patterns of two parts */
	OPTION_PREFIXES, /* patterns of one part */
	OPTION_COLUMNS,	 /* patterns of three parts */
	OPTION_MASKS,	 /* such patterns, each with a mask */
	OPTION_NAMES,	 /* names as SQL has them */
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

#endif
