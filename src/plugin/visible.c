/*
 * visible.c
 *		Nothing is delivered that a new snapshot does not see yet.
 *
 * A commit is in the WAL, and so in the stream, before the transaction has
 * left the ProcArray; in between the backend waits for synchronous standbys.
 * Whoever reads a row after its event must find it: so the transaction is held
 * back until then.  txn.c asks before the first frame of one, so one that has
 * nothing to send is not waited for.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "replication/walsender_private.h"
#include "storage/latch.h"
#include "storage/procarray.h"
#include "utils/timestamp.h"

#include "compat/backend.h"
#include "compat/decoding.h"
#include "plugin/visible.h"

/* Somebody should look for the reason by then. */
#define LONG_WAIT_MS 10000

/*
 * A standby decodes what it has replayed, which is visible there.  A
 * walsender that is a synchronous standby itself would wait for ever for what
 * waits for it.
 */
static bool
sees_all(void)
{
	return RecoveryInProgress() ||
		   (MyWalSnd != NULL && MyWalSnd->sync_standby_priority > 0);
}

/* 1 ms, then 10 ms: the walsender goes on telling that it is alive. */
static void
sleep_a_little(EtfSession *session, int turn)
{
	static uint32 wait_event = 0;

	if (wait_event == 0)
		wait_event = wait_event_of("PgEtfVisible");
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 turn < 10 ? 1 : 10, wait_event);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	output_progress(session->ctx, false);
}

static void
tell_of_long_wait(TransactionId xid)
{
	ereport(LOG,
			(errmsg("transaction %u has committed but is not visible yet", xid),
			 errdetail("It is held back from the reader of this slot; it "
					   "probably waits for a synchronous standby."),
			 errhint("Look at pg_stat_activity and pg_stat_replication. "
					 "Option visible=off delivers such transactions.")));
}

static void
wait_for(EtfSession *session, TransactionId xid)
{
	TimestampTz began = GetCurrentTimestamp();
	bool told = false;

	for (int turn = 0; TransactionIdIsInProgress(xid) && !sees_all(); turn++)
	{
		if (!told && TimestampDifferenceExceeds(began, GetCurrentTimestamp(),
												LONG_WAIT_MS))
		{
			tell_of_long_wait(xid);
			told = true;
		}
		sleep_a_little(session, turn);
	}
}

void
etf_await_visible(EtfSession *session, TransactionId xid)
{
	if (!session->options->visible || !TransactionIdIsInProgress(xid) ||
		sees_all())
		return;
	pg_usleep(20);
	wait_for(session, xid);
}
