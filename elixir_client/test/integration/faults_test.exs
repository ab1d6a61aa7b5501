defmodule PgEtf.Integration.FaultsTest do
  use PgEtf.Integration, async: false

  alias PgEtf.{Client, Producer, Stage}

  defp kill_program(server) do
    case :sys.get_state(server) do
      %{session: %{conn: %{os_pid: os_pid}}} -> System.cmd("sh", ["-c", "kill -KILL #{os_pid}"])
      _ -> :ok
    end
  end

  for {title, fault} <- [
        {"the program is killed", :program},
        {"the program is stopped, and does not answer", :hang},
        {"the walsender is terminated", :walsender},
        {"the server is restarted", :restart},
        {"the server crashes", :crash},
        {"the consumer is killed", :consumer}
      ] do
    test "#{title}: every row comes, twice only what was not confirmed", context do
      %{sandbox: sandbox} = context
      {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
      opts = options(sandbox, slot, name: :faults, heartbeat: 500, max_changes: 10)
      start_supervised!({PgEtf.Consumer, {PgEtf.Integration.Collector, %{test: self()}, opts}})
      writer = write(sandbox, table, 3000)

      read_all(sandbox, slot, 3000, 700, fn ->
        fault(unquote(fault), Process.whereis(:faults), sandbox)
      end)

      Task.await(writer, 60_000)
      eventually(fn -> idle?(:faults) end)
      stop_supervised!(:faults)
    end
  end

  defp fault(:program, consumer, _sandbox), do: kill_program(consumer)
  defp fault(:consumer, consumer, _sandbox), do: Process.exit(consumer, :kill)
  defp fault(:walsender, _consumer, sandbox), do: terminate_walsender(sandbox)
  defp fault(:restart, _consumer, sandbox), do: Sandbox.restart(sandbox)
  defp fault(:crash, _consumer, sandbox), do: Sandbox.restart(sandbox, :immediate)

  defp fault(:hang, consumer, _sandbox) do
    %{session: %{conn: %{os_pid: os_pid}}} = :sys.get_state(consumer)
    System.cmd("sh", ["-c", "kill -STOP #{os_pid}"])
  end

  test "the producer is killed: every row comes, twice only what was not confirmed", context do
    %{sandbox: sandbox} = context
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    Sandbox.psql!(sandbox, "INSERT INTO #{table} SELECT 1")

    for id <- 2..50, do: Sandbox.psql!(sandbox, "INSERT INTO #{table} SELECT #{id}")

    {:ok, stage} = Stage.start_link(Producer, options(sandbox, slot))
    messages = Stage.take(stage, 30)
    {done, _open} = Enum.split(messages, 10)
    PgEtf.ack(done)
    last = List.last(done).data
    eventually(fn -> confirmed(sandbox, slot) == last.end_lsn end)
    Process.exit(stage, :kill)
    assert_receive {:EXIT, ^stage, :killed}

    {:ok, stage} = Stage.start_link(Producer, options(sandbox, slot))
    again = Stage.take(stage, 40, 15_000)
    assert Enum.map(again, & &1.data.record["id"]) == Enum.to_list(11..50)
    assert Enum.all?(again, &(&1.data.end_lsn > last.end_lsn))
    GenServer.stop(stage)
  end

  test "100,000 messages acknowledged in random order end at the end, never ahead", context do
    %{sandbox: sandbox} = context
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")

    Sandbox.psql!(sandbox, """
    DO $$
    BEGIN
      FOR i IN 0..999 LOOP
        INSERT INTO #{table} SELECT generate_series(i * 100 + 1, i * 100 + 100);
        COMMIT;
      END LOOP;
    END $$;
    """)

    # A message that was kept back from the first batch may be open to the end.
    options = options(sandbox, slot, max_in_flight: 200_000, window_bytes: 100_000_000)
    {:ok, stage} = Stage.start_link(Producer, options)

    {open, last} =
      Enum.reduce(1..20, {[], nil}, fn _, {open, _} ->
        messages = Stage.take(stage, 5_000, 30_000)
        {now, later} = (open ++ messages) |> Enum.shuffle() |> Enum.split(-2_000)
        now |> Enum.chunk_every(11) |> Enum.each(&PgEtf.ack/1)
        oldest = later |> Enum.map(& &1.data.end_lsn) |> Enum.min()
        # The confirmed position is before every message that is still open.
        assert confirmed(sandbox, slot) < oldest
        {later, List.last(messages)}
      end)

    PgEtf.ack(open)
    eventually(fn -> confirmed(sandbox, slot) >= last.data.end_lsn end)
    GenServer.stop(stage)
  end

  test "the program ends with its owner", %{sandbox: sandbox} do
    {_table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    {:ok, consumer} = consume(sandbox, slot)
    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    %{session: %{conn: %{os_pid: os_pid}}} = :sys.get_state(consumer)
    Process.exit(consumer, :kill)
    eventually(fn -> not File.exists?("/proc/#{os_pid}") end)
  end

  # The stderr of the program is that of the virtual machine, so this needs one of its own.
  @tag :tmp_dir
  test "a program that fills stderr disturbs nothing", %{sandbox: sandbox, tmp_dir: dir} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    Sandbox.psql!(sandbox, "INSERT INTO #{table} SELECT generate_series(1, 1000)")
    {:ok, program} = Client.Port.find()
    noisy = Path.join(dir, "noisy")

    File.write!(noisy, """
    #!/bin/sh
    head -c 10000000 /dev/zero >&2
    exec #{program} "$@"
    """)

    File.chmod!(noisy, 0o755)

    code = """
    Logger.configure(level: :warning)
    Application.ensure_all_started(:telemetry)
    opts = #{inspect(options(sandbox, slot, client_path: noisy))}
    {:ok, consumer} = PgEtf.Consumer.start_link(PgEtf.Integration.Collector, %{test: self()}, opts)
    for id <- 1..1000, do: (receive do {:change, %{record: %{"id" => ^id}}} -> :ok end)
    GenServer.stop(consumer)
    IO.puts("read all")
    """

    stderr = Path.join(dir, "stderr")
    args = ["-c", ~s(exec elixir -pa "$1" -e "$2" 2> "$3"), "sh", Mix.Project.compile_path()]
    assert {"read all\n", 0} = System.cmd("sh", args ++ [code, stderr])
    assert File.stat!(stderr).size == 10_000_000
  end

  # In the BEAM a row is in the port's buffer, in the packet and in the term; besides
  # there is the last one, until its owner is collected. In the program it is in
  # libpq's buffer, which doubles, and in what libpq hands over.
  test "rows of 50 MB pass one after the other, however many there are", context do
    %{sandbox: sandbox} = context
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, content bytea")
    size = 50 * 1024 * 1024
    {:ok, stage} = Stage.start_link(Producer, options(sandbox, slot, window_bytes: 1_000_000))

    Sandbox.psql!(sandbox, """
    ALTER TABLE #{table} ALTER content SET STORAGE EXTERNAL;
    INSERT INTO #{table}
      SELECT i, convert_to(repeat(md5(i::text), #{div(size, 32)}), 'UTF8')
      FROM generate_series(1, 8) i;
    """)

    eventually(fn -> Stage.info(stage).status == :connected end)
    %{state: %{session: %{conn: %{os_pid: os_pid}}}} = :sys.get_state(stage)
    before = :erlang.memory(:binary)
    peak = start_supervised!({Task, fn -> watch_memory(0) end})
    Stage.ask(stage, 100)

    for id <- 1..8 do
      [message] = Stage.receive_messages(stage, 1, 30_000)
      assert message.data.record["id"] == id
      assert byte_size(message.data.record["content"]) == size
      refute_receive {Stage, _, _}, 100
      PgEtf.ack([message])
      :erlang.garbage_collect()
    end

    assert peak(peak) - before < 5 * size
    assert peak_rss(os_pid) < 4 * size
    GenServer.stop(stage)
  end

  defp watch_memory(peak) do
    peak = max(peak, :erlang.memory(:binary))

    receive do
      {:peak, to} -> send(to, {:peak, peak})
    after
      2 -> watch_memory(peak)
    end
  end

  defp peak(watcher) do
    send(watcher, {:peak, self()})
    assert_receive {:peak, peak}
    peak
  end

  defp peak_rss(os_pid) do
    [_, kilobytes] = Regex.run(~r/VmHWM:\s+(\d+) kB/, File.read!("/proc/#{os_pid}/status"))
    String.to_integer(kilobytes) * 1024
  end

  @tag :slow
  @tag timeout: 600_000
  test "a backlog of a million rows and a slow consumer: memory stays flat", context do
    %{sandbox: sandbox} = context
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, note text")

    Sandbox.psql!(sandbox, """
    INSERT INTO #{table} SELECT i, repeat('x', 100) FROM generate_series(1, 1000000) i
    """)

    before = :erlang.memory(:binary)
    {:ok, stage} = Stage.start_link(Producer, options(sandbox, slot))
    {count, peak} = slowly(stage, 0, before)
    assert count == 1_000_000
    assert peak - before < 60_000_000
    eventually(fn -> Stage.info(stage).in_flight == 0 end)
    GenServer.stop(stage)
  end

  defp slowly(_stage, 1_000_000, peak), do: {1_000_000, peak}

  defp slowly(stage, count, peak) do
    messages = Stage.take(stage, 1_000, 30_000)
    Process.sleep(5)
    PgEtf.ack(messages)
    slowly(stage, count + length(messages), max(peak, :erlang.memory(:binary)))
  end
end
