defmodule PgEtf.Integration.SlotTest do
  # A slot that was there is not made anew as if nothing had happened, whatever starts
  # again meanwhile, and one that is made is told.
  use PgEtf.Integration, async: false

  alias PgEtf.{Consumer, Error, LogTo, Lsn}

  # What it is given goes to the test; the position is kept in an Agent.
  defmodule Stored do
    @behaviour Consumer

    @impl true
    def checkpoint(%{store: store}), do: Agent.get(store, & &1)

    @impl true
    def handle_transaction(transaction, %{test: test} = state) do
      for change <- transaction.changes, do: send(test, {:row, change.record["id"]})
      put(transaction.end_lsn, state)
    end

    @impl true
    def handle_position(lsn, %{test: test} = state) do
      send(test, {:position, lsn})
      put(lsn, state)
    end

    defp put(lsn, %{store: store} = state) do
      Agent.update(store, fn _ -> lsn end)
      {:ok, state}
    end
  end

  setup %{sandbox: sandbox} do
    LogTo.start()
    table = name("t")
    Sandbox.psql!(sandbox, "CREATE TABLE #{table} (id int)")
    %{table: table, slot: name("s")}
  end

  defp insert(sandbox, table, id),
    do: Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (#{id})")

  # Its reader comes back as fast as it can.
  defp drop(sandbox, slot) do
    Sandbox.psql!(sandbox, """
    DO $$ BEGIN
      PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots
        WHERE slot_name = '#{slot}' AND active;
      FOR i IN 1..100 LOOP
        BEGIN
          PERFORM pg_drop_replication_slot('#{slot}');
          RETURN;
        EXCEPTION WHEN object_in_use THEN
          PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots
            WHERE slot_name = '#{slot}' AND active;
          PERFORM pg_sleep(0.02);
        END;
      END LOOP;
    END $$
    """)
  end

  defp slots(sandbox, slot) do
    sql = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '#{slot}'"
    sandbox |> Sandbox.psql!(sql) |> String.trim() |> String.to_integer()
  end

  defp status(server, status) do
    eventually(fn -> PgEtf.info(server).status == status end)
    PgEtf.info(server)
  end

  defp stored(sandbox, slot, store, more) do
    Consumer.start_link(
      Stored,
      %{test: self(), store: store},
      options(sandbox, slot, [on_error: :halt] ++ more)
    )
  end

  defp store(position \\ nil) do
    {:ok, store} = Agent.start_link(fn -> position end)
    store
  end

  test "a process that is started again knows of it", %{sandbox: sandbox} = world do
    {:ok, first} = consume(sandbox, world.slot, create_slot: true, on_error: :halt)
    status(first, :connected)
    insert(sandbox, world.table, 1)
    changes(1)
    eventually(fn -> idle?(first) end)
    GenServer.stop(first)
    last = confirmed(sandbox, world.slot)
    drop(sandbox, world.slot)
    insert(sandbox, world.table, 2)

    {:ok, second} = consume(sandbox, world.slot, create_slot: true, on_error: :halt)
    assert %{error: %Error{class: :slot_missing} = error} = status(second, :halted)
    assert error.hint =~ "read up to #{Lsn.to_string(last)}"
    assert error.hint =~ "PgEtf.resume(stream, create_slot: true)"
    assert slots(sandbox, world.slot) == 0

    # Neither does a simple word make it.
    LogTo.wait_for(~r/slot #{world.slot}.*slot_missing/)
    PgEtf.resume(second)
    LogTo.wait_for(~r/slot #{world.slot}.*slot_missing/)
    assert slots(sandbox, world.slot) == 0

    PgEtf.resume(second, create_slot: true)
    assert LogTo.wait_for(~r/slot #{world.slot}.*recreated/) =~ "level: :error"
    status(second, :connected)
    begin = confirmed(sandbox, world.slot)
    insert(sandbox, world.table, 3)
    assert [%{record: %{"id" => 3}}] = changes(1)
    assert begin > last
    GenServer.stop(second)
  end

  test "the log names what is lost, from where to where", %{sandbox: sandbox} = world do
    {:ok, consumer} = consume(sandbox, world.slot, create_slot: true, on_error: :halt)
    status(consumer, :connected)

    assert LogTo.wait_for(
             ~r/slot #{world.slot}.*slot created: it only contains changes made after its creation/
           ) =~ ":warning"

    drop(sandbox, world.slot)
    status(consumer, :halted)
    insert(sandbox, world.table, 1)
    PgEtf.resume(consumer, create_slot: true)
    line = LogTo.wait_for(~r/slot #{world.slot}.*recreated/)
    [_, from, upto] = Regex.run(~r"changes after (\S+) and before (\S+) are lost", line)
    {:ok, from} = Lsn.parse(from)
    {:ok, upto} = Lsn.parse(upto)
    assert from < upto
    assert upto == confirmed(sandbox, world.slot)
    GenServer.stop(consumer)
  end

  test "the log names what is lost by a slot that was made by hand",
       %{sandbox: sandbox} = world do
    {:ok, consumer} = consume(sandbox, world.slot, create_slot: true, on_error: :halt)
    status(consumer, :connected)
    drop(sandbox, world.slot)
    status(consumer, :halted)
    insert(sandbox, world.table, 1)
    create_slot(sandbox, world.slot)
    upto = confirmed(sandbox, world.slot)
    PgEtf.resume(consumer)
    line = LogTo.wait_for(~r/level: :error.*slot #{world.slot}.*the slot was missing/)
    assert line =~ "now starts at #{Lsn.to_string(upto)}"
    assert line =~ ~r/changes after \S+ are lost/
    GenServer.stop(consumer)
  end

  # Another node knows nothing of what was read here; a conninfo string instead of
  # keywords is as good.
  test "with a stored position no node makes it anew", %{sandbox: sandbox} = world do
    store = store()
    {:ok, first} = stored(sandbox, world.slot, store, create_slot: true)
    status(first, :connected)
    insert(sandbox, world.table, 1)
    assert_receive {:row, 1}, 10_000
    eventually(fn -> idle?(first) end)
    GenServer.stop(first)
    drop(sandbox, world.slot)

    conninfo =
      Enum.map_join(Sandbox.connection(sandbox), " ", fn
        {:socket_dir, dir} -> "host=#{dir}"
        {:hostname, host} -> "host=#{host}"
        {:username, name} -> "user=#{name}"
        {:database, name} -> "dbname=#{name}"
        {key, value} -> "#{key}=#{value}"
      end)

    more = [create_slot: true, connection: conninfo]
    {:ok, second} = stored(sandbox, world.slot, store, more)
    assert %{error: %Error{class: :slot_missing} = error} = status(second, :halted)
    assert error.hint =~ Lsn.to_string(Agent.get(store, & &1))
    assert slots(sandbox, world.slot) == 0

    # Made anew, it goes on, and so does whoever comes after it.
    PgEtf.resume(second, create_slot: true)
    assert_receive {:position, begin}, 10_000
    eventually(fn -> Agent.get(store, & &1) == begin end)
    status(second, :connected)
    insert(sandbox, world.table, 2)
    assert_receive {:row, 2}, 10_000
    GenServer.stop(second)
    {:ok, third} = stored(sandbox, world.slot, store, more)
    status(third, :connected)
    GenServer.stop(third)
  end

  test ":once stores where the slot begins before anything else", %{sandbox: sandbox} = world do
    store = store()
    {:ok, first} = stored(sandbox, world.slot, store, create_slot: :once)
    assert_receive {:position, begin}, 10_000
    assert begin <= confirmed(sandbox, world.slot)
    refute_received {:row, _}
    eventually(fn -> Agent.get(store, & &1) == begin end)
    insert(sandbox, world.table, 1)
    assert_receive {:row, 1}, 10_000
    GenServer.stop(first)
    drop(sandbox, world.slot)

    {:ok, second} = stored(sandbox, world.slot, store, create_slot: :once)
    assert %{error: %Error{class: :slot_missing}} = status(second, :halted)
    assert slots(sandbox, world.slot) == 0
    GenServer.stop(second)
  end

  test ":once takes a slot that is there", %{sandbox: sandbox} = world do
    create_slot(sandbox, world.slot)
    insert(sandbox, world.table, 1)
    store = store()
    {:ok, consumer} = stored(sandbox, world.slot, store, create_slot: :once)
    assert_receive {:position, begin}, 10_000
    assert_receive {:row, 1}, 10_000
    eventually(fn -> Agent.get(store, & &1) > begin end)
    GenServer.stop(consumer)
  end

  test "a temporary one of pgoutput is read for, and nothing is kept",
       %{sandbox: sandbox} = world do
    insert(sandbox, world.table, 1)
    Sandbox.psql!(sandbox, "CREATE PUBLICATION #{world.slot} FOR TABLE #{world.table}")
    more = [create_slot: :temporary, plugin: :pgoutput, publications: [world.slot]]

    for id <- 2..3 do
      {:ok, consumer} = consume(sandbox, world.slot, [snapshot: :initial] ++ more)
      assert Enum.all?(changes(id - 1), &(&1.op == :read))
      status(consumer, :connected)
      insert(sandbox, world.table, id)
      assert [%{op: :insert, record: %{"id" => ^id}}] = changes(1)
      GenServer.stop(consumer)
    end
  end

  test "a temporary one is made again and again", %{sandbox: sandbox} = world do
    for id <- 1..2 do
      {:ok, consumer} = consume(sandbox, world.slot, create_slot: :temporary, on_error: :halt)
      status(consumer, :connected)
      insert(sandbox, world.table, id)
      assert [%{record: %{"id" => ^id}}] = changes(1)
      GenServer.stop(consumer)
    end

    # Never one that is somebody's.
    create_slot(sandbox, world.slot)
    before = confirmed(sandbox, world.slot)
    insert(sandbox, world.table, 3)
    {:ok, consumer} = consume(sandbox, world.slot, create_slot: :temporary, on_error: :halt)
    assert %{error: %Error{class: :config, message: message}} = status(consumer, :halted)
    assert message =~ "is not temporary"
    refute_received {:change, _}
    assert confirmed(sandbox, world.slot) == before
    GenServer.stop(consumer)
  end

  test "two that begin together, without a slot", %{sandbox: sandbox} = world do
    consumers =
      for _ <- 1..3 do
        {:ok, consumer} = consume(sandbox, world.slot, create_slot: true, on_error: :halt)
        consumer
      end

    eventually(fn ->
      Enum.sort(Enum.map(consumers, &PgEtf.info(&1).status)) == [:connected, :standby, :standby]
    end)

    Enum.each(consumers, &GenServer.stop/1)
  end

  # The reader moves the slot ten times a second, and is taken over from five times.
  test "two that store their position take over without a gap", %{sandbox: sandbox} = world do
    create_slot(sandbox, world.slot)
    store = store()
    last = 60

    writer =
      Task.async(fn ->
        for id <- 1..last do
          insert(sandbox, world.table, id)
          Process.sleep(50)
        end
      end)

    start = fn ->
      {:ok, consumer} = stored(sandbox, world.slot, store, max_stall: 1_000)
      eventually(fn -> PgEtf.info(consumer).status in [:connected, :standby] end)
      consumer
    end

    consumers =
      Enum.reduce(1..5, [start.(), start.()], fn _, consumers ->
        [reader] = Enum.filter(consumers, &(PgEtf.info(&1).status == :connected))
        Process.sleep(300)
        GenServer.stop(reader)
        others = consumers -- [reader]
        eventually(fn -> Enum.any?(others, &(PgEtf.info(&1).status == :connected)) end)
        [start.() | others]
      end)

    Task.await(writer, 60_000)
    for id <- 1..last, do: assert_receive({:row, ^id}, 10_000)
    refute_received {:row, _}
    refute_received {:EXIT, _, {%Error{}, _}}
    for consumer <- consumers, do: assert(PgEtf.info(consumer).error == nil)
    Enum.each(consumers, &GenServer.stop/1)
  end

  test "a slot made anew behind a plain one is a gap, and stays one", world do
    %{sandbox: sandbox, slot: slot, table: table} = world
    create_slot(sandbox, slot)

    more = [backoff_min: 3_000, backoff_max: 3_000, on_error: :halt, retry_after: 100]
    {:ok, consumer} = consume(sandbox, slot, more)
    status(consumer, :connected)
    insert(sandbox, table, 1)
    changes(1)

    drop(sandbox, slot)
    insert(sandbox, table, 2)
    create_slot(sandbox, slot)
    status(consumer, :halted)
    assert %{class: :gap, message: message} = PgEtf.info(consumer).error
    assert message =~ "recreated"
    Process.sleep(500)
    assert PgEtf.info(consumer).status == :halted

    assert PgEtf.resume(consumer) == :ok
    status(consumer, :connected)
    insert(sandbox, table, 3)
    assert_receive {:change, %{record: %{"id" => 3}}}, 10_000
    GenServer.stop(consumer)
  end

  test "a plain one goes on where the slot is by now", %{sandbox: sandbox} = world do
    create_slot(sandbox, world.slot)
    more = [backoff_min: 2_000, backoff_max: 2_000]
    {:ok, slow} = consume(sandbox, world.slot, more)
    status(slow, :connected)
    insert(sandbox, world.table, 1)
    changes(1)
    eventually(fn -> idle?(slow) end)
    {:ok, fast} = consume(sandbox, world.slot)
    status(fast, :standby)
    terminate_walsender(sandbox)
    status(fast, :connected)
    assert LogTo.wait_for(~r/slot #{world.slot}.*slot_moved/) =~ ":warning"
    status(slow, :standby)
    GenServer.stop(fast)
    status(slow, :connected)
    insert(sandbox, world.table, 2)
    assert_receive {:change, %{record: %{"id" => 2}}}, 10_000
    GenServer.stop(slow)
  end
end
