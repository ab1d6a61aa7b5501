/*
 * main.c
 *		Start of the client.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/loop.h"
#include "client/port.h"

int
main(int argc, char **argv)
{
	srandom((unsigned int) (time(NULL) ^ getpid()));
	loop_init();
	if (argc == 2 && strcmp(argv[1], "--port") == 0)
		return port_main();
	return 2;
}
