defmodule PgEtf.Web.Health do
  @moduledoc false
  # Whether streams are well, as a probe wants to know it.

  alias PgEtf.Metrics.Report

  @type verdict :: :ok | :waiting | :failing

  @statuses [failing: 503, waiting: 202, ok: 200]

  @doc "The verdict about each stream, and why."
  @spec of(Report.t(), pos_integer) :: {verdict, reason :: String.t()}
  def of(%{state: state}, _most) when state in [:halted, :stopped, :open_circuit],
    do: {:failing, to_string(state)}

  def of(%{wal_status: "lost"}, _most), do: {:failing, "the slot is lost"}

  def of(%{oldest: oldest}, most) when oldest > most do
    {:failing, "a message has been unacknowledged for #{div(oldest, 1000)} s"}
  end

  def of(%{state: state} = report, _most) do
    {if(Report.up?(report), do: :ok, else: :waiting), to_string(state)}
  end

  @doc "The status of an answer, and its text: a line for each stream."
  @spec check([Report.t()], pos_integer) :: {pos_integer, iodata}
  def check(reports, most) do
    verdicts = Enum.map(reports, &of(&1, most))

    lines =
      for {report, {verdict, reason}} <- Enum.zip(reports, verdicts),
          do: line(report, verdict, reason)

    {status(verdicts), if(lines == [], do: "waiting: no stream yet\n", else: lines)}
  end

  @doc "The worst of the verdicts."
  @spec worst([verdict]) :: verdict
  def worst([]), do: :waiting
  def worst(verdicts), do: Enum.find(Keyword.keys(@statuses), &(&1 in verdicts))

  defp status(verdicts), do: @statuses[verdicts |> Enum.map(&elem(&1, 0)) |> worst()]

  defp line(%{name: nil} = report, verdict, reason), do: "#{verdict}: #{report.slot}: #{reason}\n"

  defp line(report, verdict, reason) do
    "#{verdict}: #{report.slot} (#{Report.label(report.name)}): #{reason}\n"
  end
end
