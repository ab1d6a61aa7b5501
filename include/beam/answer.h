/*
 * answer.h
 *		What the sidecar answers; read by sidecar.c.
 */
#ifndef ETF_ANSWER_H
#define ETF_ANSWER_H

#include "common/term/read.h"

#define SIDECAR_PEER "the sidecar"

typedef enum AnswerKind
{
	ANSWER_OK,
	ANSWER_MORE,
	ANSWER_NOTICE,
	ANSWER_RAISE,
	ANSWER_NONE
} AnswerKind;

/*
 * {Id, Kind, ...: the reader then stands behind Kind, and what follows was
 * walked through.  An ERROR where it is the answer to another request.
 */
extern AnswerKind answer_kind(TermReader *reader, int64 request);

/* The rest of "raise", as an ERROR or as a WARNING. */
extern void answer_raise(TermReader *reader);
extern void answer_warn(TermReader *reader);

/* The rest of "notice". */
extern void answer_notice(TermReader *reader);

/* 08P01, with what is wrong. */
extern void answer_bad(const TermReader *reader, const char *what);

#endif
