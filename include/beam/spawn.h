/*
 * spawn.h
 *		Start a BEAM as a child of the worker.
 *
 * It leads a session and a process group of its own, has limits of memory and
 * files, no other descriptor of the server, and dies with its parent: by the
 * parent's death signal, and because descriptor 3 ends.
 */
#ifndef ETF_SPAWN_H
#define ETF_SPAWN_H

#include <sys/types.h>

typedef struct Spawned
{
	pid_t pid; /* of the leader: kill(-pid, ...) reaches all of them */
	int to;	   /* becomes its descriptor 3 */
	int from;  /* its descriptor 4 */
	int log;   /* its standard output and error */
} Spawned;

/*
 * What elixir.command says, with "socket" as the absolute path of its socket.
 * The three descriptors do not block.  False: errno has the reason.
 */
extern bool spawn_beam(Spawned *spawned, const char *socket);

/* Its descriptors only. */
extern void spawn_close(Spawned *spawned);

#endif
