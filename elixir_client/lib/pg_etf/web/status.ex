defmodule PgEtf.Web.Status do
  @moduledoc false
  # What /status.json says: the streams of this node, and in short those of the others.

  alias PgEtf.Lsn
  alias PgEtf.Metrics.{Counters, History, Report}
  alias PgEtf.Web.Health

  # Milliseconds that other nodes have to answer.
  @patience 500

  # Points from which the rate is taken: ten seconds.
  @rate_points 5

  @doc "All of it. A message may be unacknowledged for so many milliseconds."
  @spec read(pos_integer) :: map
  def read(max_unacknowledged) do
    reports = Report.all()

    %{
      node: node(),
      version: version(),
      time: System.system_time(:millisecond),
      step: History.step(),
      health: worst(reports, max_unacknowledged),
      streams: Enum.map(reports, &stream(&1, max_unacknowledged)),
      nodes: nodes(max_unacknowledged)
    }
  end

  defp version, do: to_string(Application.spec(:pg_etf, :vsn))

  defp worst(reports, most),
    do: reports |> Enum.map(&elem(Health.of(&1, most), 0)) |> Health.worst()

  ## A stream

  defp stream(report, most) do
    stream = Report.stream(report)
    {verdict, reason} = Health.of(report, most)
    points = History.read(stream)

    report
    |> outline()
    |> Map.merge(%{
      health: verdict,
      reason: reason,
      progress: report.progress,
      caught_up: report.caught_up?,
      queued: report.queued,
      held_bytes: report.held_bytes,
      oldest: report.oldest,
      position: lsn(report.position),
      flushed: lsn(report.flushed_lsn),
      events: History.counted(stream, "pg_etf_events_total"),
      bytes: History.counted(stream, "pg_etf_received_bytes_total"),
      rate: rate(points, :events),
      byte_rate: rate(points, :bytes),
      errors: Counters.errors(stream),
      backfills: backfills(report),
      client: client(report),
      history: history(points)
    })
  end

  # Of a stream of this node or another.
  defp outline(report) do
    %{
      slot: report.slot,
      name: Report.label(report.name),
      state: report.state,
      lag: report.lag,
      lag_bytes: report[:lag_bytes],
      in_flight: report.in_flight,
      wal: wal(report)
    }
  end

  # What the control connection has not told is not there.
  defp wal(%{wal_status: status} = report) do
    %{status: status, retained: report[:retained_bytes], safe: report[:safe_wal_size]}
  end

  defp wal(_report), do: nil

  defp client(report) do
    for key <- [:rss, :spooled_bytes, :reconnects, :stalls, :rewinds], into: %{} do
      {key, report[key]}
    end
  end

  defp lsn(nil), do: nil
  defp lsn(lsn), do: Lsn.to_string(lsn)

  @doc "The backfills that PgEtf.info/1 tells of: see PgEtf.Backfill."
  @spec backfills(Report.t()) :: [map]
  def backfills(report), do: Enum.map(report[:backfills] || [], &backfill/1)

  @told [:id, :mode, :status, :tables, :tables_done, :table] ++
          [:rows, :bytes, :estimate, :rate, :eta]

  defp backfill(backfill) do
    error = backfill.error && Exception.message(backfill.error)
    backfill |> Map.take(@told) |> Map.put(:error, error)
  end

  ## The last minutes

  defp rate([], _what), do: 0.0
  defp rate([_], _what), do: 0.0

  defp rate([newest | _] = points, what) do
    oldest = points |> Enum.take(@rate_points + 1) |> List.last()
    round_off(History.rate(newest, oldest, what))
  end

  # The oldest first, and rates only from the second point on.
  defp history(points) do
    pairs = points |> Enum.zip(Enum.drop(points, 1)) |> Enum.reverse()

    %{
      delay: for({newer, _} <- pairs, do: newer.delay),
      rate: for({newer, older} <- pairs, do: round_off(History.rate(newer, older, :events)))
    }
  end

  defp round_off(rate), do: Float.round(rate, 1)

  ## Other nodes

  @doc "The streams of this node, for another one."
  @spec outlines(pos_integer) :: {Health.verdict(), [map]}
  def outlines(max_unacknowledged) do
    reports = Report.all()
    {worst(reports, max_unacknowledged), Enum.map(reports, &outline/1)}
  end

  # A node of another application has no such function, and is not shown.
  defp nodes(most) do
    others = Node.list()
    answers = :erpc.multicall(others, __MODULE__, :outlines, [most], @patience)

    for {node, answer} <- Enum.zip(others, answers),
        not match?({:error, {:exception, :undef, _}}, answer) do
      Map.put(summary(answer), :node, node)
    end
  end

  defp summary({:ok, {health, streams}}), do: %{health: health, streams: streams}
  defp summary(_error), do: %{health: :failing, streams: [], silent: true}
end
