/*
 * column_type.h
 *		What the values of a column are made of, as its relation event says.
 */
#ifndef ETF_COLUMN_TYPE_H
#define ETF_COLUMN_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/term/read.h"

typedef enum TypeForm
{
	TYPE_SCALAR,
	TYPE_ARRAY,
	TYPE_RANGE,
	TYPE_MULTIRANGE,
	TYPE_COMPOSITE
} TypeForm;

/* "oid" is that of a scalar. */
typedef struct ColumnType
{
	TypeForm form;
	uint32_t oid;
	int32_t typmod;
	bool hstore;

	/* One for the elements or the bounds; those of a composite have names. */
	struct ColumnType *part;
	uint32_t parts;
	char *name;
	uint32_t name_len;
} ColumnType;

/*
 * Of the terms TypeOid, TypeName and Typmod.  False: see the reader's error.
 * What was read is freed by column_type_free() in any case.
 */
extern bool column_type_read(TermReader *reader, ColumnType *type);

/* A flag {as, Shape}, of which "reader" is at the shape. */
extern bool column_type_read_shape(TermReader *reader, ColumnType *type);

extern void column_type_free(ColumnType *type);

#endif
