defmodule PgEtf.Metrics do
  alias PgEtf.Metrics.{Counters, Report, Table, Text}

  @moduledoc """
  The metrics of all streams of this node: for Prometheus as text, for `Telemetry.Metrics`
  as definitions.

      iex> PgEtf.Metrics.text() |> IO.puts()
      # HELP pg_etf_up 1 while the stream reads its slot
      # TYPE pg_etf_up gauge
      pg_etf_up{slot="orders",name="MyApp.Pipeline"} 1
      ...

  `PgEtf.Web` serves this text as `/metrics`. Nothing has to be started for it, and neither
  `:telemetry` nor a library for Prometheus is needed: the library counts by itself, a few
  numbers for each packet.

  With a reporter of your own, give it the definitions:

      def metrics do
        PgEtf.Metrics.definitions() ++ [...]
      end

  Each metric has the labels `slot` and `name`, of the Broadway pipeline or the consumer. A
  metric that does not exist is absent, not 0: `pg_etf_safe_wal_bytes` where the slot has no
  limit. Positions are not among them, since a float does not hold one; what matters of them
  is `pg_etf_lag_bytes`. Values of the server and of the C program are those of its last
  statistics, as often as `:stats_interval` says (15 seconds).

  #{Table.markdown()}

  A counter begins at 0 with the node; those that count since the start of the C program
  begin again with it, as counters may. Definitions have no `pg_etf_state`,
  `pg_etf_wal_status`, `pg_etf_up`, `pg_etf_slot_active` and `pg_etf_build_info`, which are
  read and not told of by events; and counters of the C program are last values there.
  """

  @compile {:no_warn_undefined, Telemetry.Metrics}

  @doc """
  The metrics of all streams of this node, in the text format of Prometheus.
  """
  @spec text() :: iodata
  def text, do: Text.render(Report.all())

  @doc """
  The same as definitions of `Telemetry.Metrics`, for any of its reporters. Needs the library
  `telemetry_metrics`.
  """
  @spec definitions() :: [struct]
  def definitions do
    unless Code.ensure_loaded?(Telemetry.Metrics) do
      raise "PgEtf.Metrics.definitions/0 needs the library telemetry_metrics"
    end

    for %Table{event: event} = row when event != nil <- Table.all(), do: definition(row)
  end

  defp definition(row) do
    opts = [
      event_name: [:pg_etf | row.event],
      measurement: measurement(row),
      description: row.help,
      tags: [:slot, :name] ++ List.wrap(row.label),
      tag_values: &tag_values(&1, row.label),
      keep: &keep?(&1, row.label),
      reporter_options: reporter_options(row)
    ]

    apply(Telemetry.Metrics, kind(row), [[String.to_atom(row.name)], opts])
  end

  defp reporter_options(%Table{type: :histogram, scale: scale}) do
    [buckets: Enum.map(Table.buckets(), &(&1 * scale))]
  end

  defp reporter_options(_row), do: []

  defp kind(%Table{type: :histogram}), do: :distribution
  defp kind(%Table{type: :counter, from: :counted, value: nil}), do: :counter
  defp kind(%Table{type: :counter, from: :counted}), do: :sum
  defp kind(_row), do: :last_value

  defp measurement(%Table{value: nil}), do: fn _measurements -> 1 end
  defp measurement(%Table{value: :now}), do: fn _measurements -> System.system_time(:second) end

  defp measurement(%Table{value: value, scale: scale}) do
    fn measurements, metadata ->
      case Report.known(measurements, metadata[:wal_status]) do
        %{^value => number} when is_number(number) -> number * scale
        %{} -> nil
      end
    end
  end

  defp tag_values(metadata, label) do
    metadata = %{metadata | name: Report.label(metadata.name)}
    if label, do: Map.put(metadata, label, Counters.label(label, metadata)), else: metadata
  end

  defp keep?(_metadata, nil), do: true
  defp keep?(metadata, label), do: Counters.label(label, metadata) != nil
end
