defmodule PgEtf.Integration.NodeTest do
  # A stream whose C program runs elsewhere, as an Erlang node: docs/node.md.
  use PgEtf.Integration, async: true

  alias PgEtf.{Beam, Client, Repo, RowSink, Sql}

  @host "127.0.0.1"
  @cookie "crumb"
  @top Path.expand("../../..", __DIR__)

  # An EPMD of our own, which nobody else's nodes disturb, and the cookie's file.
  setup do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    {:ok, client} = Client.Port.find()
    epmd = run("epmd", ["-address", @host, "-port", "#{port}"], [])
    cookie = Path.join(System.tmp_dir!(), name("cookie"))
    File.write!(cookie, @cookie)
    File.chmod!(cookie, 0o400)

    on_exit(fn ->
      Beam.signal("KILL", [epmd.pid])
      File.rm(cookie)
    end)

    %{epmd: "#{port}", cookie: cookie, client: client}
  end

  # A program beside this one; what it writes is in messages.
  defp run(program, args, env) do
    path = System.find_executable(program)
    env = for {key, value} <- env, do: {to_charlist(key), to_charlist(value)}
    options = [:binary, :exit_status, :stderr_to_stdout, args: args, env: env]
    port = Port.open({:spawn_executable, path}, options)
    {:os_pid, pid} = Port.info(port, :os_pid)
    on_exit(fn -> Beam.signal("KILL", [pid]) end)
    %{port: port, pid: pid}
  end

  defp node(context, name) do
    Beam.start(name, %{
      name: :app,
      host: to_charlist(@host),
      longnames: true,
      env: [{~c"ERL_EPMD_PORT", to_charlist(context.epmd)}],
      args: [~c"-setcookie", to_charlist(@cookie), ~c"-kernel", ~c"net_ticktime", ~c"4"]
    })
  end

  defp client(context, slot, to) do
    database = Sandbox.connection(context.sandbox)

    args = [
      "--host=#{database[:socket_dir]}",
      "--port=#{database[:port]}",
      "--username=#{database[:username]}",
      "--dbname=#{database[:database]}",
      "--slot=#{slot}",
      "--to=#{to}@app@#{@host}",
      "--node=client@#{@host}",
      "--cookie-file=#{context.cookie}",
      "--reconnect-min=50ms",
      "--reconnect-max=200ms",
      "--liveness-timeout=2s"
    ]

    run(context.client, args, [{"ERL_EPMD_PORT", context.epmd}])
  end

  defp says(%{port: port} = program, text, said \\ "") do
    unless said =~ text do
      assert_receive {^port, {:data, more}}, 30_000
      says(program, text, said <> more)
    end
  end

  # As a shell does, whose processes live on.
  defp go_on(node, code) do
    Beam.call(node, :erlang, :spawn, [Code, :eval_string, [code <> "Process.sleep(:infinity)"]])
  end

  test "docs/node.md runs", %{sandbox: sandbox} = context do
    [code] =
      Regex.run(~r/^```elixir\n(.*?)^```/ms, File.read!(Path.join(@top, "docs/node.md")),
        capture: :all_but_first
      )

    Sandbox.psql!(sandbox, "CREATE TABLE orders (id int PRIMARY KEY)")
    create_slot(sandbox, "audit")
    Sandbox.psql!(sandbox, "INSERT INTO orders VALUES (1)")
    node = node(context, "documented")
    go_on(node, code)
    client(context, "audit", "audit")
    eventually(fn -> Beam.logged(node) =~ ~s(insert %{"id" => 1}) end)
  end

  test "a producer", %{sandbox: sandbox} = context do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1), (2)")
    client(context, slot, "producer")

    written = current(sandbox)

    code = """
    opts = [connection: {:node, :producer}, slot: "#{slot}", backoff_max: 500]
    {:ok, stage} = PgEtf.Stage.start_link(PgEtf.Producer, opts)
    messages = PgEtf.Stage.take(stage, 2, 30_000)
    [%{"id" => 1}, %{"id" => 2}] = Enum.map(messages, & &1.data.record)
    :ok = PgEtf.ack(messages)
    """

    context |> node("producer") |> go_on(code)
    eventually(fn -> confirmed(sandbox, slot) >= written end)
  end

  # Rows one by one until told to stop: how many there are.
  defp write(sandbox, table) do
    Task.async(fn ->
      sandbox |> Sandbox.connection() |> Sql.connect!() |> insert(table, 1)
    end)
  end

  defp insert(socket, table, id) do
    receive do
      :stop -> id - 1
    after
      1 ->
        {:ok, _} = Sql.query(socket, "INSERT INTO #{table} VALUES (#{id})")
        insert(socket, table, id + 1)
    end
  end

  defp start_sink(node, world) do
    pauses = [backoff_min: 10, backoff_max: 200, heartbeat: 1_000]
    opts = [connection: {:node, :rows}, slot: world.slot] ++ pauses
    Beam.call(node, RowSink, :start, [world.sink, opts, %{}])
  end

  defp status(node), do: Beam.call(node, RowSink, :info, []).status

  defp ids(world) do
    {:ok, %{rows: rows}} = Sql.query(world.socket, "SELECT id FROM sink ORDER BY s")
    List.flatten(rows)
  end

  defp moves(world, before), do: eventually(fn -> length(ids(world)) > before + 20 end)

  test "each row once, whoever is killed", %{sandbox: sandbox} = context do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    database = name("sink")
    Sandbox.psql!(sandbox, "CREATE DATABASE #{database} OWNER sandbox", username: "postgres")
    sink = sandbox |> Sandbox.connection() |> Keyword.put(:database, database)
    world = %{slot: slot, sink: sink, socket: Sql.connect!(sink)}
    node = node(context, "first")
    :ok = Beam.call(node, Repo, :start, [sink])
    :ok = Beam.call(node, RowSink, :create, [slot])
    Beam.kill(node)
    eventually(fn -> not Beam.alive?(node) end)

    writer = write(sandbox, table)
    program = client(context, slot, "rows")
    node = node(context, "second")
    start_sink(node, world)
    moves(world, 0)

    # The program, which then is a namesake that does not know of its predecessor.
    Beam.signal("KILL", [program.pid])
    program = client(context, slot, "rows")
    moves(world, length(ids(world)))

    # The program hangs, and its successor takes over: the slot, too, once it ends.
    Beam.signal("STOP", [program.pid])
    successor = client(context, slot, "rows")
    eventually(fn -> status(node) in [:standby, :connected, :reconnecting] end)
    Beam.signal("KILL", [program.pid])
    moves(world, length(ids(world)))

    # The node.
    Beam.kill(node)
    eventually(fn -> not Beam.alive?(node) end)
    node = node(context, "third")
    start_sink(node, world)
    moves(world, length(ids(world)))

    # The node stands still for longer than the program is patient.
    Beam.signal("STOP", [node.pid])
    says(successor, "silent for 2000 ms")
    Beam.signal("CONT", [node.pid])
    moves(world, length(ids(world)))

    send(writer.pid, :stop)
    count = Task.await(writer, 30_000)
    eventually(fn -> length(ids(world)) >= count end)
    assert ids(world) == Enum.to_list(1..count)

    # A clean end says so to the node, which waits for the next one.
    Beam.signal("TERM", [successor.pid])
    port = successor.port
    assert_receive {^port, {:exit_status, 0}}, 15_000
    eventually(fn -> status(node) == :reconnecting end)
    assert Beam.call(node, RowSink, :info, []).error.class == :network
  end
end
