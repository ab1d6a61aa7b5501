/*
 * beam_log.h
 *		What a BEAM prints, as lines in the server's log.
 */
#ifndef ETF_BEAM_LOG_H
#define ETF_BEAM_LOG_H

/* More of them in a minute are only counted. */
#define BEAM_LOG_LINES 1000

/* Longer lines go on in the next one. */
#define BEAM_LOG_LINE 1024

/* What is kept of the latest lines. */
#define BEAM_LOG_RECENT 1024

typedef struct BeamLog
{
	int fd; /* does not block */
	size_t used;
	int64 minute; /* of the clock, in which "lines" were written */
	int lines;
	int64 left_out;
	char line[BEAM_LOG_LINE];
	char recent[BEAM_LOG_RECENT]; /* the latest lines, as many as fit */
} BeamLog;

extern void beam_log_init(BeamLog *log, int fd);

/* Write what is there, but not for ever.  False: there will be no more. */
extern bool beam_log_read(BeamLog *log, int64 now_ms);

/* The last words: a line that has no end. */
extern void beam_log_end(BeamLog *log, int64 now_ms);

#endif
