defmodule PgEtf.Stream.RefillTest do
  # Tables that are read again because of what was done to them.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Stage}
  alias PgEtf.FakeSlot.Log

  defp start(events), do: FakeSlot.start([1, 0, 1], uncounted: %{{2, 0} => events})

  defp all(stage, slot) do
    messages = Stage.take(stage, 2 + length(FakeSlot.commands(slot)), 1_000)
    Stage.settle(stage, slot)
    messages
  end

  defp asked(slot) do
    for {:backfill, id, %{tables: tables, mode: :incremental}} <- FakeSlot.commands(slot),
        do: {id, tables}
  end

  test "a table that was rewritten, if that is wanted" do
    slot = start([Log.rewrite(7, "t"), Log.alter(8, "u"), Log.create(9, "new")])
    stage = produce(slot, ddl: :tables, on_rewrite: :backfill)
    all(stage, slot)
    eventually(fn -> asked(slot) == [{"rewritten-7-0/C8", "public.t"}] end)
    assert [%{id: "rewritten-7-0/C8", status: :waiting}] = PgEtf.backfills(stage)
    assert FakeSlot.breaches(slot) == []
  end

  test "a table that is new, under a name that is no pattern" do
    slot = start([Log.rewrite(7, "t"), Log.create(9, "a.b*,c\\")])
    stage = produce(slot, ddl: :tables, on_new_table: :backfill)
    all(stage, slot)
    eventually(fn -> asked(slot) == [{"created-9-0/C8", ~S"public.a\.b\*\,c\\"}] end)
  end

  test "by default none" do
    slot = start([Log.rewrite(7, "t"), Log.create(9, "new")])
    stage = produce(slot, ddl: :tables)
    assert [_, _] = all(stage, slot)
    Stage.settle(stage, slot)
    assert asked(slot) == []
    assert PgEtf.backfills(stage) == []
  end

  test "a name that is not UTF-8 is no pattern" do
    slot = start([Log.rewrite(7, {:unconverted, <<255>>})])
    stage = produce(slot, ddl: :tables, on_rewrite: :backfill)
    assert [_, _] = all(stage, slot)
    assert asked(slot) == []
  end

  test "a change that comes again starts no other one; one that has not ended is read to its end" do
    slot = start([Log.rewrite(7, "t")])
    {:ok, agent} = Agent.start_link(fn -> nil end)
    store = {fn -> Agent.get(agent, & &1) end, &Agent.update(agent, fn _ -> &1 end)}
    opts = [ddl: :tables, on_rewrite: :backfill, schema_store: store]
    stage = produce(slot, opts)
    messages = all(stage, slot)
    backfill = {"rewritten-7-0/C8", "public.t"}
    eventually(fn -> asked(slot) == [backfill] end)
    FakeSlot.kill(slot)
    eventually(fn -> asked(slot) == [backfill, backfill] end)
    assert [%{id: "rewritten-7-0/C8"}] = PgEtf.backfills(stage)
    PgEtf.ack(messages)
    messages = Stage.take(stage, 3)
    PgEtf.ack(messages)
    eventually(fn -> done?(slot, 3) end)
    GenServer.stop(stage, :shutdown)

    # The change does not come again: it is known from the store.
    stage = produce(slot, opts)
    eventually(fn -> asked(slot) == [backfill, backfill, backfill] end)
    FakeSlot.backfill(slot, :finished, "rewritten-7-0/C8", %{tables: 1, rows: 0, bytes: 0})
    eventually(fn -> match?([%{status: :finished}], PgEtf.backfills(stage)) end)
  end
end
