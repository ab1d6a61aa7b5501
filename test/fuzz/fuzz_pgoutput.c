/*
 * fuzz_pgoutput.c
 *		Messages of pgoutput from a server that is not to be trusted.
 *
 * The input is a byte of options, then messages, each behind its length in two
 * bytes.  Whatever they are, the frames made of them are sound, follow each
 * other, and nothing waits for ever.
 */
#include <libpq-fe.h>
#include <string.h>

#include "client/source/assemble.h"
#include "client/source/frame_order.h"
#include "client/source/host.h"
#include "client/source/retell.h"
#include "common/term/read.h"
#include "fuzz.h"

#define COLUMNS 13

/* What the catalogs say to every question. */
static const char *const catalogs[][COLUMNS] = {
	{"t", "20000", "pair", "c", "0", ",", "-1", "t", NULL, "x", "23", "-1",
	 "1"},
	{"t", "20000", "pair", "c", "0", ",", "-1", "t", NULL, "y", "20001", "-1",
	 "2"},
	{"t", "20001", "_mood", "a", "20002", ",", "-1", "t", NULL, NULL, NULL,
	 NULL, NULL},
	{"t", "20002", "mood", "e", "0", ",", "-1", "t", NULL, NULL, NULL, NULL,
	 NULL},
	{"t", "20003", "floats", "r", "701", ",", "-1", "t", NULL, NULL, NULL, NULL,
	 NULL},
	{"t", "20004", "many", "m", "20003", ",", "-1", "t", NULL, NULL, NULL, NULL,
	 NULL},
	{"t", "20005", "grid", "d", "1007", ",", "-1", "t", NULL, NULL, NULL, NULL,
	 NULL},
	{"t", "20006", "unread", "b", "0", ",", "-1", "t", NULL, NULL, NULL, NULL,
	 NULL},
	{"p", "1", "id", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "1"},
};

static PGresult *
make_answer(void)
{
	static char *const names[COLUMNS] = {
		"what",		  "oid",		  "name",  "kind",		"part",
		"delimiter",  "typmod",		  "sends", "extension", "field",
		"field_type", "field_typmod", "attnum"};
	PGresAttDesc columns[COLUMNS] = {{.name = NULL}};
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

	for (int i = 0; i < COLUMNS; i++)
		columns[i].name = names[i];
	HOLDS(result != NULL && PQsetResultAttrs(result, COLUMNS, columns));
	for (int row = 0; row < (int) (sizeof(catalogs) / sizeof(catalogs[0]));
		 row++)
		for (int i = 0; i < COLUMNS; i++)
		{
			const char *text = catalogs[row][i];

			HOLDS(PQsetvalue(result, row, i, (char *) text,
							 text != NULL ? (int) strlen(text) : -1));
		}
	return result;
}

/* More than one input has. */
#define SPOOL_BYTES (1 << 20)

static void
begin(Assembler *assembler, uint8_t flags)
{
	EtfOptions *options = &assembler->options;

	assembler_init(assembler);
	assembler->streaming = (flags & 32) == 0;
	forms_resolve(&options->forms);
	options->forms.rows = (flags & 4) != 0 ? ROWS_TUPLE : ROWS_MAP;
	options->frame_bytes = (flags & 8) != 0 ? 100 : 65536;
	if ((flags & 16) != 0)
		options->relations = RELATIONS_FRAME;
	if ((flags & 32) != 0)
		options->origin = ORIGIN_NONE;
	options->messages = (flags & 64) != 0;
	assembler_begin(assembler, (flags & 128) != 0 ? 180000 : 150000,
					(flags & 1) != 0,
					(flags & 2) != 0 ? &source_raw_host : &source_host);
}

/* What a server says of streams may be wrong, how it is passed on is not. */
static void
keep(Spool *spool, const FrameHead *head, const uint8_t *frame, size_t len)
{
	if (head->kind == FRAME_STREAM_ABORT)
		HOLDS(spool_abort(spool, head) == SPOOL_KEPT);
	else if (spool_put(spool, head, (const char *) frame, len) != SPOOL_KEPT)
		HOLDS(head->part == FRAME_MIDDLE);
}

/* One whole term, whose head reads, in its place. */
static void
check_frame(Assembler *assembler, Order *order)
{
	size_t len;
	char *data = assembler_take(assembler, &len);
	uint8_t *frame = fuzz_copy(data, len);
	TermReader reader;
	FrameHead head;

	HOLDS(frame_read_head(frame, len, &head));
	/* Positions are the server's. */
	if (head.kind == FRAME_STREAM || head.kind == FRAME_STREAM_ABORT)
		keep(assembler->spool, &head, frame, len);
	else if (head.end_lsn > head.commit_lsn || !frame_ends(&head))
	{
		const char *wrong = order_check(order, &head);

		HOLDS(wrong == NULL || strstr(wrong, "ends") != NULL);
	}
	term_read_init(&reader, frame + 1, len - 1);
	HOLDS(term_skip(&reader) && reader.pos == frame + len);
	free(frame);
	free(data);
}

static bool take(Assembler *assembler, Order *order, const PGresult *answer,
				 const char *bytes, size_t len);

/* A stream that has ended: whatever was kept can be read. */
static bool
retell(Assembler *assembler, Order *order, const PGresult *answer)
{
	SpoolStream *stream = spool_find(assembler->spool, assembler->tx.xid);
	Retell retell;
	const char *bytes;
	size_t len;
	bool goes_on = stream != NULL;

	if (stream == NULL)
		return false;
	retell_begin(&retell, stream);
	while (goes_on)
	{
		HOLDS(retell_next(&retell, &bytes, &len));
		if (bytes == NULL)
			break;
		goes_on = take(assembler, order, answer, bytes, len);
	}
	retell_stop(&retell);
	spool_drop(assembler->spool, stream);
	if (goes_on &&
		assembler_end_tx(assembler, assembler->tx.end_lsn) == ASSEMBLED_FRAME)
		check_frame(assembler, order);
	return goes_on;
}

/* A message is given again at most once for each reason. */
static bool
take(Assembler *assembler, Order *order, const PGresult *answer,
	 const char *bytes, size_t len)
{
	for (int i = 0; i < 4; i++)
	{
		switch (assemble(assembler, bytes, len))
		{
			case ASSEMBLED_FRAME:
				check_frame(assembler, order);
				return true;
			case ASSEMBLED_CUT:
				check_frame(assembler, order);
				break;
			case ASSEMBLED_STREAM:
				return retell(assembler, order, answer);
			case ASSEMBLED_QUESTION:
				assembler_answer(assembler, answer);
				break;
			case ASSEMBLED_UNFIT:
				HOLDS(plan_unfit(assembler->unfit) != NULL);
				return false;
			case ASSEMBLED_FAILED:
				HOLDS(assembler->error != NULL);
				return false;
			default:
				return true;
		}
	}
	HOLDS(!"a message is never done with");
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static PGresult *answer;
	Assembler assembler;
	Spool spool;
	Order order = {.open = false};
	bool goes_on = true;

	if (answer == NULL)
		answer = make_answer();
	if (size == 0)
		return 0;
	begin(&assembler, data[0]);
	order.streaming = assembler.streaming;
	spool_init(&spool, "/tmp", SPOOL_BYTES);
	assembler.spool = &spool;
	data++;
	size--;
	while (size >= 2 && goes_on)
	{
		size_t len = (size_t) data[0] << 8 | data[1];
		char *message;

		if (len > size - 2)
			len = size - 2;
		message = fuzz_copy(data + 2, len);
		goes_on = take(&assembler, &order, answer, message, len);
		free(message);
		data += 2 + len;
		size -= 2 + len;
	}
	assembler_free(&assembler);
	spool_clear(&spool);
	return 0;
}
