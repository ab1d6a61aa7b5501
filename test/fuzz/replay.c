/*
 * replay.c
 *		Give files to a fuzz target, one by one; no libFuzzer needed.
 *
 *		replay_x FILE...
 */
#include <string.h>

#include "fuzz.h"

#define LIMIT (16u << 20)

static bool
replay(const char *name, uint8_t *bytes)
{
	FILE *file = fopen(name, "rb");
	size_t len;
	uint8_t *copy;

	if (file == NULL)
	{
		perror(name);
		return false;
	}
	len = fread(bytes, 1, LIMIT, file);
	fclose(file);
	copy = fuzz_copy(bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return true;
}

int
main(int argc, char **argv)
{
	uint8_t *bytes = malloc(LIMIT);
	bool good = argc > 1 && bytes != NULL;

	for (int i = 1; good && i < argc; i++)
		good = replay(argv[i], bytes);
	free(bytes);
	if (good)
		printf("%d inputs\n", argc - 1);
	return good ? 0 : 1;
}
