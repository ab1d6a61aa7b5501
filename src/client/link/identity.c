/*
 * identity.c
 *		Is this the server, and the history, that the consumer knows?
 *
 * Called by stream_setup.c, which sends the commands; timeline.c reads the
 * server's history.
 */
#include "client/link/identity.h"

#include <stdio.h>
#include <string.h>

#include "client/link/timeline.h"
#include "common/term/lsn.h"

bool
identity_timeline_differs(const Stream *stream)
{
	return stream->reached != 0 && stream->reached_timeline != 0 &&
		   stream->reached_timeline != stream->timeline;
}

/* A standby catches up: nothing is lost. */
static bool
refuse_behind(Stream *stream)
{
	Failure *failure = &stream->db.failure;

	failure_set(failure, FAIL_SERVER_ERROR,
				"the standby has not yet replayed the consumer's position");
	failure_hint(failure, "Wait until it has caught up with its primary.");
	return false;
}

bool
identity_refuse_standby(Stream *stream)
{
	Failure *failure = &stream->db.failure;

	failure_set(failure, FAIL_SERVER_ERROR,
				"the server is a standby, and slot \"%s\" cannot be read on it",
				stream->settings->slot);
	snprintf(failure->hint, sizeof(failure->hint),
			 "Wait for its promotion. To connect to the primary, list all "
			 "hosts and set target_session_attrs=read-write.");
	return false;
}

void
identity_build(const Stream *stream, StrBuf *sql)
{
	(void) stream;
	strbuf_puts(sql, "IDENTIFY_SYSTEM");
}

static bool
check_cluster(Stream *stream)
{
	const char *identifier = db_value(&stream->db, "systemid");

	if (identifier == NULL)
	{
		failure_set(&stream->db.failure, FAIL_PROTOCOL,
					"the server did not report its system identifier");
		return false;
	}
	if (stream->system_identifier[0] != '\0' &&
		strcmp(identifier, stream->system_identifier) != 0)
	{
		failure_set(&stream->db.failure, FAIL_WRONG_SERVER,
					"the server's system identifier is %s, expected %s",
					identifier, stream->system_identifier);
		return false;
	}
	snprintf(stream->system_identifier, sizeof(stream->system_identifier), "%s",
			 identifier);
	return true;
}

bool
identity_check(Stream *stream)
{
	if (!check_cluster(stream))
		return false;
	stream->timeline = (uint32_t) db_number(&stream->db, "timeline");
	if (!identity_timeline_differs(stream) ||
		stream->timeline > stream->reached_timeline)
		return true;
	if (stream->in_recovery)
		return refuse_behind(stream);
	failure_set(&stream->db.failure, FAIL_WRONG_SERVER,
				"the server is on timeline %u, but the consumer has changes of "
				"timeline %u: this is the primary from before a failover",
				stream->timeline, stream->reached_timeline);
	return false;
}

void
identity_build_history(const Stream *stream, StrBuf *sql)
{
	strbuf_putf(sql, "TIMELINE_HISTORY %u", stream->timeline);
}

bool
identity_check_history(Stream *stream)
{
	const char *history = db_value(&stream->db, "content");
	char reached[LSN_TEXT_SIZE];
	char left[LSN_TEXT_SIZE];
	uint64_t end = 0;

	if (history != NULL &&
		timeline_end(history, stream->reached_timeline, &end) &&
		stream->reached <= end)
		return true;
	lsn_to_text(stream->reached, reached);
	lsn_to_text(end, left);
	failure_set(
		&stream->db.failure, FAIL_GAP,
		"the consumer has changes up to %s of timeline %u, but the server "
		"branched off at %s to timeline %u: they were lost in a failover",
		reached, stream->reached_timeline, left, stream->timeline);
	return false;
}

/*
 * Is it another slot of the same name?  One that was made anew has decoded
 * less; and of one that has decoded nothing nobody can tell.
 */
static bool
is_made_anew(const Stream *stream)
{
	return stream->decoded == 0 || stream->found_decoded < stream->decoded;
}

void
identity_set_anew(Failure *failure, const char *slot)
{
	failure_set(
		failure, FAIL_GAP,
		"slot \"%s\" is not the one that was read before: it was recreated",
		slot);
	failure_hint(
		failure,
		"The changes in between cannot be delivered: copy the data again, then "
		"start again. If another reader has received them, just start again.");
}

/*
 * The slot starts after the consumer's position.  Another process has read it
 * meanwhile, and a consumer that stores its position may have a newer one.
 * Changes are missing if the slot already was where it is when the position
 * was requested; and, for a consumer that stores nothing, if the slot is not
 * the one that it has read.
 */
static bool
refuse_passed(Stream *stream)
{
	Failure *failure = &stream->db.failure;
	char position[LSN_TEXT_SIZE];
	char confirmed[LSN_TEXT_SIZE];
	bool asks = stream->settings->ack_positions;

	lsn_to_text(stream->position, position);
	lsn_to_text(stream->confirmed, confirmed);
	if (!stream->resumes && stream->confirmed <= stream->vouched)
		failure_set(failure, FAIL_GAP,
					"the consumer's position is %s, but the slot starts at %s",
					position, confirmed);
	else if (stream->resumes && !asks && is_made_anew(stream))
		identity_set_anew(failure, stream->settings->slot);
	else
		failure_set(
			failure, FAIL_SLOT_MOVED,
			"the slot has moved from %s to %s: another process has read it",
			position, confirmed);
	return false;
}

bool
identity_check_position(Stream *stream)
{
	char position[LSN_TEXT_SIZE];
	char server[LSN_TEXT_SIZE];

	if (stream->position == 0)
		return true;
	if (stream->position <= stream->server_lsn)
		return stream->confirmed <= stream->position || refuse_passed(stream);
	if (stream->in_recovery)
		return refuse_behind(stream);
	lsn_to_text(stream->position, position);
	lsn_to_text(stream->server_lsn, server);
	failure_set(&stream->db.failure, FAIL_GAP,
				"the consumer's position %s is ahead of the server, which is "
				"at %s",
				position, server);
	return false;
}
