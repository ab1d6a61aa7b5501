/*
 * metrics.c
 *		Reports about slots in the text format of Prometheus.
 *
 * Of status.c, and of metrics_file.c for statistics.  Names and meanings are
 * those of PgEtf.Metrics in Elixir; docs/metrics.md lists all.
 */
#include "client/show/metrics.h"

#include <string.h>

#include "client/show/json_quote.h"

typedef enum MetricKind
{
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_IS,	/* 1 where the value is one of "values" */
	METRIC_SET, /* one for each of "values", 1 for what is the case */
	METRIC_BUILD
} MetricKind;

typedef struct Metric
{
	const char *name;
	MetricKind kind;
	const char *key; /* of a field */
	const char *help;
	const char *label;
	const char *const *values;
} Metric;

static const char *const reading[] = {"streaming", "catalogs", "stalled", NULL};
static const char *const active[] = {"true", NULL};
static const char *const states[] = {
	"streaming",  "catalogs",	  "stalled",	  "parked",	  "standby",
	"connecting", "reconnecting", "open_circuit", "stopping", NULL};
static const char *const wal_statuses[] = {"reserved", "extended", "unreserved",
										   "lost", NULL};

static const Metric metrics[] = {
	{"pg_etf_up", METRIC_IS, "state", "1 while the stream reads its slot", NULL,
	 reading},
	{"pg_etf_state", METRIC_SET, "state",
	 "1 for the state that the stream is in", "state", states},
	{"pg_etf_events_total", METRIC_COUNTER, "sent_events", "changes received",
	 NULL, NULL},
	{"pg_etf_received_bytes_total", METRIC_COUNTER, "sent_bytes",
	 "bytes of frames received", NULL, NULL},
	{"pg_etf_transactions_total", METRIC_COUNTER, "transactions",
	 "transactions delivered since the program started", NULL, NULL},
	{"pg_etf_frames_total", METRIC_COUNTER, "frames",
	 "frames delivered since the program started", NULL, NULL},
	{"pg_etf_lag_bytes", METRIC_GAUGE, "lag_bytes",
	 "WAL between the confirmed position and that of the server", NULL, NULL},
	{"pg_etf_retained_wal_bytes", METRIC_GAUGE, "retained_bytes",
	 "WAL that the slot keeps", NULL, NULL},
	{"pg_etf_safe_wal_bytes", METRIC_GAUGE, "safe_wal_bytes",
	 "WAL that may still be written before the slot is lost; absent without a "
	 "limit",
	 NULL, NULL},
	{"pg_etf_slot_active", METRIC_IS, "active",
	 "1 while a stream reads the slot", NULL, active},
	{"pg_etf_wal_status", METRIC_SET, "wal_status",
	 "1 for the wal_status of the slot", "status", wal_statuses},
	{"pg_etf_catalog_xmin_age", METRIC_GAUGE, "catalog_xmin_age",
	 "transactions since the oldest one whose catalog rows the slot keeps",
	 NULL, NULL},
	{"pg_etf_reconnects_total", METRIC_COUNTER, "reconnects",
	 "connections made again since the program started", NULL, NULL},
	{"pg_etf_rewinds_total", METRIC_COUNTER, "rewinds",
	 "transactions that a lost connection made the program repeat", NULL, NULL},
	{"pg_etf_stalls_total", METRIC_COUNTER, "stalls",
	 "times that the program waited for so long that it disconnected", NULL,
	 NULL},
	{"pg_etf_spooled_bytes", METRIC_GAUGE, "spooled_bytes",
	 "bytes of transactions in progress that wait in files", NULL, NULL},
	{"pg_etf_client_resident_memory_bytes", METRIC_GAUGE, "rss",
	 "memory of the program", NULL, NULL},
	{"pg_etf_build_info", METRIC_BUILD, NULL, "1, with the version", "version",
	 NULL},
};

static const Field *
find(const SlotFields *slot, const char *key)
{
	for (size_t i = 0; key != NULL && i < slot->count; i++)
	{
		if (strcmp(slot->fields[i].key, key) == 0)
			return &slot->fields[i];
	}
	return NULL;
}

static void
put_sample(StrBuf *out, const Metric *metric, const char *slot,
		   const char *label, uint64_t value)
{
	strbuf_putf(out, "%s{slot=", metric->name);
	json_quote(out, slot);
	if (label != NULL)
	{
		strbuf_putf(out, ",%s=", metric->label);
		json_quote(out, label);
	}
	strbuf_putf(out, "} %llu\n", (unsigned long long) value);
}

static bool
is_one_of(const char *text, const char *const *values)
{
	for (; *values != NULL; values++)
	{
		if (strcmp(text, *values) == 0)
			return true;
	}
	return false;
}

static void
put_set(StrBuf *out, const Metric *metric, const char *slot, const char *text)
{
	for (const char *const *value = metric->values; *value != NULL; value++)
		put_sample(out, metric, slot, *value, strcmp(text, *value) == 0);
	if (!is_one_of(text, metric->values))
		put_sample(out, metric, slot, text, 1);
}

static void
put_samples(StrBuf *out, const Metric *metric, const SlotFields *slot)
{
	const Field *field = find(slot, metric->key);

	if (metric->kind == METRIC_BUILD)
		put_sample(out, metric, slot->slot, ETF_VERSION, 1);
	else if (field == NULL)
		return;
	else if (metric->kind == METRIC_SET)
		put_set(out, metric, slot->slot, field->text);
	else if (metric->kind == METRIC_IS)
		put_sample(out, metric, slot->slot, NULL,
				   is_one_of(field->text, metric->values));
	else
		put_sample(out, metric, slot->slot, NULL, field->number);
}

static void
put_metric(StrBuf *out, const Metric *metric, const SlotFields *slots,
		   size_t count)
{
	StrBuf samples = {0};

	for (size_t i = 0; i < count; i++)
		put_samples(&samples, metric, &slots[i]);
	if (samples.len > 0)
		strbuf_putf(out, "# HELP %s %s\n# TYPE %s %s\n%s", metric->name,
					metric->help, metric->name,
					metric->kind == METRIC_COUNTER ? "counter" : "gauge",
					samples.data);
	out->failed |= samples.failed;
	strbuf_free(&samples);
}

void
metrics_put(StrBuf *out, const SlotFields *slots, size_t count)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		put_metric(out, &metrics[i], slots, count);
}
