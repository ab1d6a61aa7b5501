defmodule PgEtf.Telemetry do
  @moduledoc """
  Events for metrics.

  Emitted through `:telemetry` if that library is loaded, as it always is under Broadway.
  The metadata of each event contains `:slot` and `:name` (of the Broadway pipeline or the
  consumer). `PgEtf.Metrics` has metrics made of them.

  | event | measurements | further metadata |
  |---|---|---|
  | `[:pg_etf, :decode, :start]` | `system_time`, `bytes` | |
  | `[:pg_etf, :decode, :stop]` | `duration`, `bytes`, `events`, `lag` | |
  | `[:pg_etf, :decode, :exception]` | `duration` | `kind`, `reason`, `stacktrace` |
  | `[:pg_etf, :events]` | `count` | `op` |
  | `[:pg_etf, :callback, :start]` | `system_time`, `monotonic_time` | `telemetry_span_context`, `callback`, `changes` |
  | `[:pg_etf, :callback, :stop]` | `duration`, `monotonic_time` | `telemetry_span_context`, `callback`, `changes`, `result` |
  | `[:pg_etf, :callback, :exception]` | `duration`, `monotonic_time` | `telemetry_span_context`, `callback`, `changes`, `kind`, `reason`, `stacktrace` |
  | `[:pg_etf, :status]` | `system_time` | `status`, `details` |
  | `[:pg_etf, :stats]` | `in_flight`, `queued`, `received_events`, `received_bytes`, `credit_events`, `credit_bytes`, `held_bytes`, `oldest`, and of the C program `frames`, `transactions`, `sent_events`, `sent_bytes`, `granted_events`, `granted_bytes`, `repeated_frames`, `rewinds`, `keepalives`, `statuses`, `reconnects`, `stalls`, `streams`, `streams_aborted`, `open_streams`, `spooled_bytes`, `unacknowledged`, `received_lsn`, `delivered_lsn`, `flushed_lsn`, `server_lsn`, `lag_bytes`, `retained_bytes`, `safe_wal_size`, `catalog_xmin_age`, `rss` | `progress`, `state`, `wal_status` |
  | `[:pg_etf, :flush]` | `lsn`, `in_flight`, `delay` | |
  | `[:pg_etf, :takeover]` | `system_time` | |
  | `[:pg_etf, :restart]` | `attempt`, `delay` | `error` |
  | `[:pg_etf, :failure]` | `count` | `action`, and of the first of them `reason`, `commit_lsn`, `index`, `schema`, `table` |
  | `[:pg_etf, :stall]` | `age`, `in_flight`, `queued` | `progress` |
  | `[:pg_etf, :backfill, :start]` | `system_time`, `tables`, `rows`, `bytes` | `id`, `mode` |
  | `[:pg_etf, :backfill, :chunk]` | `duration`, `wait`, `rows`, `bytes`, `folded`, `dropped` | `id`, `chunk` |
  | `[:pg_etf, :backfill, :stop]` | `tables`, `rows`, `bytes`, `retries` | `id`, `reason` |
  | `[:pg_etf, :backfill, :exception]` | `system_time` | `id`, `error` |
  | `[:pg_etf, :stop]` | `system_time` | `error` |

  `[:pg_etf, :callback, ...]` is the span of a callback of `PgEtf.Consumer`, whose name is
  `callback`; `changes` is the number of changes in its argument, `result` the first element
  of what it returns. It costs nothing while no handler is attached, and is noticed within a
  millisecond of work once one is. (The callbacks of Broadway have spans of their own.)

  `[:pg_etf, :backfill, ...]` is about tables that are read beside the stream, see
  `PgEtf.Backfill`. `rows` and `bytes` are estimates at its start. A chunk is told of when all its
  rows are acknowledged: `wait` is how long it was open, `duration` how long it was being
  handled, `folded` and `dropped` are rows of which the stream knew more. `reason` is `:finished`
  or `:stopped`; `retries` counts chunks that had to be read again.

  `[:pg_etf, :events]` says what a packet contained, an event for each `op`: `:insert`,
  `:update`, `:delete`, `:truncate`, `:message`, `:read`, and with `two_phase`
  `:commit_prepared` and `:rollback_prepared`. `delay` of `[:pg_etf, :flush]` is the time from
  the commit of the oldest transaction among those that it acknowledges, of which one in each
  packet is looked at; it is not there when there is none. `[:pg_etf, :takeover]`: a stream that
  stood by reads the slot now.

  `[:pg_etf, :stop]` reports a permanent error; what `:on_error` does then is reported as a
  status. `docs/port.md` explains what the C program counts. `duration` is in native time
  units, `lag` (commit to decode), `delay`, `age` and `oldest` (for how long the oldest
  message has been unacknowledged) are in milliseconds. `progress` is one of
  `PgEtf.Progress`. `status` is one of `:connected`, `:standby`, `:disconnected`,
  `:reconnecting`, `:open_circuit`, `:caught_up`, `:halted`, `:stopped`, and `:slot` when
  the server's `wal_status` of the slot has changed; `details` is a map, described in
  `docs/port.md`.
  """

  alias PgEtf.Metrics.Counters

  @compile {:no_warn_undefined, :telemetry}

  @typedoc false
  @opaque source :: {Counters.stream(), metadata :: map}

  @doc false
  # What all events of a stream have, which has these options: asked for once, before them.
  @spec source(keyword) :: source
  def source(opts) do
    Code.ensure_loaded(:telemetry)
    {slot, name} = stream = {opts[:slot], name(opts)}
    {stream, %{slot: slot, name: name}}
  end

  @doc false
  @spec execute(source, [atom], map, map) :: :ok
  def execute({stream, common}, event, measurements, metadata) do
    Counters.count(stream, event, measurements, metadata)

    if available?(),
      do: :telemetry.execute([:pg_etf | event], measurements, Map.merge(metadata, common)),
      else: :ok
  end

  @doc false
  # Around a function that returns {result, further metadata of its end}.
  @spec span(keyword, [atom], map, (() -> {result, map})) :: result when result: term
  def span(opts, event, metadata, fun) do
    {_stream, common} = source(opts)
    metadata = Map.merge(metadata, common)

    :telemetry.span([:pg_etf | event], metadata, fn ->
      {result, more} = fun.()
      {result, Map.merge(metadata, more)}
    end)
  end

  @doc false
  # Whether anybody listens to events that begin so.
  @spec attached?([atom]) :: boolean
  def attached?(event), do: available?() and :telemetry.list_handlers([:pg_etf | event]) != []

  @doc false
  def name(opts), do: opts[:broadway][:name] || opts[:name]

  # Asked for each packet: whether a module is loaded is a cheap question.
  defp available?, do: function_exported?(:telemetry, :execute, 3)
end
