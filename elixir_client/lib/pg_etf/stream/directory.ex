defmodule PgEtf.Stream.Directory do
  @moduledoc false
  # The streams of this node: how each is doing, as it published last. A caller reads a
  # table and calls no process, which may be busy with a handler for minutes, or may be
  # another kind of process that a call would crash.
  #
  # The table is the application's. This process removes the streams that have ended, and
  # reports a stream that no longer publishes anything: an owner kept busy by a callback
  # cannot report it by itself.

  use GenServer

  alias PgEtf.{Progress, SchemaHistory, Telemetry}
  alias PgEtf.Stream.Log

  require Logger

  # {pid of a stream, statistics of its program, its options, its backfills} and {pid of a
  # pipeline, pid of its stream}
  @table __MODULE__
  # {pid of a stream, when it said it, its status, what else it said}: in a table of its own,
  # since to change one element of a row is to write all of it
  @said PgEtf.Stream.Directory.Said
  # {{pid of a stream, name of a table}, its PgEtf.SchemaHistory}
  @schemas PgEtf.Stream.Directory.Schemas

  # Milliseconds between two looks, and between two lines about one stream.
  @look 1_000
  @minute 60_000

  # A stream in one of the other states waits for something, and publishes nothing.
  @talkative [:connected, :connecting, :disconnected, :standby]

  @doc "Called once, by the process that owns the table."
  @spec create_table() :: :ok
  def create_table do
    for table <- [@table, @said, @schemas] do
      :ets.new(table, [:named_table, :public, read_concurrency: true, write_concurrency: true])
    end

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
  @spec publish(integer, atom, [map]) :: :ok
  def publish(now, status, maps), do: insert(@said, {self(), now, status, maps})

  @doc "The statistics of its program; stored separately, since they are large and rarely change."
  @spec publish_client(map) :: :ok
  def publish_client(stats), do: write({2, stats})

  @doc "What the caller knows of changes of a table of this name."
  @spec publish_schema(String.t(), SchemaHistory.t()) :: :ok
  def publish_schema(name, history), do: insert(@schemas, {{self(), name}, history})

  @doc "The tables that are read beside it; told when something changes."
  @spec publish_backfills([PgEtf.Backfill.t()]) :: :ok
  def publish_backfills(backfills), do: write({4, backfills})

  # Without the application there is nobody to ask, and nothing to end a stream for.
  defp insert(table, row) do
    :ets.insert(table, row)
    :ok
  rescue
    ArgumentError -> :ok
  end

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
      [{^pid, _client, _opts, _backfills}] -> pid
      [{^pid, stream}] -> stream
      [] -> nil
    end
  end

  @doc "What a stream published last, nil before the first time and after its end."
  @spec read(pid) :: {info :: map, client :: map} | nil
  def read(stream) do
    with [{^stream, client, opts, backfills}] <- lookup(stream),
         [said] <- lookup(@said, stream) do
      {said |> info(opts) |> Map.put(:backfills, backfills), client}
    else
      _ -> nil
    end
  end

  @doc "All streams of this node, with what is known of them by name."
  @spec all() :: [{pid, keyword}]
  def all do
    for {stream, _client, opts, _backfills} <- :ets.tab2list(@table),
        :ets.member(@said, stream),
        do: {stream, opts}
  rescue
    ArgumentError -> []
  end

  @doc "What a stream knows of changes of a table, nil for nothing."
  @spec read_schema(pid, String.t()) :: SchemaHistory.t() | nil
  def read_schema(stream, name) do
    case lookup(@schemas, {stream, name}) do
      [{_key, history}] -> history
      [] -> nil
    end
  end

  defp info({_stream, _told_at, status, maps}, opts) do
    Enum.reduce(maps, %{status: status, slot: opts[:slot]}, &Map.merge(&2, &1))
  end

  defp lookup(pid), do: lookup(@table, pid)

  defp lookup(table, key) do
    :ets.lookup(table, key)
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
    :ets.insert(@table, {stream, %{}, opts, []})
    if pipeline, do: :ets.insert(@table, {pipeline, stream})
    {:reply, :ok, alarmed}
  end

  @impl GenServer
  def handle_info({:DOWN, _ref, :process, stream, _reason}, alarmed) do
    for table <- [@table, @said], do: :ets.delete(table, stream)
    :ets.match_delete(@table, {:_, stream})
    :ets.match_delete(@schemas, {{stream, :_}, :_})
    {:noreply, Map.delete(alarmed, stream)}
  end

  def handle_info(:look, alarmed) do
    Process.send_after(self(), :look, @look)
    {:noreply, Enum.reduce(:ets.tab2list(@said), alarmed, &check/2)}
  end

  defp check({stream, told_at, status, _} = said, alarmed) when status in @talkative do
    [{^stream, _client, opts, _backfills}] = lookup(stream)
    age = now() - told_at
    due? = now() - Map.get(alarmed, stream, now() - @minute) >= @minute

    if age >= opts[:stall_after] and due? do
      said |> info(opts) |> alarm(age, opts)
      Map.put(alarmed, stream, now())
    else
      alarmed
    end
  end

  defp check(_said, alarmed), do: alarmed

  defp alarm(info, age, opts) do
    progress = Progress.of(info, now())
    measurements = info |> Map.take([:in_flight, :queued]) |> Map.put(:age, age)
    opts |> Telemetry.source() |> Telemetry.execute([:stall], measurements, %{progress: progress})

    Logger.error(
      "#{Log.label(opts)}: a callback runs for #{div(age, 1000)} s, nothing else is done meanwhile"
    )
  end

  defp now, do: System.monotonic_time(:millisecond)
end
