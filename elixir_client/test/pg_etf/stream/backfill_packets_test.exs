defmodule PgEtf.Stream.BackfillPacketsTest do
  # What the program tells of backfills at the wrong time, or wrongly.
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

  test "packets that make no sense end the program, not the stream" do
    slot = FakeSlot.start([1])
    stage = produce(slot)
    eventually(fn -> Stage.info(stage).status == :connected end)

    for packet <- [
          {:backfill, :started, "b", "text"},
          {:backfill, :started, "b", %{mode: :exact}},
          {:backfill, :open, "b", %{chunk: "1", rel: 1}},
          {:backfill, :close, "b", %{chunk: 1}},
          {:backfill, :retry, "b", %{chunk: 1, reason: {}}},
          {:backfill, :finished, "b", %{tables: %{}, rows: 1}},
          [{:read, {"b", 1}, 1, []}]
        ] do
      FakeSlot.inject(slot, packet)
      eventually(fn -> match?(%{status: :halted}, PgEtf.info(stage)) end)
      assert PgEtf.info(stage).error.class == :protocol
      PgEtf.resume(stage)
      eventually(fn -> Stage.info(stage).status == :connected end)
    end
  end

  test "what comes late, twice or of nobody is ignored" do
    slot = FakeSlot.start([])
    stage = produce(slot)
    eventually(fn -> Stage.info(stage).status == :connected end)
    chunk = %{chunk: 1, rel: 1, key: "id", lsn: 7, reason: "schema", table: "public.t"}
    details = Map.merge(chunk, %{mode: :incremental, tables: 1, rows: 1, bytes: 1})
    reports = ~w(open there close retry table_again table_failed table_done progress round)a

    # Nobody has asked for it, or it has not begun.
    for what <- [:started, :finished | reports],
        do: FakeSlot.backfill(slot, what, "none", details)

    {:ok, "b"} = PgEtf.backfill(stage, "public.t", id: "b")
    for what <- ~w(open there close retry)a, do: FakeSlot.backfill(slot, what, "b", details)

    # A chunk that was never opened, and one that is opened and closed twice.
    started(slot, "b", :incremental)
    closed(slot, "b", 9)
    FakeSlot.backfill(slot, :there, "b", %{chunk: 9})
    for _ <- 1..2, do: FakeSlot.backfill(slot, :open, "b", chunk)
    FakeSlot.backfill(slot, :read, {"b", 1}, {:free, [1]})
    for _ <- 1..2, do: closed(slot, "b", 1)
    assert [1] = stage |> Stage.take(1) |> tap(&PgEtf.ack/1) |> ids()
    eventually(fn -> {:backfill_done, "b", 1} in FakeSlot.commands(slot) end)

    {:ok, "e"} = PgEtf.backfill(stage, "public.t", id: "e", mode: :exact)
    started(slot, "e", :exact)
    FakeSlot.backfill(slot, :read, {"e", 1}, {:free, [2]})
    FakeSlot.backfill(slot, :there, "e", %{chunk: 1})
    for _ <- 1..2, do: closed(slot, "e", 1)
    assert [2] = stage |> Stage.take(1) |> tap(&PgEtf.ack/1) |> ids()
    eventually(fn -> {:backfill_done, "e", 1} in FakeSlot.commands(slot) end)

    # It has ended.
    FakeSlot.backfill(slot, :stopped, "b", %{tables: 0, rows: 0, bytes: 0})
    for what <- [:started, :finished | reports], do: FakeSlot.backfill(slot, what, "b", details)
    Stage.settle(stage, slot)
    done = for {:backfill_done, id, 1} <- FakeSlot.commands(slot), do: id
    assert done == ["b", "e"]
    statuses = Map.new(PgEtf.backfills(stage), &{&1.id, &1.status})
    assert statuses == %{"b" => :stopped, "e" => :running}
    assert FakeSlot.runs(slot) == 1
  end
end
