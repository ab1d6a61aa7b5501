defmodule PgEtf.Metrics.Text do
  @moduledoc false
  # The text exposition format of Prometheus.

  alias PgEtf.Metrics.{Counters, Report, Table}

  @doc "All metrics of streams, as their reports say."
  @spec render([Report.t()]) :: iodata
  def render(reports), do: for(row <- Table.all(), do: metric(row, reports))

  defp metric(row, reports) do
    case Enum.flat_map(reports, &samples(row, &1)) do
      [] -> []
      samples -> ["# HELP #{row.name} #{row.help}\n# TYPE #{row.name} #{row.type}\n", samples]
    end
  end

  defp samples(%Table{type: :histogram} = row, report) do
    case values(row, report) do
      [] -> []
      values -> histogram(row, labels(report), Map.new(values))
    end
  end

  defp samples(row, report) do
    for {tag, value} when is_number(value) <- values(row, report) do
      sample(row.name, labels(report) ++ label(row.label, tag), value)
    end
  end

  defp labels(report), do: [slot: report.slot, name: Report.label(report.name)]

  defp sample(name, labels, value) do
    [name, ?{, Enum.map_intersperse(labels, ?,, &pair/1), "} ", number(value), ?\n]
  end

  # A bucket counts what is in those below it, too.
  defp histogram(row, labels, counts) do
    {buckets, below} =
      Enum.map_reduce(Table.buckets(), 0, fn bound, below ->
        below = below + Map.get(counts, bound, 0)
        le = number(scaled(bound, row.scale))
        {sample(row.name <> "_bucket", labels ++ [le: le], below), below}
      end)

    all = below + Map.get(counts, :infinity, 0)

    [
      buckets,
      sample(row.name <> "_bucket", labels ++ [le: "+Inf"], all),
      sample(row.name <> "_sum", labels, scaled(counts.sum, row.scale)),
      sample(row.name <> "_count", labels, all)
    ]
  end

  defp values(%Table{from: :info, value: value, scale: scale}, report) do
    case report do
      %{^value => number} when is_number(number) -> [{nil, scaled(number, scale)}]
      %{} -> []
    end
  end

  defp values(%Table{from: :counted} = row, report) do
    report |> Report.stream() |> Counters.read(row.name)
  end

  defp values(row, report), do: Report.values(report, row)

  defp scaled(number, 1), do: number
  defp scaled(number, scale), do: number * scale

  defp label(nil, _tag), do: []
  defp label(label, tag), do: [{label, tag}]

  defp pair({label, value}), do: [to_string(label), ~s(="), escape(to_string(value)), ?"]

  defp escape(text) do
    for char <- String.to_charlist(PgEtf.Web.JSON.valid(text)), into: "" do
      case char do
        ?\\ -> "\\\\"
        ?" -> ~s(\\")
        ?\n -> "\\n"
        _ -> <<char::utf8>>
      end
    end
  end

  # Six digits of a fraction are enough for seconds.
  defp number(value) when is_integer(value), do: Integer.to_string(value)
  defp number(value), do: :erlang.float_to_binary(value, [:compact, decimals: 6])
end
