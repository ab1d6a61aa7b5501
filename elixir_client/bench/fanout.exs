# What it costs to handle changes on other nodes, and what it brings. Run with
# `mix run --no-start bench/fanout.exs [ROWS [ROUNDS [TITLE]]]`; TITLE is a part of those below.
#
# A private PostgreSQL, rows of nine columns in transactions of 100, nodes on this
# machine. Each measurement reads a copy of the same slot: rows in a second, and the CPU
# of each node in microseconds a row of all, the one that reads first, from the start of the
# stream to the last row. The lowest, the median and the highest of the rounds, in which
# the candidates take turns.

defmodule Bench.Fanout do
  alias PgEtf.{Consumer, Fanout, Sandbox}

  # Title, workers of each node, milliseconds for a change, part of the rows.
  @candidates [
    {"PgEtf.Consumer, empty", [:consumer], 0, 1},
    {"1 node, empty", [4], 0, 1},
    {"2 nodes, empty", [2, 2], 0, 1},
    {"reads for 2 nodes, empty", [0, 2, 2], 0, 1},
    {"1 node, 1 ms", [8], 1, 20},
    {"2 nodes, 1 ms", [8, 8], 1, 20}
  ]
  # One that is still being released is dropped the next time.
  @drop """
  SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
  WHERE slot_name <> 'origin' AND NOT active
  """
  # Schedulers that wait must not count as work.
  @idle [~c"+sbwt", ~c"+sbwtdcpu", ~c"+sbwtdio"]

  defmodule Handler do
    @behaviour PgEtf.Consumer

    @impl true
    def init({pause, counter}), do: {:ok, {pause, :persistent_term.get(counter)}}

    @impl true
    def handle_changes(changes, {pause, counter} = state) do
      if pause > 0, do: Process.sleep(pause)
      :counters.add(counter, 1, length(changes))
      {:ok, state}
    end
  end

  def run(rows, rounds, title) do
    {:ok, sandbox} = Sandbox.start_link()
    fill(sandbox, rows)
    nodes = nodes(3)
    candidates = Enum.filter(@candidates, &String.contains?(elem(&1, 0), title))

    for _ <- 1..rounds, {_, workers, pause, part} = candidate <- candidates do
      {candidate, read(sandbox, Enum.zip(nodes, workers), div(rows, part), pause)}
    end
    |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
    |> Enum.sort_by(fn {candidate, _} -> Enum.find_index(@candidates, &(&1 == candidate)) end)
    |> Enum.each(&report(&1, rows))
  end

  defp fill(sandbox, rows) do
    Sandbox.psql!(sandbox, """
    CREATE TABLE t (id bigint PRIMARY KEY, customer text, email text, placed timestamptz,
      total numeric, paid boolean, weight float8, lines int, note text);
    SELECT pg_create_logical_replication_slot('origin', 'pg_etf_decoding');
    DO $$ BEGIN
      FOR i IN 0..#{div(rows, 100) - 1} LOOP
        INSERT INTO t SELECT 100 * i + g, 'customer ' || g, g || '@example.org', now(), g / 7.0,
          true, g / 3.0, g, 'a note of some length' FROM generate_series(1, 100) g;
        COMMIT;
      END LOOP;
    END $$;
    """)
  end

  # They listen at one port, each at an address of its own, and need no daemon.
  defp nodes(count) do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    [first | others] = for n <- 1..count, do: node(n, port)

    for {peer, _} <- others,
        do: true = :peer.call(peer, :net_kernel, :connect_node, [elem(first, 1)])

    [first | others]
  end

  defp node(n, port) do
    {:ok, peer, node} =
      :peer.start_link(%{
        name: :"bench_#{port}",
        host: ~c"127.0.0.#{n}",
        longnames: true,
        connection: :standard_io,
        args:
          [~c"-erl_epmd_port", ~c"#{port}", ~c"-setcookie", ~c"bench"] ++
            [~c"-kernel", ~c"inet_dist_use_interface", ~c"{127,0,0,#{n}}"] ++
            Enum.flat_map(@idle, &[&1, ~c"none"]) ++
            Enum.flat_map(:code.get_path(), &[~c"-pa", &1])
      })

    for app <- [:elixir, :logger, :pg_etf] do
      {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [app])
    end

    :peer.call(peer, Code, :require_file, [__ENV__.file])
    :peer.call(peer, Logger, :configure, [[level: :error]])
    {peer, node}
  end

  defp report({{title, _workers, _pause, part}, results}, rows) do
    rows = div(rows, part)
    rates = for {ms, _cpus} <- results, do: round(rows * 1000 / ms)

    cpus =
      for cpus <- Enum.zip_with(Enum.map(results, &elem(&1, 1)), & &1) do
        cpus |> Enum.map(&Float.round(&1 / rows, 2)) |> range()
      end

    IO.puts(
      "#{String.pad_trailing(title, 25)} rows/s #{range(rates)}   us/row #{Enum.join(cpus, ", ")}"
    )
  end

  defp range(numbers) do
    sorted = Enum.sort(numbers)
    middle = Enum.at(sorted, div(length(sorted), 2))
    "#{hd(sorted)} - #{middle} - #{List.last(sorted)}"
  end

  defp read(sandbox, nodes, rows, pause) do
    slot = "s#{System.unique_integer([:positive])}"
    Sandbox.psql!(sandbox, "SELECT pg_copy_logical_replication_slot('origin', '#{slot}')")
    opts = [connection: Sandbox.connection(sandbox), slot: slot]

    for {{{peer, _}, workers}, n} <- Enum.reverse(Enum.with_index(nodes)) do
      :ok = :peer.call(peer, __MODULE__, :start, [workers, pause, opts, n == 0], 60_000)
    end

    nodes = for {node, _workers} <- nodes, do: node
    before = Enum.map(nodes, &cpu/1)
    started = System.monotonic_time(:millisecond)
    :peer.call(elem(hd(nodes), 0), __MODULE__, :go, [])
    wait(nodes, rows)
    took = System.monotonic_time(:millisecond) - started
    used = for {node, old} <- Enum.zip(nodes, before), do: cpu(node) - old
    for {peer, _} <- nodes, do: :peer.call(peer, __MODULE__, :stop, [], 60_000)
    Sandbox.psql!(sandbox, @drop)
    {took, used}
  end

  defp wait(nodes, rows) do
    counts = for {peer, _} <- nodes, do: :peer.call(peer, __MODULE__, :count, [])

    if Enum.sum(counts) < rows do
      Process.sleep(5)
      wait(nodes, rows)
    end
  end

  # Microseconds of the virtual machine; its C program is not in it.
  defp cpu({peer, _}) do
    pid = :peer.call(peer, :os, :getpid, [])
    [_, fields] = "/proc/#{pid}/stat" |> File.read!() |> String.split(") ")
    fields = String.split(fields)
    10_000 * (String.to_integer(Enum.at(fields, 11)) + String.to_integer(Enum.at(fields, 12)))
  end

  ## In a node

  def start(workers, pause, opts, reader?) do
    :persistent_term.put(:bench_counter, :counters.new(1, []))
    name = String.to_atom(opts[:slot])
    test = self()

    spawn(fn ->
      Process.register(self(), :bench)
      Process.flag(:trap_exit, true)
      send(test, :here)

      unless reader?,
        do: {:ok, _} = start_one(workers, pause, [name: name, reader: false] ++ opts)

      serve(fn -> start_one(workers, pause, [name: name] ++ opts) end)
    end)

    receive do
      :here -> :ok
    end
  end

  defp serve(start) do
    receive do
      {:go, from} ->
        {:ok, pid} = start.()
        send(from, {:went, pid})
        serve(start)

      {:stop, from} ->
        send(from, :stopped)
    end
  end

  def go do
    send(:bench, {:go, self()})

    receive do
      {:went, _pid} -> :ok
    end
  end

  def count, do: :counters.get(:persistent_term.get(:bench_counter), 1)

  def stop do
    monitor = Process.monitor(:bench)
    send(:bench, {:stop, self()})

    receive do
      {:DOWN, ^monitor, _, _, _} -> Process.sleep(200)
    end
  end

  defp start_one(:consumer, pause, opts),
    do: Consumer.start_link(Handler, {pause, :bench_counter}, opts)

  defp start_one(workers, pause, opts) do
    batch = if pause > 0, do: 1, else: 100

    Fanout.start_link(
      Handler,
      {pause, :bench_counter},
      [workers: workers, batch_size: batch] ++ opts
    )
  end
end

# The nodes read this file, too.
unless Node.alive?() do
  {rows, rounds, title} =
    case System.argv() do
      [] -> {"200000", "3", ""}
      [rows] -> {rows, "3", ""}
      [rows, rounds] -> {rows, rounds, ""}
      [rows, rounds, title] -> {rows, rounds, title}
    end

  Bench.Fanout.run(String.to_integer(rows), String.to_integer(rounds), title)
end
