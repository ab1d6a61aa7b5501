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
  defstruct [:seen, :latencies, :goal, :owner]

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

if Code.ensure_loaded?(Broadway) do
  defmodule Reader.Pipeline do
    use Broadway

    def start(opts, processors, tally) do
      # Its own default, which is not there where it was compiled without Mix.
      Application.put_env(:broadway, :config_storage, :persistent_term)
      {:ok, _} = Application.ensure_all_started(:broadway)

      Broadway.start_link(__MODULE__,
        name: __MODULE__,
        producer: [module: {PgEtf.Producer, opts}, concurrency: 1],
        processors: [default: processors],
        context: tally
      )
    end

    @impl true
    def handle_message(_, %{data: %PgEtf.Transaction{} = transaction} = message, tally) do
      Reader.Tally.add(tally, length(transaction.changes), transaction.commit_time)
      message
    end

    def handle_message(_, %{data: change} = message, tally) do
      Reader.Tally.add(tally, 1, change.commit_time)
      message
    end
  end
end

defmodule Reader do
  # Processors as PgEtf.Producer recommends them where the rate matters, but for
  # "broadway-changes", which is what there is without a thought.
  def handlers do
    %{
      "consumer" => &PgEtf.Consumer.start_link(Reader.Transactions, &2, &1),
      "consumer-changes" => &PgEtf.Consumer.start_link(Reader.Changes, &2, &1),
      "broadway" => &pipeline(&1, :transaction, [spawn_opt: off_heap()], &2),
      "broadway-changes" => &pipeline(&1, :change, [], &2),
      "broadway-tuned" => &pipeline(&1, :change, [max_demand: 200, spawn_opt: off_heap()], &2)
    }
  end

  defp off_heap, do: [message_queue_data: :off_heap]

  defp pipeline(opts, unit, processors, tally) do
    apply(Reader.Pipeline, :start, [opts ++ [unit: unit], [concurrency: 2] ++ processors, tally])
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
Reader.main(System.argv())
