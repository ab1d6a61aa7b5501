/*
 * password.h
 *		Ask for a password on the terminal.
 */
#ifndef ETF_PASSWORD_H
#define ETF_PASSWORD_H

#include "client/base/failure.h"
#include "client/base/settings.h"

/* Is a terminal available? */
extern bool password_can_be_asked(void);

/*
 * Put what is typed into "connection".  Without a terminal a line of stdin is
 * taken.  False: see "failure".
 */
extern bool password_ask(PairList *connection, Failure *failure);

#endif
