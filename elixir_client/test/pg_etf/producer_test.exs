defmodule PgEtf.ProducerTest do
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Producer, Stage}
  alias PgEtf.Producer.Acknowledger

  test "messages follow demand, in commit order" do
    slot = FakeSlot.start([3, 0, 5])
    stage = produce(slot)
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
    stage = produce(slot)
    [a, b, c, d] = Stage.take(stage, 4)
    PgEtf.ack([b, c, d])
    Stage.info(stage)
    assert FakeSlot.confirmed(slot) == 0
    PgEtf.ack([a])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert Stage.info(stage).flushed_lsn == FakeSlot.end_lsn(2)
  end

  test "what a consumer held when it died comes again, to the next one" do
    slot = FakeSlot.start([2, 2])
    stage = produce(slot)
    [a, _, _] = Stage.take(stage, 3)
    PgEtf.ack([a])
    Stage.replace_consumer(stage)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    messages = Stage.take(stage, 4)
    assert ids(messages) == [0, 1, 2, 3]
    PgEtf.ack(messages)
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
    stage = produce(slot, max_in_flight: 5_000)

    for batch <- 1..100 do
      messages = Stage.take(stage, 1_000)
      first = (batch - 1) * 1_000
      assert ids(messages) == Enum.to_list(first..(first + 999))

      # Half of each batch is acknowledged with the next one.
      {now, later} = messages |> Enum.shuffle() |> Enum.split(500)
      held = Process.put(:held, later) || []
      (now ++ held) |> Enum.shuffle() |> Enum.chunk_every(7) |> Enum.each(&PgEtf.ack/1)
      assert FakeSlot.confirmed(slot) <= FakeSlot.end_lsn(batch * 100)
    end

    PgEtf.ack(Process.get(:held))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(10_000) end)
    assert FakeSlot.breaches(slot) == []
  end

  test "late acknowledgements of an earlier life are harmless" do
    slot = FakeSlot.start([1, 1])
    stage = produce(slot)
    old = Stage.take(stage, 2)
    FakeSlot.kill(slot)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    PgEtf.ack(old)
    Stage.info(stage)
    assert FakeSlot.confirmed(slot) == 0
    new = Stage.take(stage, 2)
    assert ids(new) == [0, 1]
    PgEtf.ack(new)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert FakeSlot.breaches(slot) == []
  end

  test "acknowledging twice, from elsewhere, and what was never handed out counts once" do
    slot = FakeSlot.start([2, 2])
    stage = produce(slot)
    [first, second, third, _fourth] = messages = Stage.take(stage, 4)
    {_, incarnation, {pid, _, _, _}} = first.acknowledger

    for message <- [first, first, third, third], do: PgEtf.ack([message])
    fun = fn -> for _ <- 1..3, do: PgEtf.ack([first, third]) end
    fun |> Task.async() |> Task.await()
    # Neither numbers of the future nor nonsense from who has a reference.
    send(pid, {Acknowledger, incarnation, [4, 5, 1_000_000, -1], []})
    send(pid, {Acknowledger, make_ref(), [1], [{0, :halt}]})
    assert Stage.info(stage).in_flight == 2
    assert FakeSlot.confirmed(slot) == 0

    PgEtf.ack([second])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    PgEtf.ack(messages)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert Stage.info(stage).in_flight == 0
    assert FakeSlot.breaches(slot) == []
  end

  test "a program that does not answer is replaced" do
    slot = FakeSlot.start([1])
    stage = produce(slot, heartbeat: 20)
    assert [_] = Stage.take(stage, 1)
    FakeSlot.freeze(slot)
    eventually(fn -> FakeSlot.runs(slot) >= 2 end)
    assert [0] = stage |> Stage.take(1) |> ids()
  end

  test "after a reconnect inside a transaction nothing comes twice" do
    slot = FakeSlot.start([50], frame: 10)
    stage = produce(slot, prefetch: 20)
    assert Enum.to_list(0..14) == stage |> Stage.take(15) |> ids()
    FakeSlot.reconnect(slot)
    assert Enum.to_list(15..49) == stage |> Stage.take(35) |> ids()
  end

  test "a transaction without rows moves the position by itself" do
    slot = FakeSlot.start([0, 0])
    stage = produce(slot)
    Stage.ask(stage, 1)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert FakeSlot.breaches(slot) == []
  end

  describe "windows" do
    test "what is in flight is bounded however large the demand" do
      slot = FakeSlot.start(List.duplicate(1, 100))
      stage = produce(slot, max_in_flight: 10)
      Stage.ask(stage, 1_000)
      messages = Stage.receive_messages(stage, 10, 1_000)
      Stage.settle(stage, slot)
      refute_received {Stage, _, _}
      PgEtf.ack(messages)
      assert length(Stage.receive_messages(stage, 10, 1_000)) == 10
    end

    test "huge rows come one at a time" do
      slot = FakeSlot.start(List.duplicate(1, 20), row_bytes: 1_000_000)
      stage = produce(slot, window_bytes: 100_000)
      Stage.ask(stage, 100)

      for id <- 0..19 do
        assert [message] = Stage.receive_messages(stage, 1)
        assert message.data.record["id"] == id
        assert Stage.info(stage).held_bytes < 1_100_000
        PgEtf.ack([message])
      end

      eventually(fn -> Stage.info(stage).held_bytes == 0 end)
    end

    test "no more is read ahead than was asked for" do
      slot = FakeSlot.start(List.duplicate(1, 1_000), frame: 1)
      stage = produce(slot, prefetch: 10)
      Stage.ask(stage, 0)
      eventually(fn -> Stage.info(stage).queued == 10 end)
      Stage.take(stage, 500)
      assert Stage.info(stage).queued <= 10
    end
  end

  describe "transactions" do
    test "are the unit when asked for" do
      slot = FakeSlot.start([3, 0, 2], frame: 2)
      stage = produce(slot, unit: :transaction)
      [a, b, c] = Stage.take(stage, 3)
      assert Enum.map([a, b, c], & &1.data.part) == [:whole, :whole, :whole]
      assert Enum.map([a, b, c], &length(&1.data.changes)) == [3, 0, 2]
      assert Enum.map(a.data.changes, & &1.record["id"]) == [0, 1, 2]
      PgEtf.ack([a, b, c])
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
    end

    test "come in parts when they are large, and only the last one counts" do
      slot = FakeSlot.start([25], frame: 5)
      stage = produce(slot, unit: :transaction, max_transaction_changes: 10, prefetch: 10)
      messages = Stage.take(stage, 3)
      assert Enum.map(messages, & &1.data.part) == [:first, :middle, :last]
      assert Enum.map(messages, & &1.data.first_index) == [0, 10, 20]

      assert Enum.flat_map(messages, & &1.data.changes) |> Enum.map(& &1.record["id"]) ==
               Enum.to_list(0..24)

      {[last], others} = Enum.split_with(messages, &(&1.data.part == :last))
      PgEtf.ack(others)
      Stage.info(stage)
      assert FakeSlot.confirmed(slot) == 0
      PgEtf.ack([last])
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    end

    test "larger than the window of bytes do not stop" do
      slot = FakeSlot.start([40], frame: 1, row_bytes: 10_000)
      stage = produce(slot, unit: :transaction, window_bytes: 50_000)

      changes =
        Stream.repeatedly(fn ->
          [message] = Stage.take(stage, 1)
          PgEtf.ack([message])
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
    for more <- [[], [start_position: fn -> nil end], [store_position: nil]] do
      opts = [connection: [], slot: "s", create_slot: :once] ++ more
      assert_raise ArgumentError, ~r/needs a stored position/, fn -> Producer.init(opts) end
    end
  end

  test "prepared transactions are for a consumer" do
    opts = [connection: [], slot: "s", two_phase: true]

    assert_raise ArgumentError, ~r/:two_phase is for PgEtf.Consumer/, fn ->
      Producer.init(opts)
    end
  end

  test "an acknowledgement to a producer that is gone is no error" do
    dead = spawn(fn -> :ok end)
    message = %{acknowledger: {Acknowledger, make_ref(), {dead, 0, :retry, false}}}
    assert :ok = PgEtf.ack([message])
  end
end
