defmodule PgEtf.Streams do
  @moduledoc false
  # The streams of this node: how each is doing, as it has said last. Whoever asks reads
  # a table and no process, which may be busy with a handler for minutes, or may be
  # something else that a question would end.
  #
  # The table is the application's; this process forgets the streams that have ended.

  use GenServer

  # {pid of a stream, what it said, statistics of its program} and
  # {pid of a pipeline, pid of its stream}
  @table __MODULE__

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
  @spec join(pid | nil) :: :ok
  def join(pipeline) do
    # Where only the code path was set, as in a script, nobody has started it.
    {:ok, _} = Application.ensure_all_started(:pg_etf)
    GenServer.call(__MODULE__, {:join, self(), pipeline})
  end

  @doc "How the caller is doing."
  @spec tell(map) :: :ok
  def tell(info), do: write({2, info})

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
      [{^pid, _info, _client}] -> pid
      [{^pid, stream}] -> stream
      [] -> nil
    end
  end

  @doc "What a stream has said last, nil before the first time and after its end."
  @spec read(pid) :: {info :: map, client :: map} | nil
  def read(stream) do
    case lookup(stream) do
      [{^stream, info, client}] when info != %{} -> {info, client}
      _ -> nil
    end
  end

  defp lookup(pid) do
    :ets.lookup(@table, pid)
  rescue
    ArgumentError -> []
  end

  ## Server

  @impl GenServer
  def init(nil) do
    for {stream, _, _} <- :ets.tab2list(@table), do: Process.monitor(stream)
    {:ok, nil}
  end

  @impl GenServer
  def handle_call({:join, stream, pipeline}, _from, state) do
    Process.monitor(stream)
    :ets.insert(@table, {stream, %{}, %{}})
    if pipeline, do: :ets.insert(@table, {pipeline, stream})
    {:reply, :ok, state}
  end

  @impl GenServer
  def handle_info({:DOWN, _ref, :process, stream, _reason}, state) do
    :ets.delete(@table, stream)
    :ets.match_delete(@table, {:_, stream})
    {:noreply, state}
  end
end
