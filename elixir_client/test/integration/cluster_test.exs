defmodule PgEtf.Integration.ClusterTest do
  # Several nodes with one slot: what a rolling deploy, a killed node and a network that
  # swallows everything are to the rows. PG_ETF_ROUNDS says how many times; the suite
  # takes one, "make check-cluster" twenty, and prints the times.
  use PgEtf.Integration, async: true

  alias PgEtf.{Beam, Relay, Repo, RowSink, Sql}

  @rounds String.to_integer(System.get_env("PG_ETF_ROUNDS", "1"))
  @moduletag timeout: 120_000 + @rounds * 60_000
  @keys 64
  @rate 2_000
  @behind if @rounds == 1, do: 10_000, else: 100_000

  setup %{sandbox: sandbox} do
    {table, slot} = {name("t"), name("s")}

    Sandbox.psql!(sandbox, """
    CREATE TABLE #{table} (key int PRIMARY KEY, id bigint);
    INSERT INTO #{table} SELECT g, 0 FROM generate_series(1, #{@keys}) g;
    """)

    create_slot(sandbox, slot)
    database = name("sink")
    Sandbox.psql!(sandbox, "CREATE DATABASE #{database} OWNER sandbox", username: "postgres")
    sink = sandbox |> Sandbox.connection() |> Keyword.put(:database, database)
    world = %{sandbox: sandbox, table: table, slot: slot, sink: sink, socket: Sql.connect!(sink)}
    create(world)
    world
  end

  # In a node of its own, since each has one repository.
  defp create(world) do
    node = Beam.start("create")
    :ok = Beam.call(node, Repo, :start, [world.sink])
    :ok = Beam.call(node, RowSink, :create, [world.slot])
    Beam.kill(node)
  end

  ## The writer

  # Each commit takes a key's counter one further: in the sink each key's ids must be
  # 1, 2, 3, in the order of their arrival. It waits for a sink that is far behind.
  defp write(world, rate) do
    Task.async(fn ->
      source = Sql.connect!(Sandbox.connection(world.sandbox))
      sink = Sql.connect!(world.sink)
      go_on(%{source: source, sink: sink, table: world.table, rate: rate}, now(), 0)
    end)
  end

  defp go_on(writer, since, count) do
    receive do
      :stop -> count
    after
      5 ->
        now = now()
        due = if behind(writer, count) < @behind, do: due(now - since, writer.rate), else: 0
        for n <- count..(count + due - 1)//1, do: update(writer, rem(n * 7, @keys) + 1)
        go_on(writer, if(due > 0, do: now, else: since), count + due)
    end
  end

  # Of what was missed by a pause no more than this is made up for.
  defp due(milliseconds, rate), do: div(min(milliseconds, 100) * rate, 1_000)

  defp behind(writer, count) do
    {:ok, %{rows: [[arrived]]}} = Sql.query(writer.sink, "SELECT last_value FROM sink_s_seq")
    count - arrived
  end

  defp update(%{source: source, table: table}, key) do
    {:ok, %{num_rows: 1}} =
      Sql.query(source, "UPDATE #{table} SET id = id + 1 WHERE key = #{key}")
  end

  defp stop_writing(task) do
    send(task.pid, :stop)
    Task.await(task, 60_000)
  end

  ## Nodes

  defp start(world, name, opts \\ []) do
    node = Beam.start(name)
    opts = options(world.sandbox, world.slot, [tables: ["public.#{world.table}"]] ++ opts)
    supervisor = Beam.call(node, RowSink, :start, [world.sink, opts, %{node: name}])
    %{node: node, supervisor: supervisor, pid: info(node).pid, name: name}
  end

  # Of a node whose supervisor has given up there is none.
  defp info(%Beam{} = node), do: Beam.call(node, RowSink, :info, [])
  defp info(%{node: node}), do: info(node)

  defp settled(node), do: eventually(fn -> info(node).status in [:connected, :standby] end)

  defp reader(nodes), do: Enum.find(nodes, &(info(&1).status == :connected))

  # As a deploy does, with what each node has logged.
  defp stop(%{node: node} = running) do
    assert info(node).pid == running.pid
    Beam.call(node, RowSink, :stop, [running.supervisor])
    Beam.stop(node)
    log = Beam.logged(node)
    refute log =~ "gap"
    refute log =~ "child_terminated"
    String.split(log, "\n", trim: true)
  end

  ## The sink

  defp select(world, sql) do
    {:ok, %{rows: rows}} = Sql.query(world.socket, sql)
    rows
  end

  defp written(world), do: world |> select("SELECT count(*) FROM sink") |> hd() |> hd()

  # The rows of a key that are not its next ones: lost, doubled, or out of order.
  defp wrong(world) do
    select(world, """
    SELECT key, id, r FROM
      (SELECT key, id, row_number() OVER (PARTITION BY key ORDER BY s) AS r FROM sink) AS rows
    WHERE id <> r LIMIT 10
    """)
  end

  defp complete(world, count) do
    catch_up(world, count, written(world), 60)
    assert written(world) == count
    assert wrong(world) == []
  end

  # The sink may be far behind; it is waited for as long as it moves.
  defp catch_up(_world, count, written, _patience) when written >= count, do: :ok
  defp catch_up(_world, count, written, 0), do: flunk("the sink stands at #{written} of #{count}")

  defp catch_up(world, count, before, patience) do
    Process.sleep(500)
    now = written(world)
    catch_up(world, count, now, if(now > before, do: 60, else: patience - 1))
  end

  test "rolling restarts lose nothing, double nothing, and keep the order", world do
    nodes = for name <- ["a", "b", "c"], do: start(world, name)
    Enum.each(nodes, &settled/1)
    # To stand by takes no walsender.
    assert select(world, "SELECT count(*) FROM pg_stat_replication") == [[1]]
    writer = write(world, @rate)

    {nodes, logs} =
      Enum.reduce(1..@rounds, {nodes, []}, fn _, {nodes, logs} ->
        Enum.map_reduce(nodes, logs, fn node, logs ->
          log = stop(node)
          again = start(world, node.name)
          settled(again)
          {again, [log | logs]}
        end)
      end)

    count = stop_writing(writer)
    complete(world, count)
    assert reader(nodes)
    logs = Enum.map(nodes, &stop/1) ++ logs
    # It stands by, and it is connected.
    assert Enum.filter(logs, &(length(&1) > 2)) == []
    IO.puts("cluster: #{length(logs)} lives of nodes, #{count} transactions, all there in order")
  end

  ## Take-over

  @runs if @rounds == 1, do: 1, else: 20
  @takeover_timeout if @rounds == 1, do: 2_000, else: 10_000
  # The suite may run on a busy machine, where this is no measurement.
  @slack if @rounds == 1, do: 10, else: 1

  # The longest time without a row, from the event until another walsender has the slot
  # and rows arrive from it.
  defp standstill(world, event) do
    [[before]] = select(world, "SELECT max(at) FROM sink")
    old = walsender(world)
    event.()
    eventually(fn -> walsender(world) not in [nil, old] end, 60_000)
    [[again]] = select(world, "SELECT clock_timestamp()")
    newer = "SELECT 1 FROM sink WHERE at > '#{again}' LIMIT 1"
    eventually(fn -> select(world, newer) != [] end, 60_000)

    [[microseconds]] =
      select(world, """
      SELECT (1000000 * max(extract(epoch FROM pause)))::bigint FROM
        (SELECT at - lag(at) OVER (ORDER BY at) AS pause FROM sink WHERE at >= '#{before}') AS rows
      """)

    div(microseconds, 1_000)
  end

  defp walsender(world) do
    sql = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '#{world.slot}'"
    {:ok, %{rows: [[pid]]}} = Sql.query(world.socket, sql)
    pid
  end

  # The same again and again: the reader, and one that stands by.
  defp measure(world, name, runs, target, event) do
    nodes = for n <- 1..2, do: start(world, "#{name}#{n}")
    Enum.each(nodes, &settled/1)
    writer = write(world, 100)
    eventually(fn -> written(world) > 0 end)

    {times, nodes} =
      Enum.map_reduce(1..runs, nodes, fn run, nodes ->
        reader = reader(nodes)
        time = standstill(world, fn -> event.(reader) end)
        {time, replace(world, nodes, "#{name}#{run + 2}")}
      end)

    complete(world, stop_writing(writer))
    Enum.each(nodes, &Beam.kill(&1.node))
    report(name, times, target)
  end

  defp replace(world, nodes, name) do
    case Enum.split_with(nodes, &Beam.alive?(&1.node)) do
      {[_, _], []} ->
        Enum.each(nodes, &settled/1)
        nodes

      {[left], [_]} ->
        node = start(world, name)
        settled(node)
        [left, node]
    end
  end

  defp report(name, times, target) do
    sorted = Enum.sort(times)
    p95 = Enum.at(sorted, ceil(length(sorted) * 0.95) - 1)
    median = Enum.at(sorted, div(length(sorted), 2))

    IO.puts(
      "take-over, #{name}: p95 #{p95} ms, median #{median}, longest #{List.last(sorted)}, " <>
        "#{length(times)} runs"
    )

    assert p95 <= target * @slack
  end

  test "take-over after a clean stop", world do
    measure(world, "stopped", @runs, 1_500, fn reader ->
      Beam.call(reader.node, RowSink, :stop, [reader.supervisor])
      Beam.stop(reader.node)
    end)
  end

  test "take-over after a killed node", world do
    measure(world, "killed", @runs, 1_500, &Beam.kill(&1.node))
  end

  test "take-over after a killed client", world do
    measure(world, "client", @runs, 1_500, &Beam.signal("KILL", Beam.clients(&1.node)))
  end

  # A server believes in a reader that has vanished for takeover_timeout. It has
  # transactions in its hands, and works on them, when the network is back.
  test "take-over after a network that swallows everything", world do
    path = Path.join(Sandbox.info(world.sandbox).dir, ".s.PGSQL.5432")
    writer = write(world, 100)
    times = for run <- 1..max(div(@runs, 2), 1), do: swallowed(world, path, run)
    last = start(world, "last")
    complete(world, stop_writing(writer))
    stop(last)
    report("swallowed", times, @takeover_timeout + 2_000)
  end

  defp swallowed(world, path, run) do
    relay = start_supervised!({Relay, path}, id: {Relay, run})
    connection = world.sandbox |> Sandbox.connection() |> Keyword.delete(:socket_dir)
    connection = [hostname: "127.0.0.1", port: Relay.port(relay)] ++ connection
    opts = [takeover_timeout: @takeover_timeout]
    gone = start(world, "gone#{run}", [connection: connection] ++ opts)
    eventually(fn -> info(gone).status == :connected end)
    other = start(world, "other#{run}", opts)
    settled(other)
    before = written(world)
    eventually(fn -> written(world) > before end)
    time = standstill(world, fn -> Relay.swallow(relay) end)
    Relay.carry(relay)
    eventually(fn -> info(gone).status == :standby end, 60_000)
    stop(other)
    stop(gone)
    time
  end

  defp now, do: System.monotonic_time(:millisecond)
end
