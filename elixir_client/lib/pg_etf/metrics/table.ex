defmodule PgEtf.Metrics.Table do
  @moduledoc false
  # The metrics, as rows. PgEtf.Metrics makes definitions and text of them, and its
  # documentation and docs/metrics.md list the same.
  #
  # name   as Prometheus wants it: base units, counters end in _total
  # type   :counter, :gauge, or :histogram, whose value is in milliseconds
  # label  besides slot and name: a key of the metadata of the event, or a state set
  # event  of PgEtf.Telemetry, where the metric is counted or measured
  # value  a measurement of the event, which has the same name in PgEtf.info/1 or its
  #        client; nil: 1 for each event, :now: the time of the event
  # scale  what a unit of the value is in base units
  # from   :counted where events are added up, :info what PgEtf.info/1 has, else a
  #        function of PgEtf.Metrics.Report, for which there is no event
  defstruct [:name, :type, :help, :label, :event, :value, scale: 1, from: :info]

  @type t :: %__MODULE__{}

  @doc "All rows, in the order of the documentation."
  @spec all() :: [t]
  def all, do: Enum.map(rows(), &struct!(__MODULE__, &1))

  # Milliseconds, up to which a value counts.
  @buckets [1, 2, 5, 10, 25, 50, 100, 250, 500] ++
             [1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000]

  @doc "The buckets of a histogram, without that of all."
  @spec buckets() :: [pos_integer]
  def buckets, do: @buckets

  @doc "The rows as a table in Markdown."
  @spec markdown() :: String.t()
  def markdown do
    head = "| metric | type | further label | meaning |\n|---|---|---|---|\n"
    head <> Enum.map_join(all(), "\n", &line/1)
  end

  defp line(row) do
    label = if row.label, do: "`#{row.label}`", else: ""
    "| `#{row.name}` | #{row.type} | #{label} | #{row.help} |"
  end

  defp rows do
    state() ++ flow() ++ server() ++ consumer() ++ backfills() ++ trouble() ++ program()
  end

  defp state do
    [
      %{
        name: "pg_etf_up",
        type: :gauge,
        from: :up,
        help: "1 while the stream reads its slot"
      },
      %{
        name: "pg_etf_state",
        type: :gauge,
        label: :state,
        from: :states,
        help:
          "1 for the state that the stream is in: streaming, catalogs, stalled, parked, " <>
            "standby, connecting, reconnecting, open_circuit, disconnected, halted or stopped"
      }
    ]
  end

  defp flow do
    [
      %{
        name: "pg_etf_events_total",
        type: :counter,
        label: :op,
        event: [:events],
        value: :count,
        from: :counted,
        help: "changes received, by kind; those of a repeated transaction count again"
      },
      %{
        name: "pg_etf_received_bytes_total",
        type: :counter,
        event: [:decode, :stop],
        value: :bytes,
        from: :counted,
        help: "bytes of frames received"
      },
      %{
        name: "pg_etf_transactions_total",
        type: :counter,
        event: [:stats],
        value: :transactions,
        help: "transactions delivered by the C program since it started"
      },
      %{
        name: "pg_etf_frames_total",
        type: :counter,
        event: [:stats],
        value: :frames,
        help: "frames delivered by the C program since it started"
      },
      %{
        name: "pg_etf_commit_lag_seconds",
        type: :gauge,
        event: [:decode, :stop],
        value: :lag,
        scale: 0.001,
        help: "from commit to decoding, of the last transaction; stays when nothing comes"
      },
      %{
        name: "pg_etf_commit_to_ack_seconds",
        type: :histogram,
        event: [:flush],
        value: :delay,
        scale: 0.001,
        from: :counted,
        help: "from commit to acknowledgement, of the oldest transaction in each acknowledgement"
      },
      %{
        name: "pg_etf_last_flush_timestamp_seconds",
        type: :gauge,
        event: [:flush],
        value: :now,
        from: :counted,
        help: "when a position was last confirmed, as Unix time"
      }
    ]
  end

  defp server do
    [
      %{
        name: "pg_etf_lag_bytes",
        type: :gauge,
        event: [:stats],
        value: :lag_bytes,
        help: "WAL between the confirmed position and that of the server"
      },
      %{
        name: "pg_etf_retained_wal_bytes",
        type: :gauge,
        event: [:stats],
        value: :retained_bytes,
        help: "WAL that the slot keeps"
      },
      %{
        name: "pg_etf_safe_wal_bytes",
        type: :gauge,
        event: [:stats],
        value: :safe_wal_size,
        help: "WAL that may still be written before the slot is lost; absent without a limit"
      },
      %{
        name: "pg_etf_slot_active",
        type: :gauge,
        from: :up,
        help: "1 while this stream reads the slot"
      },
      %{
        name: "pg_etf_wal_status",
        type: :gauge,
        label: :status,
        from: :wal_statuses,
        help: "1 for the wal_status of the slot: reserved, extended, unreserved or lost"
      },
      %{
        name: "pg_etf_catalog_xmin_age",
        type: :gauge,
        event: [:stats],
        value: :catalog_xmin_age,
        help: "transactions since the oldest one whose catalog rows the slot keeps"
      }
    ]
  end

  defp consumer do
    [
      %{
        name: "pg_etf_in_flight_events",
        type: :gauge,
        event: [:stats],
        value: :in_flight,
        help: "messages delivered and not acknowledged"
      },
      %{
        name: "pg_etf_queued_events",
        type: :gauge,
        event: [:stats],
        value: :queued,
        help: "changes that wait to be delivered"
      },
      %{
        name: "pg_etf_held_bytes",
        type: :gauge,
        event: [:stats],
        value: :held_bytes,
        help: "bytes of frames that are not acknowledged"
      },
      %{
        name: "pg_etf_oldest_unacknowledged_seconds",
        type: :gauge,
        event: [:stats],
        value: :oldest,
        scale: 0.001,
        help: "for how long the oldest message has been unacknowledged; 0: there is none"
      }
    ]
  end

  defp backfills do
    [
      %{
        name: "pg_etf_backfills",
        type: :gauge,
        label: :status,
        from: :backfills,
        help: "backfills of which the stream knows, by status: the last ones that have ended, too"
      },
      %{
        name: "pg_etf_backfill_rows_total",
        type: :counter,
        event: [:backfill, :chunk],
        value: :rows,
        from: :counted,
        help: "rows read by snapshots and backfills"
      }
    ]
  end

  defp trouble do
    [
      %{
        name: "pg_etf_failures_total",
        type: :counter,
        label: :action,
        event: [:failure],
        value: :count,
        from: :counted,
        help: "messages that failed, by what was done about them"
      },
      %{
        name: "pg_etf_errors_total",
        type: :counter,
        label: :class,
        event: [:status],
        from: :counted,
        help: "failures of the stream, by class"
      },
      %{
        name: "pg_etf_restarts_total",
        type: :counter,
        event: [:restart],
        from: :counted,
        help: "starts of the C program after a failure"
      },
      %{
        name: "pg_etf_reconnects_total",
        type: :counter,
        event: [:stats],
        value: :reconnects,
        help: "connections that the C program made again since it started"
      },
      %{
        name: "pg_etf_rewinds_total",
        type: :counter,
        event: [:stats],
        value: :rewinds,
        help: "transactions that a lost connection made the C program repeat"
      },
      %{
        name: "pg_etf_stalls_total",
        type: :counter,
        event: [:stats],
        value: :stalls,
        help: "times that the C program waited for credit for so long that it disconnected"
      },
      %{
        name: "pg_etf_takeovers_total",
        type: :counter,
        event: [:takeover],
        from: :counted,
        help: "times that the stream stood by and then read the slot"
      },
      %{
        name: "pg_etf_alarms_total",
        type: :counter,
        label: :progress,
        event: [:stall],
        from: :counted,
        help: "looks that found no progress for stall_after, by what was waited for"
      }
    ]
  end

  defp program do
    [
      %{
        name: "pg_etf_spooled_bytes",
        type: :gauge,
        event: [:stats],
        value: :spooled_bytes,
        help: "bytes of transactions in progress that wait in files (streaming)"
      },
      %{
        name: "pg_etf_client_resident_memory_bytes",
        type: :gauge,
        event: [:stats],
        value: :rss,
        help: "memory of the C program"
      },
      %{
        name: "pg_etf_build_info",
        type: :gauge,
        label: :version,
        from: :versions,
        help: "1, with the version of the library"
      }
    ]
  end
end
