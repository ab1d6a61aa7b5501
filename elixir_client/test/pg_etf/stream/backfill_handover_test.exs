defmodule PgEtf.Stream.BackfillHandoverTest do
  # A snapshot that begins in mode exact, and goes on as an incremental one.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Stage}

  defp started(slot, id, mode) do
    details = %{mode: mode, tables: 1, rows: 10, bytes: 1000}
    FakeSlot.backfill(slot, :started, id, details)
    if mode == :exact, do: FakeSlot.backfill(slot, :round, id, %{lsn: 7, tables: 1})
  end

  defp closed(slot, id, number, lsn \\ 7) do
    details = %{chunk: number, lsn: lsn, rel: 1, rows: 3, bytes: 30}
    FakeSlot.backfill(slot, :close, id, details)
  end

  defp one(stage) do
    [backfill] = PgEtf.backfills(stage)
    backfill
  end

  test "a snapshot that rounds are too short for goes on in the other mode" do
    slot = FakeSlot.start([])
    stage = produce(slot, snapshot: :initial, stats_interval: 20)
    eventually(fn -> FakeSlot.commands(slot) != [] end)
    started(slot, "snapshot", :exact)
    FakeSlot.backfill(slot, :read, {"snapshot", 1}, [10, 11])
    closed(slot, "snapshot", 1)
    FakeSlot.backfill(slot, :read, {"snapshot", 2}, [20])
    FakeSlot.backfill(slot, :retry, "snapshot", %{chunk: 2, reason: "the round is over"})
    again = %{table: "public.t", rel: 1, rows: 0, bytes: 0, reason: :interrupted}
    FakeSlot.backfill(slot, :table_again, "snapshot", again)
    messages = Stage.take(stage, 3)
    assert ids(messages) == [10, 11, 20]
    PgEtf.ack(messages)
    eventually(fn -> List.last(FakeSlot.commands(slot)) == {:backfill_done, "snapshot", 1} end)
    assert %{mode: :exact, status: :running} = one(stage)

    started(slot, "snapshot", :incremental)
    eventually(fn -> one(stage).mode == :incremental end)
    assert %{status: :running, tables: 1, tables_done: 0} = one(stage)
    FakeSlot.backfill(slot, :open, "snapshot", %{chunk: 3, rel: 1, key: "id"})
    FakeSlot.backfill(slot, :read, {"snapshot", 3}, {:free, [20, 21]})
    FakeSlot.backfill(slot, :there, "snapshot", %{chunk: 3})
    # Nothing of it is handed on before it has a place.
    Stage.ask(stage, 2)
    Stage.settle(stage, slot)
    refute_received {Stage, ^stage, _}
    closed(slot, "snapshot", 3, 160)
    messages = Stage.take(stage, 2)
    assert Enum.map(messages, &{&1.data.op, &1.data.commit_lsn}) == [{:read, 160}, {:read, 160}]
    assert ids(messages) == [20, 21]
    PgEtf.ack(messages)
    eventually(fn -> List.last(FakeSlot.commands(slot)) == {:backfill_done, "snapshot", 3} end)

    # Its rows cost nothing, unlike those before: a difference would end the program.
    eventually(fn -> match?(%{sent_events: 3}, PgEtf.info(stage).client) end)
    FakeSlot.backfill(slot, :finished, "snapshot", %{tables: 1, rows: 4, bytes: 40})
    eventually(fn -> one(stage).status == :finished end)
    assert FakeSlot.runs(slot) == 1
  end
end
