/*
 * obey.c
 *		Commands of the BEAM, obeyed.
 *
 * Called by beam.c with packets as they come; command.c reads them, the engine
 * acts.
 */
#include "client/consumer/obey.h"

#include "client/consumer/command.h"

void
obey_refuse(Engine *engine, FailureClass class, const char *what)
{
	Failure failure;

	failure_set(&failure, class, "%s", what);
	engine_fail(engine, &failure);
}

static void
obey_backfill(Engine *engine, Command *command, const char *error)
{
	BackfillCommand *backfill = &command->backfill;

	switch (command->kind)
	{
		case COMMAND_BACKFILL:
			engine_backfill(engine, &backfill->request,
							backfill->refused ? error : NULL);
			break;
		case COMMAND_BACKFILL_DONE:
			engine_backfill_done(engine, backfill->id, backfill->chunk);
			break;
		case COMMAND_BACKFILL_RETRY:
			engine_backfill_retry(engine, backfill->id, backfill->chunk,
								  backfill->reason);
			break;
		case COMMAND_BACKFILL_KEYS:
			engine_backfill_keys(engine, backfill->id, backfill->rel,
								 backfill->keys, backfill->keys_len);
			break;
		case COMMAND_BACKFILL_STOP:
			engine_backfill_stop(engine, backfill->id);
			break;
		default:
			engine_backfill_pause(engine, backfill->id,
								  command->kind == COMMAND_BACKFILL_PAUSE);
			break;
	}
}

static void
obey(Engine *engine, const Settings *settings, Command *command,
	 const char *error)
{
	switch (command->kind)
	{
		case COMMAND_NONE:
			break;
		case COMMAND_START:
			engine_start(engine, settings);
			break;
		case COMMAND_CREDIT:
			engine_credit(engine, command->events, command->bytes);
			break;
		case COMMAND_FLUSHED:
			engine_flushed(engine, command->lsn);
			break;
		case COMMAND_GO:
			engine_go(engine, command->lsn, command->seen);
			break;
		case COMMAND_STOP:
			engine_stop(engine);
			break;
		case COMMAND_STATS:
			engine_stats(engine);
			break;
		default:
			obey_backfill(engine, command, error);
			break;
	}
}

void
obey_packet(Engine *engine, Settings *settings, const char *packet, size_t len)
{
	bool idle = engine->phase == ENGINE_IDLE;
	Command command;
	char error[256];

	if (!command_decode(packet, len, &command, idle ? settings : NULL, error,
						sizeof(error)))
		obey_refuse(engine,
					command.kind == COMMAND_START && idle ? FAIL_CONFIG
														  : FAIL_PROTOCOL,
					error);
	else if (idle && command.kind != COMMAND_START &&
			 command.kind != COMMAND_STOP)
		obey_refuse(engine, FAIL_PROTOCOL,
					"the first command is not {start, Map}");
	else
		obey(engine, settings, &command, error);
}
