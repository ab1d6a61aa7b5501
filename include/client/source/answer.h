/*
 * answer.h
 *		An answer to catalog_query.h, and the row of it that is read.
 */
#ifndef ETF_ANSWER_H
#define ETF_ANSWER_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct Answer
{
	const PGresult *result;
	int row;
} Answer;

static inline bool
answer_ends(const Answer *answer)
{
	return answer->row >= PQntuples(answer->result);
}

/* NULL for SQL's NULL. */
static inline const char *
answer_text(const Answer *answer, const char *column)
{
	int number = PQfnumber(answer->result, column);

	return PQgetisnull(answer->result, answer->row, number)
			   ? NULL
			   : PQgetvalue(answer->result, answer->row, number);
}

/* '\0' for NULL. */
static inline char
answer_char(const Answer *answer, const char *column)
{
	const char *text = answer_text(answer, column);

	return text != NULL ? *text : '\0';
}

static inline uint32_t
answer_oid(const Answer *answer, const char *column)
{
	const char *text = answer_text(answer, column);

	return text != NULL ? (uint32_t) strtoul(text, NULL, 10) : 0;
}

static inline int32_t
answer_int(const Answer *answer, const char *column)
{
	const char *text = answer_text(answer, column);

	return text != NULL ? (int32_t) strtol(text, NULL, 10) : 0;
}

static inline bool
answer_is_type(const Answer *answer)
{
	return answer_char(answer, "what") == 't';
}

static inline bool
answer_is_time(const Answer *answer)
{
	return answer_char(answer, "what") == 'a';
}

static inline bool
answer_is_table(const Answer *answer)
{
	return !answer_is_type(answer) && !answer_is_time(answer);
}

#endif
