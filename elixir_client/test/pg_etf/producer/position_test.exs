defmodule PgEtf.ProducerPositionTest do
  # Where a producer is: positions that no message belongs to, times of commits.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Stage}

  test "positions of an idle server are kept" do
    slot = FakeSlot.start([])
    stage = produce(slot)
    Stage.info(stage)
    FakeSlot.inject(slot, {:position, 7_777})
    assert Stage.info(stage).position == 7_777
  end

  test "a position where nothing was to be read is stored, then confirmed" do
    test = self()
    slot = FakeSlot.start([1])
    store = &send(test, {:stored, &1, FakeSlot.confirmed(slot)})
    stage = produce(slot, start_position: fn -> nil end, store_position: store)
    PgEtf.ack(Stage.take(stage, 1))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    FakeSlot.position(slot, 7_777)
    assert_receive {:stored, 7_777, confirmed}
    assert confirmed == FakeSlot.end_lsn(1)
    eventually(fn -> FakeSlot.confirmed(slot) == 7_777 end)
    assert FakeSlot.breaches(slot) == []
  end

  test "the position is asked for again when the slot that it stood by for is free" do
    slot = FakeSlot.start([1, 1], busy?: true)
    position = start_supervised!({Agent, fn -> nil end})
    stage = produce(slot, start_position: fn -> Agent.get(position, & &1) end)
    eventually(fn -> PgEtf.info(stage).status == :standby end)
    Agent.update(position, fn nil -> FakeSlot.end_lsn(1) end)
    FakeSlot.free(slot, FakeSlot.end_lsn(1))
    assert [%{data: %{record: %{"id" => 1}}}] = Stage.take(stage, 1)
    assert FakeSlot.breaches(slot) == []
  end

  test "the lag is the time since the commit" do
    before = System.system_time(:millisecond)
    slot = FakeSlot.start([1])
    stage = produce(slot)
    Stage.take(stage, 1)
    # The commit time of all that a FakeSlot has.
    committed = 1_700_000_000_000
    lag = PgEtf.info(stage).lag
    assert lag in (before - committed)..(System.system_time(:millisecond) - committed)
  end

  # Replication origins bring their own commit times, infinite ones too.
  test "a commit time beyond the calendar does no harm" do
    slot = FakeSlot.start([])
    stage = produce(slot)
    Stage.ask(stage, 2)

    for us <- [0x7FFFFFFFFFFFFFFF, -0x8000000000000000] do
      head = {1, 100, 150, us}
      FakeSlot.inject(slot, [{:tx, :whole, head, 0, 1, %{}, [{:message, "p", "c"}]}])
      assert [%{data: %{commit_time: %DateTime{}}}] = Stage.receive_messages(stage, 1)
    end
  end
end
