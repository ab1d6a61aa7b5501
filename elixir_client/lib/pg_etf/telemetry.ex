defmodule PgEtf.Telemetry do
  @moduledoc """
  Events for metrics.

  Emitted through `:telemetry` when that library is loaded, which it always is
  under Broadway. The metadata of each event has `:slot` and `:name` (of the
  Broadway pipeline or the consumer).

  | event | measurements | further metadata |
  |---|---|---|
  | `[:pg_etf, :decode, :start]` | `system_time`, `bytes` | |
  | `[:pg_etf, :decode, :stop]` | `duration`, `bytes`, `events`, `lag` | |
  | `[:pg_etf, :decode, :exception]` | `duration` | `kind`, `reason`, `stacktrace` |
  | `[:pg_etf, :status]` | `system_time` | `status`, `details` |
  | `[:pg_etf, :stats]` | `in_flight`, `queued`, `received_events`, `received_bytes`, `credit_events`, `credit_bytes`, `held_bytes`, `oldest`, and of the C program `frames`, `transactions`, `sent_events`, `sent_bytes`, `granted_events`, `granted_bytes`, `repeated_frames`, `rewinds`, `keepalives`, `statuses`, `reconnects`, `stalls`, `unacknowledged`, `received_lsn`, `delivered_lsn`, `flushed_lsn`, `server_lsn`, `lag_bytes`, `retained_bytes`, `safe_wal_size`, `catalog_xmin_age`, `rss` | `progress`, `state`, `wal_status` |
  | `[:pg_etf, :flush]` | `lsn`, `in_flight` | |
  | `[:pg_etf, :restart]` | `attempt`, `delay` | `error` |
  | `[:pg_etf, :failure]` | `count` | `action`, and of the first of them `reason`, `commit_lsn`, `index`, `schema`, `table` |
  | `[:pg_etf, :stall]` | `age`, `in_flight`, `queued` | `progress` |
  | `[:pg_etf, :stop]` | `system_time` | `error` |

  `[:pg_etf, :stop]` tells of an error that does not pass by itself; what `:on_error`
  does then is a status. What the C program counts is explained in `docs/port.md`.
  `duration` is in native time units, `lag` (commit to decode), `delay`, `age`
  and `oldest` (how long the oldest message waits for its acknowledgement) are in
  milliseconds. `progress` is a word of `PgEtf.Progress`. `status` is one of `:connected`,
  `:standby`, `:disconnected`, `:reconnecting`, `:open_circuit`, `:caught_up`, `:halted`,
  `:stopped`, and `:slot` when the server's opinion of the slot has changed; `details` is a map, described in `docs/port.md`.
  """

  @compile {:no_warn_undefined, :telemetry}

  @doc false
  # The options are those of the stream, which each event names.
  @spec execute(keyword, [atom], map, map) :: :ok
  def execute(opts, event, measurements, metadata) do
    if available?() do
      metadata = Map.merge(metadata, %{slot: opts[:slot], name: name(opts)})
      :telemetry.execute([:pg_etf | event], measurements, metadata)
    else
      :ok
    end
  end

  @doc false
  def name(opts), do: opts[:broadway][:name] || opts[:name]

  # Asked for each packet: whether a module is loaded is a cheap question.
  defp available?, do: function_exported?(:telemetry, :execute, 3)

  @doc false
  def load, do: Code.ensure_loaded(:telemetry)
end
