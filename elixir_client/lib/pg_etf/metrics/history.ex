defmodule PgEtf.Metrics.History do
  @moduledoc false
  # The last minutes of each stream, for the page: a look every two seconds, at tables
  # only. Forgets what is of streams that have been gone for long.

  use GenServer

  alias PgEtf.Metrics.{Counters, Report}

  # {stream, [point], the newest first}
  @table __MODULE__

  @step 2_000
  @points 150
  # Looks after which a stream that is gone is forgotten; one that is started again in
  # between goes on.
  @patience 300

  @type point :: %{
          at: integer,
          events: number,
          bytes: number,
          delay: integer | nil
        }

  @doc "Called once, by the process that owns the table."
  @spec create_table() :: :ok
  def create_table do
    :ets.new(@table, [:named_table, :public, read_concurrency: true])
    :ok
  end

  @spec start_link(term) :: GenServer.on_start()
  def start_link(_opts), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "Milliseconds between two points."
  @spec step() :: pos_integer
  def step, do: @step

  @doc "The points of a stream, the newest first."
  @spec read(Counters.stream()) :: [point]
  def read(stream) do
    case :ets.lookup(@table, stream) do
      [{_, points}] -> points
      [] -> []
    end
  end

  @doc "What was counted each second between two points."
  @spec rate(point, point, :events | :bytes) :: float
  def rate(newer, older, what) do
    seconds = max(newer.at - older.at, 1) / 1000
    max(newer[what] - older[what], 0) / seconds
  end

  @doc "Takes a point of each stream."
  @spec look([Report.t()], integer) :: :ok
  def look(reports, now) do
    for report <- reports do
      stream = Report.stream(report)
      points = read(stream)
      point = point(report, stream, now, List.first(points))
      :ets.insert(@table, {stream, Enum.take([point | points], @points)})
    end

    :ok
  end

  defp point(report, stream, now, last) do
    events = counted(stream, "pg_etf_events_total")

    %{
      at: now,
      events: events,
      bytes: counted(stream, "pg_etf_received_bytes_total"),
      delay: delay(report, last != nil and events != last.events)
    }
  end

  # How late changes are: what came since the last look, or what is not done. Nobody knows
  # while nothing can come.
  defp delay(report, came?) do
    cond do
      not Report.up?(report) -> nil
      came? and is_integer(report.lag) -> max(report.lag, report.oldest)
      true -> report.oldest
    end
  end

  @doc "What a metric has counted, whatever its label says."
  @spec counted(Counters.stream(), String.t()) :: number
  def counted(stream, metric) do
    for {_, number} <- Counters.read(stream, metric), reduce: 0, do: (sum -> sum + number)
  end

  # The state: for how many looks each stream has been gone.
  @impl GenServer
  def init(nil) do
    Process.send_after(self(), :look, @step)
    {:ok, %{}}
  end

  @impl GenServer
  def handle_info(:look, gone) do
    Process.send_after(self(), :look, @step)
    reports = Report.all()
    look(reports, System.system_time(:millisecond))
    {:noreply, forget(gone, Counters.streams() -- Enum.map(reports, &Report.stream/1))}
  end

  defp forget(gone, absent) do
    for stream <- absent, looks = Map.get(gone, stream, 0) + 1, reduce: %{} do
      still when looks < @patience ->
        Map.put(still, stream, looks)

      still ->
        Counters.forget(stream)
        :ets.delete(@table, stream)
        still
    end
  end
end
