/*
 * dialog.h
 *		The stream, offered to a registered process over one connection.
 */
#ifndef ETF_DIALOG_H
#define ETF_DIALOG_H

#include "client/consumer/beam.h"
#include "client/node/greet.h"
#include "client/node/message.h"

typedef struct Dialog
{
	Beam beam; /* first, so that one pointer is both */
	LoopInput input;
	const Peer *peer;
	const Settings *given; /* by the command line */
	Sender sender;		   /* we, in this dialog */
	int64_t began_at;
	int64_t heard_at;
	bool warned;  /* of a stranger's message */
	Failure lost; /* FAIL_NONE: somebody stopped it, or the engine failed */
} Dialog;

/*
 * Talk until the connection, the process or the engine ends; then "lost" and
 * engine.failure say why, and the beam is to be freed.  Closes "fd".
 */
extern void dialog_run(Dialog *dialog, int fd);

/* Was it better than a failure to connect? */
extern bool dialog_got_somewhere(const Dialog *dialog);

#endif
