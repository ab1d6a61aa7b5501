# The reader that bench/end_to_end measures: it counts what it is handed.
#
#   elixir -pa EBIN... reader.exs HANDLER CONNECTION SLOT CHANGES [LATENCIES]
#
# HANDLER is a key of Reader.handlers/0. It says "ready PID" when everything is
# loaded, begins at a line on stdin, says "done PID" with the C program's number
# when so many changes have been handled, and ends at the next line. With
# LATENCIES, a file, it writes the microseconds from each commit to its handler.

defmodule Reader.Tally do
  # The count lies outside of the heap of any process, as do the latencies.
  # pause: milliseconds that a handler takes; where: what counts, a message or a batch.
  defstruct [:seen, :latencies, :goal, :owner, pause: 0, where: :message]

  def new(goal, measure?) do
    %__MODULE__{
      seen: :atomics.new(1, []),
      latencies: if(measure?, do: :atomics.new(goal, [])),
      goal: goal,
      owner: self()
    }
  end

  def add(%__MODULE__{} = tally, count, commit_time) do
    seen = :atomics.add_get(tally.seen, 1, count)
    if tally.latencies && seen <= tally.goal, do: note(tally, seen, commit_time)
    if seen >= tally.goal and seen - count < tally.goal, do: send(tally.owner, :done)
  end

  # The commit's time and this one are of the same clock: the machine's.
  defp note(tally, index, commit_time) do
    now = System.os_time(:microsecond)
    :atomics.put(tally.latencies, index, now - DateTime.to_unix(commit_time, :microsecond))
  end

  def write(%__MODULE__{latencies: latencies, goal: goal}, file) do
    File.write!(file, for(i <- 1..goal, do: "#{:atomics.get(latencies, i)}\n"))
  end
end

defmodule Reader.Transactions do
  @behaviour PgEtf.Consumer

  @impl true
  def handle_transaction(transaction, tally) do
    Reader.Tally.add(tally, length(transaction.changes), transaction.commit_time)
    {:ok, tally}
  end
end

defmodule Reader.Changes do
  @behaviour PgEtf.Consumer

  @impl true
  def handle_changes(changes, tally) do
    Reader.Tally.add(tally, length(changes), hd(changes).commit_time)
    {:ok, tally}
  end
end

defmodule Reader.Beside do
  # Of a backfill nothing counts, only what comes meanwhile.
  @behaviour PgEtf.Consumer

  @impl true
  def handle_transaction(%{backfill: nil} = transaction, tally) do
    Reader.Transactions.handle_transaction(transaction, tally)
  end

  def handle_transaction(_chunk, tally), do: {:ok, tally}

  # One backfill after the other, for as long as the stream is there.
  def read_on(stream, table) do
    {:ok, id} = PgEtf.backfill(stream, table)
    wait(stream, id)
    read_on(stream, table)
  end

  defp wait(stream, id) do
    case Enum.find(PgEtf.backfills(stream), &(&1.id == id)) do
      %{status: :finished} ->
        :ok

      %{status: :failed, error: error} ->
        raise error

      _ ->
        Process.sleep(10)
        wait(stream, id)
    end
  end
end

if Code.ensure_loaded?(Broadway) do
  defmodule Reader.Pipeline do
    use Broadway
    use PgEtf.Pipeline

    def start(module \\ __MODULE__, producer, topology, tally) do
      # Its own default, which is not there where it was compiled without Mix.
      Application.put_env(:broadway, :config_storage, :persistent_term)
      {:ok, _} = Application.ensure_all_started(:broadway)
      producer = [producer: [module: producer, concurrency: 1]]
      Broadway.start_link(module, [name: module, context: tally] ++ producer ++ topology)
    end

    @impl true
    def handle_message(_, %{data: %PgEtf.Transaction{} = transaction} = message, tally) do
      Reader.Tally.add(tally, length(transaction.changes), transaction.commit_time)
      message
    end

    def handle_message(_, %{data: %PgEtf.Change{} = change} = message, tally) do
      if tally.pause > 0, do: Process.sleep(tally.pause)
      if tally.where == :message, do: Reader.Tally.add(tally, 1, change.commit_time)
      message
    end

    @impl true
    def handle_batch(_, messages, _, tally) do
      Reader.Tally.add(tally, length(messages), hd(messages).data.commit_time)
      messages
    end
  end

  defmodule Reader.Nothing do
    # Messages of nothing: what Broadway itself takes.
    use GenStage
    @behaviour Broadway.Acknowledger

    # What the pipeline below takes for a row.
    @row %{tuple_data: nil}

    @impl GenStage
    def init(count), do: {:producer, {count, make_ref()}}

    @impl GenStage
    def handle_demand(demand, {left, ref}) do
      acknowledger = {__MODULE__, ref, self()}
      message = %Broadway.Message{data: @row, acknowledger: acknowledger}
      {:noreply, List.duplicate(message, min(demand, left)), {max(left - demand, 0), ref}}
    end

    @impl GenStage
    def handle_info({:acknowledged, _count}, state), do: {:noreply, [], state}

    @impl Broadway.Acknowledger
    def ack(_ref, [%{acknowledger: {_, _, producer}} | _] = messages, []) do
      send(producer, {:acknowledged, length(messages)})
      :ok
    end
  end

  defmodule Reader.PeerPipeline do
    use Broadway

    # Rows have these, and the marks of transactions around them have not.
    @impl true
    def handle_message(_, message, tally) do
      if is_map_key(message.data, :tuple_data), do: Reader.Tally.add(tally, 1, nil)
      message
    end
  end
end

if Code.ensure_loaded?(WalEx.Event) do
  defmodule Reader.Events do
    use WalEx.Event, name: Reader

    def process_all(transaction) do
      events = filter_events(transaction)
      Reader.Tally.add(:persistent_term.get(__MODULE__), length(events), nil)
    end
  end
end

defmodule Reader do
  # Pipelines have what there is without a thought, but for the number of processors.
  def handlers do
    %{
      "consumer" => &PgEtf.Consumer.start_link(Reader.Transactions, &2, &1),
      "consumer-changes" => &PgEtf.Consumer.start_link(Reader.Changes, &2, &1),
      "consumer-tls" => &PgEtf.Consumer.start_link(Reader.Transactions, &2, tls(&1)),
      "exact" => &read(Reader.Transactions, &1, &2, :exact),
      "exact-changes" => &read(Reader.Changes, &1, &2, :exact),
      "incremental" => &read(Reader.Transactions, &1, &2, :incremental),
      "beside-backfill" => &beside(&1, &2),
      "broadway" => &pipeline(&1, :transaction, &2),
      "broadway-changes" => &pipeline(&1, :change, &2),
      "broadway-1ms" => &pipeline(&1, :change, %{&2 | pause: 1}, 20),
      "broadway-batcher" => &batches/2,
      "broadway-alone" => &nothing/2,
      "postgrex_wal" => &postgrex_wal/2,
      "walex" => &walex/2
    }
  end

  defp pipeline(opts, unit, tally, concurrency \\ 2) do
    topology = [processors: [default: [concurrency: concurrency]]]
    apply(Reader.Pipeline, :start, [{PgEtf.Producer, opts ++ [unit: unit]}, topology, tally])
  end

  # A table that is read, by a backfill.
  defp read(module, opts, tally, mode) do
    {:ok, stream} = PgEtf.Consumer.start_link(module, tally, opts)
    {:ok, _} = PgEtf.backfill(stream, table(), mode: mode)
    {:ok, stream}
  end

  defp beside(opts, tally) do
    {:ok, stream} = PgEtf.Consumer.start_link(Reader.Beside, tally, opts)
    spawn_link(fn -> Reader.Beside.read_on(stream, table()) end)
    {:ok, stream}
  end

  defp table, do: System.fetch_env!("BENCH_TABLE")

  defp batches(opts, tally) do
    topology = [processors: [default: [concurrency: 2]], batchers: [default: [batch_size: 500]]]
    producer = {PgEtf.Producer, opts ++ [unit: :change]}
    apply(Reader.Pipeline, :start, [producer, topology, %{tally | where: :batch}])
  end

  # With the settings that processors have for changes.
  defp nothing(_opts, tally) do
    processors = [processors: [default: [concurrency: 2, max_demand: 10]]]
    topology = PgEtf.Producer.Tuning.tune(processors)

    apply(Reader.Pipeline, :start, [
      Reader.PeerPipeline,
      {Reader.Nothing, tally.goal},
      topology,
      tally
    ])
  end

  defp tls(opts) do
    host = Regex.replace(~r/host=\S+/, opts[:connection], "host=127.0.0.1 sslmode=require")
    Keyword.put(opts, :connection, host)
  end

  # With settings of its documentation, and a queue that it does not overflow.
  defp postgrex_wal(opts, tally) do
    %{"host" => dir, "user" => user, "dbname" => database} = words = words(opts)
    {:ok, _} = Application.ensure_all_started(:postgrex)
    slot = [name: :wal, slot_name: opts[:slot], publication_name: "bench", max_size: 100_000_000]
    port = words |> Map.get("port", "5432") |> String.to_integer()
    connection = [socket_dir: dir, port: port, username: user, database: database]
    named = [parameters: [application_name: "bench_run"]]
    topology = [processors: [default: [max_demand: 1000, min_demand: 500, concurrency: 1]]]
    producer = {PostgrexWal.PgProducer, slot ++ connection ++ named}
    apply(Reader.Pipeline, :start, [Reader.PeerPipeline, producer, topology, tally])
  end

  # It connects by TCP only, and has no room for anything of ours in its callbacks.
  defp walex(opts, tally) do
    words = words(opts)
    :persistent_term.put(Reader.Events, tally)
    for app <- [:postgrex, :tzdata], do: {:ok, _} = Application.ensure_all_started(app)
    address = [hostname: "127.0.0.1", port: String.to_integer(words["port"])]
    login = [username: words["user"], password: "", database: words["dbname"]]
    slot = [slot_name: opts[:slot], durable_slot: true, publication: "bench"]
    wanted = [name: Reader, subscriptions: ["mixed"], modules: [Reader.Events]]
    apply(WalEx.Supervisor, :start_link, [address ++ login ++ slot ++ wanted])
  end

  defp words(opts) do
    opts[:connection] |> String.split() |> Map.new(&List.to_tuple(String.split(&1, "=")))
  end

  def main([handler, connection, slot, changes | latencies]) do
    start = Map.fetch!(handlers(), handler)
    tally = Reader.Tally.new(String.to_integer(changes), latencies != [])
    for module <- modules(), do: Code.ensure_loaded!(module)

    IO.puts("ready #{System.pid()}")
    IO.gets("")
    Process.flag(:trap_exit, true)
    {:ok, _} = start.([connection: connection, slot: slot] ++ publications(), tally)

    receive do
      :done -> IO.puts("done #{client()}")
      {:EXIT, _, reason} -> raise "the handler ended with an error: #{inspect(reason)}"
    end

    for file <- latencies, do: Reader.Tally.write(tally, file)
    IO.gets("")
    System.halt(0)
  end

  # What a slot of pgoutput needs.
  defp publications do
    for name <- List.wrap(System.get_env("BENCH_PUBLICATION")), do: {:publications, [name]}
  end

  # Loading is not what is measured.
  defp modules do
    {:ok, modules} = :application.get_key(:pg_etf, :modules)
    modules
  end

  defp client do
    Enum.find_value(Port.list(), fn port ->
      {:name, name} = Port.info(port, :name)

      if String.ends_with?(to_string(name), "pg_etf_client"),
        do: elem(Port.info(port, :os_pid), 1)
    end)
  end
end

:ok = Application.ensure_started(:logger)
Application.load(:pg_etf)
# As in an application; not started, it logs a warning for each event.
if Code.ensure_loaded?(:telemetry), do: {:ok, _} = Application.ensure_all_started(:telemetry)
Reader.main(System.argv())
