defmodule PgEtf.ProducerTest do
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  import ExUnit.CaptureLog

  alias PgEtf.{Acknowledger, Error, FakeSlot, Gen, LogTo, Producer, Stage}

  @moduletag :capture_log

  defp start(slot, opts \\ []) do
    Process.flag(:trap_exit, true)

    opts =
      Keyword.merge(
        [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2],
        opts
      )

    {:ok, stage} = Stage.start_link(Producer, opts)
    stage
  end

  defp ids(messages), do: Enum.map(messages, & &1.data.record["id"])

  defp ack(messages, failed \\ []), do: PgEtf.ack(messages, failed)

  defp stop(stage) do
    GenServer.stop(stage)
  end

  test "messages follow demand, in commit order" do
    slot = FakeSlot.start([3, 0, 5])
    stage = start(slot)
    Stage.settle(stage, slot)
    refute_received {Stage, _, _}
    assert [0, 1] = stage |> Stage.take(2) |> ids()
    FakeSlot.append(slot, [1])
    Stage.settle(stage, slot)
    refute_received {Stage, _, _}
    # GenStage would keep what was not asked for.
    assert PgEtf.info(stage).in_flight == 2
    assert [2, 3, 4, 5, 6, 7, 8] = stage |> Stage.take(7) |> ids()
  end

  test "the position follows acknowledgements, transaction by transaction" do
    slot = FakeSlot.start([2, 2])
    stage = start(slot)
    [a, b, c, d] = Stage.take(stage, 4)
    ack([b, c, d])
    Stage.info(stage)
    assert FakeSlot.confirmed(slot) == 0
    ack([a])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert Stage.info(stage).flushed_lsn == FakeSlot.end_lsn(2)
  end

  test "what a consumer held when it died comes again, to the next one" do
    slot = FakeSlot.start([2, 2])
    stage = start(slot)
    [a, _, _] = Stage.take(stage, 3)
    ack([a])
    Stage.replace_consumer(stage)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    messages = Stage.take(stage, 4)
    assert ids(messages) == [0, 1, 2, 3]
    ack(messages)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)

    # Nothing is held, nothing comes again.
    Stage.replace_consumer(stage)
    FakeSlot.append(slot, [1])
    assert [4] = stage |> Stage.take(1) |> ids()
    assert FakeSlot.runs(slot) == 2
    assert FakeSlot.breaches(slot) == []
  end

  test "100,000 messages acknowledged in random order end at the end, and never beyond" do
    slot = FakeSlot.start(List.duplicate(10, 10_000), frame: 100)
    stage = start(slot, max_in_flight: 5_000)

    for batch <- 1..100 do
      messages = Stage.take(stage, 1_000)
      first = (batch - 1) * 1_000
      assert ids(messages) == Enum.to_list(first..(first + 999))

      # Half of each batch is acknowledged with the next one.
      {now, later} = messages |> Enum.shuffle() |> Enum.split(500)
      held = Process.put(:held, later) || []
      (now ++ held) |> Enum.shuffle() |> Enum.chunk_every(7) |> Enum.each(&ack/1)
      assert FakeSlot.confirmed(slot) <= FakeSlot.end_lsn(batch * 100)
    end

    ack(Process.get(:held))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(10_000) end)
    assert FakeSlot.breaches(slot) == []
  end

  test "late acknowledgements of an earlier life are harmless" do
    slot = FakeSlot.start([1, 1])
    stage = start(slot)
    old = Stage.take(stage, 2)
    FakeSlot.kill(slot)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    ack(old)
    Stage.info(stage)
    assert FakeSlot.confirmed(slot) == 0
    new = Stage.take(stage, 2)
    assert ids(new) == [0, 1]
    ack(new)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert FakeSlot.breaches(slot) == []
  end

  test "acknowledging twice, from elsewhere, and what was never handed out counts once" do
    slot = FakeSlot.start([2, 2])
    stage = start(slot)
    [first, second, third, _fourth] = messages = Stage.take(stage, 4)
    {_, {pid, incarnation}, _} = first.acknowledger

    for message <- [first, first, third, third], do: ack([message])
    fun = fn -> for _ <- 1..3, do: ack([first, third]) end
    fun |> Task.async() |> Task.await()
    # Neither numbers of the future nor nonsense from who has a reference.
    send(pid, {Acknowledger, incarnation, [4, 5, 1_000_000, -1], []})
    send(pid, {Acknowledger, make_ref(), [1], [{0, :halt}]})
    assert Stage.info(stage).in_flight == 2
    assert FakeSlot.confirmed(slot) == 0

    ack([second])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    ack(messages)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert Stage.info(stage).in_flight == 0
    assert FakeSlot.breaches(slot) == []
  end

  test "a program that does not answer is replaced" do
    slot = FakeSlot.start([1])
    stage = start(slot, heartbeat: 20)
    assert [_] = Stage.take(stage, 1)
    FakeSlot.freeze(slot)
    eventually(fn -> FakeSlot.runs(slot) >= 2 end)
    assert [0] = stage |> Stage.take(1) |> ids()
  end

  test "after a reconnect inside a transaction nothing comes twice" do
    slot = FakeSlot.start([50], frame: 10)
    stage = start(slot, prefetch: 20)
    assert Enum.to_list(0..14) == stage |> Stage.take(15) |> ids()
    FakeSlot.reconnect(slot)
    assert Enum.to_list(15..49) == stage |> Stage.take(35) |> ids()
  end

  test "a transaction without rows moves the position by itself" do
    slot = FakeSlot.start([0, 0])
    stage = start(slot)
    Stage.ask(stage, 1)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert FakeSlot.breaches(slot) == []
  end

  describe "windows" do
    test "what is in flight is bounded however large the demand" do
      slot = FakeSlot.start(List.duplicate(1, 100))
      stage = start(slot, max_in_flight: 10)
      Stage.ask(stage, 1_000)
      messages = Stage.receive_messages(stage, 10, 1_000)
      Stage.settle(stage, slot)
      refute_received {Stage, _, _}
      ack(messages)
      assert length(Stage.receive_messages(stage, 10, 1_000)) == 10
    end

    test "huge rows come one at a time" do
      slot = FakeSlot.start(List.duplicate(1, 20), row_bytes: 1_000_000)
      stage = start(slot, window_bytes: 100_000)
      Stage.ask(stage, 100)

      for id <- 0..19 do
        assert [message] = Stage.receive_messages(stage, 1)
        assert message.data.record["id"] == id
        assert Stage.info(stage).held_bytes < 1_100_000
        ack([message])
      end

      eventually(fn -> Stage.info(stage).held_bytes == 0 end)
    end

    test "no more is read ahead than was asked for" do
      slot = FakeSlot.start(List.duplicate(1, 1_000), frame: 1)
      stage = start(slot, prefetch: 10)
      Stage.ask(stage, 0)
      eventually(fn -> Stage.info(stage).queued == 10 end)
      Stage.take(stage, 500)
      assert Stage.info(stage).queued <= 10
    end
  end

  describe "transactions" do
    test "are the unit when asked for" do
      slot = FakeSlot.start([3, 0, 2], frame: 2)
      stage = start(slot, unit: :transaction)
      [a, b, c] = Stage.take(stage, 3)
      assert Enum.map([a, b, c], & &1.data.part) == [:whole, :whole, :whole]
      assert Enum.map([a, b, c], &length(&1.data.changes)) == [3, 0, 2]
      assert Enum.map(a.data.changes, & &1.record["id"]) == [0, 1, 2]
      ack([a, b, c])
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
    end

    test "come in parts when they are large, and only the last one counts" do
      slot = FakeSlot.start([25], frame: 5)
      stage = start(slot, unit: :transaction, max_transaction_changes: 10, prefetch: 10)
      messages = Stage.take(stage, 3)
      assert Enum.map(messages, & &1.data.part) == [:first, :middle, :last]
      assert Enum.map(messages, & &1.data.first_index) == [0, 10, 20]

      assert Enum.flat_map(messages, & &1.data.changes) |> Enum.map(& &1.record["id"]) ==
               Enum.to_list(0..24)

      {[last], others} = Enum.split_with(messages, &(&1.data.part == :last))
      ack(others)
      Stage.info(stage)
      assert FakeSlot.confirmed(slot) == 0
      ack([last])
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    end

    test "larger than the window of bytes do not stop" do
      slot = FakeSlot.start([40], frame: 1, row_bytes: 10_000)
      stage = start(slot, unit: :transaction, window_bytes: 50_000)

      changes =
        Stream.repeatedly(fn ->
          [message] = Stage.take(stage, 1)
          ack([message])
          message.data
        end)
        |> Enum.reduce_while([], fn transaction, changes ->
          changes = changes ++ transaction.changes
          if transaction.part == :last, do: {:halt, changes}, else: {:cont, changes}
        end)

      assert length(changes) == 40
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    end
  end

  test "create_slot: :once needs a position that is stored" do
    for more <- [[], [start_position: fn -> nil end], [store_position: fn _ -> :ok end]] do
      opts = [connection: [], slot: "s", create_slot: :once] ++ more
      assert_raise ArgumentError, ~r/needs a stored position/, fn -> Producer.init(opts) end
    end
  end

  describe "ends" do
    test "a passing failure is tried again" do
      slot = FakeSlot.start([1])
      stage = start(slot)

      for class <- [:network, :server_shutdown, :slot_active, :server_error, :port] do
        runs = FakeSlot.runs(slot)
        Stage.info(stage)
        FakeSlot.inject(slot, {:fatal, class, %{message: "m", hint: "h", sqlstate: ""}})
        eventually(fn -> FakeSlot.runs(slot) == runs + 1 end)
      end
    end

    test "another one stops the producer with its reason, where asked for" do
      for class <- [:auth, :slot_missing, :slot_lost, :gap, :plugin_not_allowed] do
        slot = FakeSlot.start([1])
        stage = start(slot, on_error: :stop)
        Stage.info(stage)
        FakeSlot.inject(slot, {:fatal, class, %{message: "m", hint: "h", sqlstate: "42501"}})
        assert_receive {:EXIT, ^stage, {%Error{class: ^class} = error, []}}
        assert Exception.message(error) == "#{class}: m (h)"
        assert error.sqlstate == "42501"
      end
    end

    test "nonsense from the program stops the producer, where asked for" do
      for packet <- [{:tx, :odd}, [{:tx, :odd}], [1], :what] do
        slot = FakeSlot.start([1])
        stage = start(slot, on_error: :stop)
        Stage.info(stage)
        FakeSlot.inject(slot, packet)
        assert_receive {:EXIT, ^stage, {%Error{class: :protocol}, []}}
      end
    end

    test "the last position is confirmed when the producer stops" do
      slot = FakeSlot.start([1, 1, 1])
      stage = start(slot)
      messages = Stage.take(stage, 3)
      # The first goes out at once, the others would wait for the interval.
      Enum.each(messages, &ack([&1]))
      stop(stage)
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3)
      assert FakeSlot.breaches(slot) == []
    end

    test "no program is started while draining" do
      slot = FakeSlot.start([1])
      stage = start(slot, backoff_min: 50, backoff_max: 50)
      Stage.info(stage)
      FakeSlot.kill(slot)
      eventually(fn -> Stage.info(stage).status == :reconnecting end)
      Stage.drain(stage)
      Process.sleep(100)
      assert FakeSlot.runs(slot) == 1
    end

    test "nothing is handed out while draining, what is may be acknowledged" do
      slot = FakeSlot.start([1, 1, 1])
      stage = start(slot)
      [a] = Stage.take(stage, 1)
      Stage.drain(stage)
      Stage.ask(stage, 10)
      Stage.settle(stage, slot)
      refute_received {Stage, _, _}
      ack([a])
      stop(stage)
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1)
    end
  end

  test "a message that nobody acknowledges is reported" do
    slot = FakeSlot.start([1])
    LogTo.start()
    stage = start(slot, stall_after: 40)
    Stage.take(stage, 1)
    LogTo.wait_for(~r/slot #{slot}.*waits for its acknowledgement/)
    assert PgEtf.info(stage).progress in [:moving, :waiting_for_acks]
  end

  test "changes that nobody asks for are reported" do
    slot = FakeSlot.start([1])
    LogTo.start()
    stage = start(slot, stall_after: 40)
    LogTo.wait_for(~r/slot #{slot}.*1 changes are queued, and no consumer asks for them/)
    eventually(fn -> PgEtf.info(stage).progress == :waiting_for_demand end)
  end

  test "what stands still is told of once a minute" do
    slot = FakeSlot.start([1])

    log =
      capture_log(fn ->
        stage = start(slot, stall_after: 4)
        eventually(fn -> PgEtf.info(stage).progress == :waiting_for_demand end)
        stop(stage)
      end)

    assert [_, _] = String.split(log, "#{slot}): no progress")
  end

  test "a server that is ahead and sends nothing is reported" do
    slot = FakeSlot.start([])
    LogTo.start()
    stage = start(slot, stall_after: 40, heartbeat: 20)
    FakeSlot.report(slot, %{lag_bytes: 1_000_000, received_lsn: 7})
    LogTo.wait_for(~r/slot #{slot}.*the server is 1000000 bytes ahead and sends nothing/)
    eventually(fn -> PgEtf.info(stage).progress == :waiting_for_server end)
    FakeSlot.report(slot, %{lag_bytes: 0, received_lsn: 8})
    eventually(fn -> PgEtf.info(stage).progress == :idle end)
  end

  test "an acknowledgement to a producer that is gone is no error" do
    dead = spawn(fn -> :ok end)
    assert :ok = Acknowledger.ack({dead, make_ref()}, [], [])
  end

  # Whatever the sizes of transactions and frames, the order of acknowledgements,
  # and the moments when the program dies or loses its connection: each row comes,
  # in order between two deaths, and the slot never passes an open message.
  test "every row arrives, whatever happens" do
    step = Gen.one_of(Enum.map([:take, :take, :take, :kill, :reconnect, :fail], &Gen.constant/1))

    scenario =
      Gen.fixed_list([
        Gen.list(Gen.integer(0..6), 1..20),
        Gen.integer(1..4),
        Gen.list(step, 1..8)
      ])

    Gen.run(scenario, 60, fn [sizes, frame, steps] ->
      slot = FakeSlot.start(sizes, frame: frame)
      stage = start(slot, prefetch: 5)
      total = Enum.sum(sizes)
      seen = Enum.reduce(steps, MapSet.new(), &step(&1, &2, slot, stage))
      seen = finish(seen, slot, stage, length(sizes), 500)
      assert MapSet.size(seen) == total
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(length(sizes))
      assert FakeSlot.breaches(slot) == []
      stop(stage)
    end)
  end

  defp step(:kill, seen, slot, stage) do
    runs = FakeSlot.runs(slot)
    eventually(fn -> Stage.info(stage).status == :connected end)
    FakeSlot.kill(slot)
    eventually(fn -> FakeSlot.runs(slot) > runs end)
    seen
  end

  defp step(:reconnect, seen, slot, stage) do
    eventually(fn -> Stage.info(stage).status == :connected end)
    FakeSlot.reconnect(slot)
    seen
  end

  defp step(:take, seen, _slot, stage) do
    Stage.ask(stage, 3)
    messages = collect(stage)
    messages |> Enum.shuffle() |> Enum.chunk_every(2) |> Enum.each(&ack/1)
    MapSet.union(seen, MapSet.new(ids(messages)))
  end

  # A message may be of an earlier life, whose failures nobody minds; the others
  # are late answers to earlier steps.
  defp step(:fail, seen, _slot, stage) do
    Stage.ask(stage, 1)

    case collect(stage) do
      [] ->
        seen

      [message | rest] ->
        ack(rest, [message])
        MapSet.union(seen, MapSet.new(ids(rest)))
    end
  end

  defp finish(seen, slot, stage, transactions, attempts) do
    if FakeSlot.confirmed(slot) == FakeSlot.end_lsn(transactions) or attempts == 0 do
      seen
    else
      :take |> step(seen, slot, stage) |> finish(slot, stage, transactions, attempts - 1)
    end
  end

  defp collect(stage) do
    receive do
      {Stage, ^stage, messages} -> messages ++ collect(stage)
    after
      5 -> []
    end
  end
end
