/*
 * options.h
 *		What a client may ask of a source of frames: the values, and how they
 *		are read from text.
 *
 * The plugin parses what START_REPLICATION or a SQL caller gave; the client
 * does where it makes the frames itself.  Both say what is wrong in their own
 * way.
 */
#ifndef ETF_OPTION_OPTIONS_H
#define ETF_OPTION_OPTIONS_H

#include "common/value/forms.h"

#define ETF_PROTOCOL_MIN 1
#define ETF_PROTOCOL_MAX 1

typedef enum EtfRelations
{
	RELATIONS_SESSION,
	RELATIONS_FRAME,
	RELATIONS_OFF
} EtfRelations;

typedef enum EtfOldRows
{
	OLD_ROWS_IDENTITY,
	OLD_ROWS_NONE
} EtfOldRows;

typedef enum EtfUpdates
{
	UPDATES_FULL,
	UPDATES_CHANGED
} EtfUpdates;

typedef enum EtfDdl
{
	DDL_OFF,
	DDL_TABLES,
	DDL_COMMANDS
} EtfDdl;

typedef enum EtfOrigin
{
	ORIGIN_ANY,
	ORIGIN_NONE
} EtfOrigin;

#define ACTION_INSERT (1 << 0)
#define ACTION_UPDATE (1 << 1)
#define ACTION_DELETE (1 << 2)
#define ACTION_TRUNCATE (1 << 3)

/*
 * The forms come first: their rows of the option table count from there.
 * Lists are kept as they were given, once they are known to be sound.
 */
typedef struct EtfOptions
{
	Forms forms;
	int protocol_version;
	const char *include_tables; /* see pattern.h; NULL: every table */
	const char *exclude_tables;
	const char *include_columns; /* NULL: every column */
	const char *exclude_columns;
	const char *mask_columns;	   /* see mask.h */
	const char *publication_names; /* see names.h; NULL: publications or not */
	const char *message_prefixes;  /* NULL: every prefix */
	int actions;				   /* ACTION_* bits */
	bool messages;
	bool skip_empty;
	bool visible;
	bool streaming;
	bool two_phase;
	int origin;	   /* EtfOrigin */
	int relations; /* EtfRelations */
	int old_rows;  /* EtfOldRows */
	int updates;   /* EtfUpdates */
	int ddl;	   /* EtfDdl */
	bool skip_unchanged;
	int frame_bytes;
} EtfOptions;

/* The defaults. */
extern void options_init(EtfOptions *options);

/* False when the text, which must stay where it is, is not valid for it. */
extern bool options_set(EtfOptions *options, const EtfOption *option,
						const char *text);

/* As OPTION_INT takes it. */
extern bool option_parse_int(const char *text, int *value);

/* What the options say of a table and of a message. */
extern bool options_want_table(const EtfOptions *options, const char *schema,
							   const char *table);
extern bool options_want_message(const EtfOptions *options, const char *prefix);

#endif
