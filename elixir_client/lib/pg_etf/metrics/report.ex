defmodule PgEtf.Metrics.Report do
  @moduledoc false
  # How each stream of this node is doing, as one flat map: PgEtf.info/1 with the
  # statistics of the client and, beside them, what is told of both together.

  alias PgEtf.Metrics.Table
  alias PgEtf.Stream.{Directory, Health}

  @states [
    :streaming,
    :catalogs,
    :stalled,
    :parked,
    :standby,
    :connecting,
    :reconnecting,
    :open_circuit,
    :disconnected,
    :halted,
    :stopped
  ]
  @backfill_statuses [:waiting, :running, :paused, :finished, :stopped, :failed]
  @wal_statuses ~w(reserved extended unreserved lost)
  @version Mix.Project.config()[:version]

  @type t :: map

  @doc "The streams of this node, by slot and name."
  @spec all() :: [t]
  def all do
    reports = for {pid, about} <- Directory.all(), info = Health.read(pid), do: of(info, about)
    Enum.sort_by(reports, &{&1.slot, inspect(&1.name)})
  end

  @doc "What PgEtf.info/1 says of a stream, which is known by a name."
  @spec of(map, keyword) :: t
  def of(%{client: client} = info, about) do
    client
    |> known(client[:wal_status])
    |> Map.merge(info)
    |> Map.merge(%{name: about[:name], state: state(info.status, client[:state])})
  end

  @doc "What the counters know a stream by."
  @spec stream(t) :: PgEtf.Metrics.Counters.stream()
  def stream(%{slot: slot, name: name}), do: {slot, name}

  @doc "The name of a stream as text, empty without one."
  @spec label(term) :: String.t()
  def label(nil), do: ""
  def label(name) when is_binary(name), do: name
  def label(name), do: inspect(name)

  @doc """
  Statistics without the numbers that are none: those of the control connection are 0 where
  there is none, a safe size of 0 is no limit, and 1 is nothing left.
  """
  @spec known(map, String.t() | nil) :: map
  def known(stats, wal_status) when wal_status in [nil, ""] do
    Map.drop(stats, [:wal_status, :retained_bytes, :safe_wal_size, :catalog_xmin_age])
  end

  def known(%{safe_wal_size: 0} = stats, _wal_status), do: Map.delete(stats, :safe_wal_size)
  def known(%{safe_wal_size: 1} = stats, _wal_status), do: %{stats | safe_wal_size: 0}
  def known(stats, _wal_status), do: stats

  # The program's word is of its last statistics, the stream's own of this moment.
  defp state(:connected, state) when state in [:stalled, :catalogs], do: state
  defp state(:connected, _state), do: :streaming
  defp state(:disconnected, :parked), do: :parked
  defp state(status, _state), do: status

  ## Rows of the table that are no number of a report

  @doc "The values of a row: with that of its label."
  @spec values(t, Table.t()) :: [{term, number}]
  def values(report, %Table{from: :up}), do: [{nil, number(up?(report))}]

  def values(%{state: state}, %Table{from: :states}) do
    for each <- Enum.uniq(@states ++ [state]), do: {each, number(each == state)}
  end

  def values(%{wal_status: status}, %Table{from: :wal_statuses}) do
    for each <- Enum.uniq(@wal_statuses ++ [status]), do: {each, number(each == status)}
  end

  def values(_report, %Table{from: :wal_statuses}), do: []

  def values(%{backfills: backfills}, %Table{from: :backfills}) do
    for each <- @backfill_statuses, do: {each, Enum.count(backfills, &(&1.status == each))}
  end

  def values(_report, %Table{from: :versions}), do: [{@version, 1}]

  @doc "Whether the stream reads its slot."
  @spec up?(t) :: boolean
  def up?(%{state: state}), do: state in [:streaming, :catalogs, :stalled]

  defp number(true), do: 1
  defp number(false), do: 0
end
