/*
 * shared.c
 *		What the readers of both formats end in.
 *
 * The encoders of the ring trust the server that they run in.  Here its bytes
 * came over a network, so what they would not take is refused.
 */
#include "client/wire/reader.h"
#include "common/term/utf8.h"
#include "common/value/json.h"
#include "common/value/time.h"

/* From 4713-11-24 BC to 5874897-12-31, ... */
#define DATE_MIN (-2451545)
#define DATE_MAX INT64_C(2145031948)

/* ... and to the end of 294276. */
#define TIMESTAMP_MIN (DATE_MIN * DAY_USECS)
#define TIMESTAMP_END INT64_C(9223371331200000000)

#define ZONE_MAX (16 * 3600)

#define SCALE_MAX 16383
#define GROUP_MAX 9999

/* What SMALL_ATOM_UTF8_EXT can hold. */
#define ATOM_MAX 255

void
wire_rest_text(WireReader *in)
{
	size_t len;
	const char *text = wire_take_rest(in, &len);

	wire_put_text(in, text, len);
}

static bool
is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] >= 0x80)
			return false;
	return true;
}

/* What the host does not take for UTF-8 is a document to nobody. */
static bool
is_utf8(const WireReader *in, const char *text, size_t len)
{
	return in->out->host->put_text == etf_put_binary || is_ascii(text, len);
}

void
wire_rest_json(WireReader *in)
{
	size_t len;
	const char *text = wire_take_rest(in, &len);

	if (in->out->forms->json == JSON_TERM && is_utf8(in, text, len))
		etf_put_json(in->out, text, len);
	else
		wire_put_text(in, text, len);
}

void
wire_rest_unknown(WireReader *in)
{
	wire_fail(in);
}

/* Only the size of the value is told. */
void
wire_rest_none(WireReader *in)
{
	out_overflow(in->out);
	in->pos = in->end;
}

static bool
are_groups(const uint16_t *groups, int ngroups)
{
	for (int i = 0; i < ngroups; i++)
		if (groups[i] > GROUP_MAX)
			return false;
	return true;
}

void
wire_put_numeric(WireReader *in, bool negative, int weight, int scale,
				 const uint16_t *groups, int ngroups)
{
	Decimal number;

	for (; ngroups > 0 && groups[0] == 0; ngroups--, groups++)
		weight--;
	while (ngroups > 0 && groups[ngroups - 1] == 0)
		ngroups--;
	if (scale < 0 || scale > SCALE_MAX || weight < INT16_MIN ||
		weight > INT16_MAX || !are_groups(groups, ngroups))
	{
		wire_fail(in);
		return;
	}
	number =
		decimal_from_groups(negative && ngroups > 0, ngroups > 0 ? weight : 0,
							scale, (const char *) groups, ngroups);
	etf_put_decimal(in->out, &number);
}

void
wire_put_special_numeric(WireReader *in, bool nan, bool negative)
{
	const Decimal number = {.special = true, .nan = nan, .negative = negative};

	etf_put_decimal(in->out, &number);
}

void
wire_put_date(WireReader *in, int64_t days)
{
	bool infinite = days == INT32_MIN || days == INT32_MAX;

	if (infinite || (days >= DATE_MIN && days <= DATE_MAX))
		etf_put_date(in->out, (int32_t) days);
	else
		wire_fail(in);
}

static bool
is_time(int64_t usecs)
{
	return usecs >= 0 && usecs <= DAY_USECS;
}

void
wire_put_time(WireReader *in, int64_t usecs)
{
	if (is_time(usecs))
		etf_put_time(in->out, usecs, time_precision(in->typmod));
	else
		wire_fail(in);
}

void
wire_put_timetz(WireReader *in, int64_t usecs, int32_t west)
{
	if (is_time(usecs) && west > -ZONE_MAX && west < ZONE_MAX)
		etf_put_timetz(in->out, usecs, west, time_precision(in->typmod));
	else
		wire_fail(in);
}

void
wire_put_timestamp(WireReader *in, int64_t usecs, bool utc)
{
	bool infinite = usecs == INT64_MIN || usecs == INT64_MAX;

	if (infinite || (usecs >= TIMESTAMP_MIN && usecs < TIMESTAMP_END))
		etf_put_timestamp(in->out, usecs, time_precision(in->typmod), utc);
	else
		wire_fail(in);
}

void
wire_put_key(TermOut *out, FieldName name)
{
	size_t len = strlen(name.text);

	if (out->forms->keys == KEYS_ATOM && !name.taken && len <= ATOM_MAX &&
		utf8_check((const uint8_t *) name.text, len, NULL))
		etf_put_atom_len(out, name.text, len);
	else
		etf_put_field_name(out, name);
}
