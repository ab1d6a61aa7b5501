/*
 * test_dist.c
 *		What nodes say to each other, byte for byte as Erlang writes it.
 *
 * The bytes of control messages are those of term_to_binary.
 */
#include "check.h"
#include "common/dist/control.h"
#include "common/dist/handshake.h"
#include "common/term/read.h"

#define OUR_NAME "pg-1-2@h"
#define OUR_PID "58770870672d312d324068000000070000000911223344"
#define OUR_REF "5a0003770870672d312d32406811223344000000010000000200000003"
#define USER "587703614062000000420000000000000005"

static const uint8_t digest[DIST_DIGEST_SIZE] = {1, 2,	3,	4,	5,	6,	7,	8,
												 9, 10, 11, 12, 13, 14, 15, 16};

static void
check_bytes(const uint8_t *bytes, size_t len, const char *hex, const char *what)
{
	size_t wanted_len;
	uint8_t *wanted = from_hex(hex, &wanted_len);

	CHECK_THAT(len == wanted_len && memcmp(bytes, wanted, len) == 0, "%s",
			   what);
	free(wanted);
}

/* A term of hexadecimal digits; the caller frees its bytes. */
static DistTerm
term_of(const char *hex)
{
	DistTerm term;

	term.bytes = from_hex(hex, &term.len);
	return term;
}

static void
free_term(DistTerm term)
{
	free((void *) term.bytes);
}

static void
asks_epmd(void)
{
	uint8_t out[DIST_MESSAGE_MAX];
	static const uint8_t answer[] = {'w', 0, 0x11, 0x22, 77, 0, 0,
									 6,	  0, 5,	   0,	 0,	 0, 0};
	uint8_t other[sizeof(answer)];
	uint16_t port;

	check_bytes(out, epmd_write_request(out, "shop", 4), "00057a73686f70",
				"request");
	CHECK(epmd_read_answer(answer, sizeof(answer), &port) && port == 0x1122);
	CHECK(!epmd_read_answer(answer, EPMD_ANSWER_SIZE - 1, &port));
	for (int i = 0; i < 2; i++) /* no answer; a failure */
	{
		memcpy(other, answer, sizeof(answer));
		other[i] ^= 1;
		CHECK(!epmd_read_answer(other, sizeof(other), &port));
	}
	memcpy(other, answer, sizeof(answer));
	other[7] = 5;
	CHECK(!epmd_read_answer(other, sizeof(other), &port));
}

static void
writes_greetings(void)
{
	uint8_t out[DIST_MESSAGE_MAX];
	char name[DIST_NAME_MAX + 1];

	check_bytes(out, dist_write_name(out, OUR_NAME, 0x11223344),
				"00174e0000000507074fbc11223344000870672d312d324068", "name");
	check_bytes(out, dist_write_true(out), "00057374727565", "true");
	check_bytes(out, dist_write_answer(out, 0xFFFFFFFE, digest),
				"001572fffffffe0102030405060708090a0b0c0d0e0f10", "answer");
	check_bytes(out, dist_digest_input(out, "abc", 4294967295u),
				"61626334323934393637323935", "digest");

	memset(name, 'n', DIST_NAME_MAX);
	name[DIST_NAME_MAX] = '\0';
	CHECK(dist_write_name(out, name, 1) <= DIST_MESSAGE_MAX);
}

static void
reads_a_status(void)
{
	DistStatus status;

	CHECK(dist_read_status((const uint8_t *) "sok", 3, &status) &&
		  status == DIST_OK);
	CHECK(dist_read_status((const uint8_t *) "sok_simultaneous", 16, &status) &&
		  status == DIST_OK);
	CHECK(dist_read_status((const uint8_t *) "salive", 6, &status) &&
		  status == DIST_ALIVE);
	CHECK(dist_read_status((const uint8_t *) "snok", 4, &status) &&
		  status == DIST_REFUSED);
	CHECK(dist_read_status((const uint8_t *) "snot_allowed", 12, &status) &&
		  status == DIST_REFUSED);
	CHECK(!dist_read_status((const uint8_t *) "sokay", 5, &status));
	CHECK(!dist_read_status((const uint8_t *) "xok", 3, &status));
	CHECK(!dist_read_status((const uint8_t *) "s", 1, &status));
	CHECK(!dist_read_status(NULL, 0, &status));
}

static void
reads_a_challenge(void)
{
	size_t len;
	uint8_t *bytes = from_hex("4e0000000d07df7fbd0a0b0c0d"
							  "00000005000b73686f7040686f73742e61",
							  &len);
	uint8_t read[DIST_DIGEST_SIZE];
	uint8_t answer[1 + DIST_DIGEST_SIZE] = {'a'};
	DistChallenge challenge;

	CHECK(dist_read_challenge(bytes, len, &challenge));
	CHECK(challenge.challenge == 0x0A0B0C0D && challenge.creation == 5);
	CHECK(challenge.flags == UINT64_C(0xD07DF7FBD));
	CHECK(strcmp(challenge.name, "shop@host.a") == 0);
	for (size_t cut = 0; cut < len; cut++)
	{
		uint8_t *copy = exact_copy(bytes, cut);

		CHECK(!dist_read_challenge(copy, cut, &challenge));
		free(copy);
	}
	bytes[20] = 0;
	CHECK(!dist_read_challenge(bytes, len, &challenge));
	free(bytes);

	memcpy(answer + 1, digest, sizeof(digest));
	CHECK(dist_read_answer(answer, sizeof(answer), read) &&
		  memcmp(read, digest, sizeof(read)) == 0);
	CHECK(!dist_read_answer(answer, sizeof(answer) - 1, read));
}

static void
knows_what_is_needed(void)
{
	CHECK(dist_flags_suffice(UINT64_C(0xD07DF7FBD)));  /* OTP 25 */
	CHECK(dist_flags_suffice(UINT64_C(0x504000000)));  /* by the digest */
	CHECK(!dist_flags_suffice(UINT64_C(0x404000000))); /* no SPAWN */
	CHECK(!dist_flags_suffice(0x7DF7FBD));

	CHECK(dist_name_is_valid("a@b"));
	CHECK(!dist_name_is_valid("a") && !dist_name_is_valid("@b") &&
		  !dist_name_is_valid("a@") && !dist_name_is_valid("a@b@c"));
}

static void
writes_what_erlang_writes(void)
{
	uint8_t out[DIST_CONTROL_MAX];
	const uint32_t ids[] = {1, 2, 3};
	DistTerm pid = term_of(OUR_PID);
	DistTerm ref = term_of(OUR_REF);
	DistTerm user = term_of(USER);
	DistTerm shop = term_of("770473686f70");
	DistTerm kill = term_of("77046b696c6c");
	DistTerm id = term_of("6e060079df0d864870");

	check_bytes(out, dist_put_pid(out, OUR_NAME, 7, 9, 0x11223344), OUR_PID,
				"pid");
	check_bytes(out, dist_put_ref(out, OUR_NAME, 0x11223344, ids), OUR_REF,
				"ref");
	check_bytes(out, dist_put_atom(out, "shop"), "770473686f70", "atom");
	check_bytes(out, dist_write_send(out, user),
				"70836803610277"
				"00" USER,
				"send");
	check_bytes(out, dist_write_reg_send(out, pid, shop),
				"7083680461"
				"06" OUR_PID "7700"
				"770473686f70",
				"reg_send");
	check_bytes(out, dist_write_exit2(out, pid, user, kill),
				"7083680461"
				"08" OUR_PID USER "77046b696c6c",
				"exit2");
	check_bytes(out, dist_write_monitor(out, pid, shop, ref),
				"7083680461"
				"13" OUR_PID "770473686f70" OUR_REF,
				"monitor");
	check_bytes(out, dist_write_call(out, ref, pid, user),
				"7083680661"
				"1d" OUR_REF OUR_PID USER
				"6803770465727063770c657865637574655f63616c6c6104"
				"6c0000000177046c696e6b6a",
				"call");
	check_bytes(out, dist_write_unlink_ack(out, id, pid, user),
				"7083680461"
				"24"
				"6e060079df0d864870" OUR_PID USER,
				"ack");
	free_term(pid);
	free_term(ref);
	free_term(user);
	free_term(shop);
	free_term(kill);
	free_term(id);
}

/* Read it whole, cut anywhere, and with more behind it. */
static DistControl
read_packet(const char *hex, uint8_t **bytes)
{
	DistControl control;
	size_t len;

	*bytes = from_hex(hex, &len);
	for (size_t cut = 1; cut < len; cut++)
	{
		uint8_t *copy = exact_copy(*bytes, cut);

		/* What is left may be a packet without a payload. */
		if (dist_read_control(copy, cut, &control))
			CHECK(control.payload.bytes == NULL);
		else
			CHECK(control.error != NULL);
		free(copy);
	}
	CHECK_THAT(dist_read_control(*bytes, len, &control), "%s", control.error);
	return control;
}

static void
check_field(const DistControl *control, DistField field, const char *hex)
{
	check_bytes(control->fields[field].bytes, control->fields[field].len, hex,
				"field");
}

static void
reads_what_erlang_writes(void)
{
	uint8_t *bytes;
	DistControl control;

	control = read_packet("7083680561"
						  "1f" OUR_REF OUR_PID "6100" USER,
						  &bytes);
	CHECK(control.operation == DIST_SPAWN_REPLY);
	check_field(&control, DIST_REF, OUR_REF);
	check_field(&control, DIST_TO, OUR_PID);
	check_field(&control, DIST_RESULT, USER);
	CHECK(dist_is_pid(control.fields[DIST_TO], 7, 9));
	CHECK(!dist_is_pid(control.fields[DIST_TO], 7, 8));
	CHECK(!dist_is_pid(control.fields[DIST_REF], 7, 9));
	CHECK(!dist_is_pid(control.fields[DIST_REASON], 7, 9));
	free(bytes);

	control = read_packet("7083680461"
						  "03" USER OUR_PID "6803770172770672657475726e612a",
						  &bytes);
	CHECK(control.operation == DIST_EXIT);
	check_field(&control, DIST_FROM, USER);
	check_field(&control, DIST_REASON, "6803770172770672657475726e612a");
	free(bytes);

	control = read_packet("7083680561"
						  "15"
						  "770473686f70" OUR_PID OUR_REF "77066e6f70726f63",
						  &bytes);
	CHECK(control.operation == DIST_MONITOR_P_EXIT);
	check_field(&control, DIST_REASON, "77066e6f70726f63");
	free(bytes);

	control = read_packet("7083680461"
						  "23"
						  "6105" USER OUR_PID,
						  &bytes);
	CHECK(control.operation == DIST_UNLINK_ID);
	check_field(&control, DIST_ID, "6105");
	free(bytes);
}

static void
reads_payloads(void)
{
	static const uint8_t unknown[] = {'p', 131, 104, 2, 97, 200, 106};
	static const uint8_t no_tuple[] = {'p', 131, 97, 2};
	static const uint8_t no_number[] = {'p', 131, 104, 1, 106};
	static const uint8_t header[] = {131, 68, 0};
	DistControl control;
	uint8_t *bytes;

	control = read_packet("70836803610277"
						  "00" OUR_PID "8374000000017701616b00020102",
						  &bytes);
	CHECK(control.operation == DIST_SEND && control.payload.len == 13);
	free(bytes);
	CHECK(dist_read_control(NULL, 0, &control) && control.tick);
	CHECK(dist_read_control(unknown, sizeof(unknown), &control) &&
		  control.operation == 200 && control.fields[DIST_TO].bytes == NULL);
	CHECK(!dist_read_control(no_tuple, sizeof(no_tuple), &control));
	CHECK(!dist_read_control(no_number, sizeof(no_number), &control));
	CHECK(!dist_read_control(header, sizeof(header), &control));
}

int
main(void)
{
	asks_epmd();
	writes_greetings();
	reads_a_status();
	reads_a_challenge();
	knows_what_is_needed();
	writes_what_erlang_writes();
	reads_what_erlang_writes();
	reads_payloads();
	return check_done();
}
