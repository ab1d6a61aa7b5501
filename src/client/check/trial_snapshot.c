/*
 * trial_snapshot.c
 *		May the tables be read that a snapshot would have?
 *
 * It is planned as exact_desk.c does, and not taken.
 */
#include <poll.h>
#include <string.h>

#include "client/backfill/plan.h"
#include "client/backfill/published_query.h"
#include "client/base/clock.h"
#include "client/check/trial.h"
#include "client/link/publication.h"

/* Between two looks at the time that is left. */
#define TICK_MS 100

static ReaderEvent
wait_for(Reader *reader)
{
	ReaderEvent event = READER_NOTHING;

	while (event == READER_NOTHING)
	{
		struct pollfd fd = {.fd = reader_fd(reader),
							.events = reader_events(reader, true)};

		(void) poll(&fd, 1, TICK_MS);
		event = reader_turn(reader, clock_ms(), fd.revents, true);
	}
	return event;
}

/* Of publications: those that are yet to be made have nothing. */
static void
put_plan(const Reader *reader, const Settings *settings, bool published,
		 StrBuf *sql)
{
	StrBuf names = {0};

	strbuf_putf(sql, "SET row_security = off; SET statement_timeout = %llu; ",
				(unsigned long long) settings->connect_timeout);
	if (!published)
		plan_build(reader, settings, NULL, NULL, sql);
	else
	{
		publication_put_wanted(settings, &names);
		sql->failed |= names.failed;
		if (!names.failed)
			published_put_plan(names.data, PQserverVersion(reader->db.conn),
							   NULL, sql);
	}
	strbuf_free(&names);
}

static bool
ask_plan(Reader *reader, const Settings *settings, bool published)
{
	StrBuf sql = {0};

	reader_open(reader, published ? READER_USE_COPY : READER_USE_EXTENSION,
				settings, NULL, 0, "", clock_ms());
	if (wait_for(reader) != READER_READY)
		return false;
	put_plan(reader, settings, published, &sql);
	reader_run(reader, &sql);
	return wait_for(reader) == READER_DONE;
}

static void
look_at_plan(const PGresult *result, const Published *published,
			 uint64_t *tables, Failure *failure)
{
	BackfillState plan = {0};
	StrBuf unreadable = {0};

	if (!plan_take(result, published, NULL, &plan, &unreadable))
		failure_set(failure, FAIL_INTERNAL, "out of memory");
	else if (unreadable.len > 0)
	{
		failure_set(failure, FAIL_CONFIG, PLAN_UNREADABLE ": %s",
					unreadable.data);
		failure_hint(failure, PLAN_UNREADABLE_HINT);
	}
	*tables = plan.count;
	backfill_state_free(&plan);
	strbuf_free(&unreadable);
}

void
trial_snapshot(const Settings *settings, OutputPlugin plugin, uint64_t *tables,
			   Failure *failure)
{
	bool copied = plugin == PLUGIN_PGOUTPUT;
	Published published = {.text = false};
	Reader reader = {.state = READER_CLOSED};

	*failure = (Failure){.class = FAIL_NONE};
	*tables = 0;
	/* That there is none is told already. */
	if (copied && publication_names(settings) == NULL)
		return;
	if (!ask_plan(&reader, settings, copied))
		*failure = reader.db.failure;
	else if (!copied || published_begin(&published, settings,
										PQserverVersion(reader.db.conn), false,
										false, failure))
		look_at_plan(reader.db.result, copied ? &published : NULL, tables,
					 failure);
	reader_close(&reader);
	published_free(&published);
}
