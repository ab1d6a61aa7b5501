defmodule PgEtf.Producer.RandomTest do
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Gen, Stage}

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
      stage = produce(slot, prefetch: 5)
      total = Enum.sum(sizes)
      seen = Enum.reduce(steps, MapSet.new(), &step(&1, &2, slot, stage))
      seen = finish(seen, slot, stage, length(sizes), 500)
      assert MapSet.size(seen) == total
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(length(sizes))
      assert FakeSlot.breaches(slot) == []
      GenServer.stop(stage)
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
    messages |> Enum.shuffle() |> Enum.chunk_every(2) |> Enum.each(&PgEtf.ack/1)
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
        PgEtf.ack(rest, [message])
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
