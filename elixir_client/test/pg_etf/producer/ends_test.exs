defmodule PgEtf.Producer.EndsTest do
  # How a run of the program, a producer and its work come to an end.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Error, FakeSlot, Stage}

  test "a passing failure is tried again" do
    slot = FakeSlot.start([1])
    stage = produce(slot)

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
      stage = produce(slot, on_error: :stop)
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
      stage = produce(slot, on_error: :stop)
      Stage.info(stage)
      FakeSlot.inject(slot, packet)
      assert_receive {:EXIT, ^stage, {%Error{class: :protocol}, []}}
    end
  end

  test "the last position is confirmed when the producer stops" do
    slot = FakeSlot.start([1, 1, 1])
    stage = produce(slot)
    messages = Stage.take(stage, 3)
    # The first goes out at once, the others would wait for the interval.
    Enum.each(messages, &PgEtf.ack([&1]))
    GenServer.stop(stage)
    assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3)
    assert FakeSlot.breaches(slot) == []
  end

  test "no program is started while draining" do
    slot = FakeSlot.start([1])
    stage = produce(slot, backoff_min: 500, backoff_max: 500)
    Stage.info(stage)
    FakeSlot.kill(slot)
    eventually(fn -> Stage.info(stage).status == :reconnecting end)
    Stage.drain(stage)
    Process.sleep(700)
    assert FakeSlot.runs(slot) == 1
  end

  test "nothing is handed out while draining, what is may be acknowledged" do
    slot = FakeSlot.start([1, 1, 1])
    stage = produce(slot)
    [a] = Stage.take(stage, 1)
    Stage.drain(stage)
    Stage.ask(stage, 10)
    Stage.settle(stage, slot)
    refute_received {Stage, _, _}
    PgEtf.ack([a])
    GenServer.stop(stage)
    assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1)
  end
end
