defmodule PgEtf.Streams do
  @moduledoc false
  # The streams of this node: how each is doing, as it has said last. Whoever asks reads
  # a table and no process, which may be busy with a handler for minutes, or may be
  # something else that a question would end.
  #
  # The table is the application's. This process forgets the streams that have ended, and
  # says so when one does not say anything any more: an owner that a callback keeps busy
  # cannot tell it by itself.

  use GenServer

  alias PgEtf.{Log, Progress, Telemetry}

  require Logger

  # {pid of a stream, what it said, statistics of its program, its options} and
  # {pid of a pipeline, pid of its stream}
  @table __MODULE__

  # Milliseconds between two looks, and between two lines about one stream.
  @look 1_000
  @minute 60_000

  # Whoever is in one of the others waits for something, and has nothing to say.
  @talkative [:connected, :connecting, :disconnected, :standby]

  @doc "Once, by the process that the table is to live as long as."
  @spec create_table() :: :ok
  def create_table do
    :ets.new(@table, [:named_table, :public, read_concurrency: true, write_concurrency: true])
    :ok
  end

  @spec start_link(term) :: GenServer.on_start()
  def start_link(_opts), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  ## For a stream

  @doc "The caller is a stream, known by its pid and by that of its pipeline."
  @spec join(pid | nil, keyword) :: :ok
  def join(pipeline, opts) do
    # Where only the code path was set, as in a script, nobody has started it.
    {:ok, _} = Application.ensure_all_started(:pg_etf)
    about = [name: Telemetry.name(opts)] ++ Keyword.take(opts, [:slot, :stall_after])
    GenServer.call(__MODULE__, {:join, self(), pipeline, about})
  end

  @doc """
  How the caller is doing, and when it said so. Told often and read seldom, so the maps
  are put together by whoever reads.
  """
  @spec tell(integer, atom, [map]) :: :ok
  def tell(now, status, maps), do: write({2, {now, status, maps}})

  @doc "What its program counts; apart, since it is large and seldom new."
  @spec tell_client(map) :: :ok
  def tell_client(stats), do: write({3, stats})

  # Without the application there is nobody to ask, and nothing to end a stream for.
  defp write(element) do
    :ets.update_element(@table, self(), element)
    :ok
  rescue
    ArgumentError -> :ok
  end

  ## For those who ask

  @doc """
  The stream of a pid of this node, its own or that of its pipeline. Asks no process.
  """
  @spec find(pid | nil) :: pid | nil
  def find(pid) do
    case lookup(pid) do
      [{^pid, _info, _client, _opts}] -> pid
      [{^pid, stream}] -> stream
      [] -> nil
    end
  end

  @doc "What a stream has said last, nil before the first time and after its end."
  @spec read(pid) :: {info :: map, client :: map} | nil
  def read(stream) do
    case lookup(stream) do
      [{^stream, {_, _, _} = said, client, opts}] -> {info(said, opts), client}
      _ -> nil
    end
  end

  defp info({_told_at, status, maps}, opts) do
    Enum.reduce(maps, %{status: status, slot: opts[:slot]}, &Map.merge(&2, &1))
  end

  defp lookup(pid) do
    :ets.lookup(@table, pid)
  rescue
    ArgumentError -> []
  end

  ## Server

  @impl GenServer
  def init(nil) do
    for {stream, _, _, _} <- :ets.tab2list(@table), do: Process.monitor(stream)
    Process.send_after(self(), :look, @look)
    {:ok, %{}}
  end

  # The state: when the log last told of a stream that is kept busy.
  @impl GenServer
  def handle_call({:join, stream, pipeline, opts}, _from, alarmed) do
    Process.monitor(stream)
    :ets.insert(@table, {stream, nil, %{}, opts})
    if pipeline, do: :ets.insert(@table, {pipeline, stream})
    {:reply, :ok, alarmed}
  end

  @impl GenServer
  def handle_info({:DOWN, _ref, :process, stream, _reason}, alarmed) do
    :ets.delete(@table, stream)
    :ets.match_delete(@table, {:_, stream})
    {:noreply, Map.delete(alarmed, stream)}
  end

  def handle_info(:look, alarmed) do
    Process.send_after(self(), :look, @look)
    {:noreply, Enum.reduce(:ets.tab2list(@table), alarmed, &look/2)}
  end

  defp look({stream, {told_at, status, _} = said, _client, opts}, alarmed)
       when status in @talkative do
    age = now() - told_at
    due? = now() - Map.get(alarmed, stream, now() - @minute) >= @minute

    if age >= opts[:stall_after] and due? do
      said |> info(opts) |> alarm(age, opts)
      Map.put(alarmed, stream, now())
    else
      alarmed
    end
  end

  defp look(_row, alarmed), do: alarmed

  defp alarm(info, age, opts) do
    progress = Progress.of(info, now())
    measurements = info |> Map.take([:in_flight, :queued]) |> Map.put(:age, age)
    Telemetry.execute(opts, [:stall], measurements, %{progress: progress})

    Logger.error(
      "#{Log.label(opts)}: a callback runs for #{div(age, 1000)} s, nothing else is done meanwhile"
    )
  end

  defp now, do: System.monotonic_time(:millisecond)
end
