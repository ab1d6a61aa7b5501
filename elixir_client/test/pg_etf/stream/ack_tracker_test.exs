defmodule PgEtf.AckTrackerTest do
  use ExUnit.Case, async: true

  alias PgEtf.Gen
  alias PgEtf.Stream.AckTracker

  test "nothing is confirmed while the first message is open" do
    tracker = opened([{3, 100}, {1, 200}]) |> AckTracker.ack([1, 2, 3])
    assert tracker.flushed == nil
    assert AckTracker.in_flight(tracker) == 1
    assert AckTracker.ack(tracker, [0]).flushed == 200
  end

  test "a transaction is confirmed with its last message, not before" do
    tracker = opened([{2, 100}]) |> AckTracker.ack([0])
    assert tracker.flushed == nil
    assert AckTracker.ack(tracker, [1]).flushed == 100
  end

  test "a transaction that has not ended is not confirmed" do
    {0, tracker} = AckTracker.open(AckTracker.new())
    tracker = AckTracker.ack(tracker, [0])
    assert tracker.flushed == nil
    assert AckTracker.close(tracker, 100).flushed == 100
  end

  test "a transaction without messages waits for those before it" do
    tracker = opened([{1, 100}, {0, 200}])
    assert tracker.flushed == nil
    assert AckTracker.ack(tracker, [0]).flushed == 200
    assert AckTracker.close(AckTracker.new(), 50).flushed == 50
  end

  test "a chunk is done once, when all before it is, and no position depends on it" do
    chunks = [{:chunk, "b", 1}, {:chunk, "b", 2}]
    tracker = opened([{1, 100}, {2, hd(chunks)}, {0, List.last(chunks)}, {1, 200}])
    tracker = AckTracker.ack(tracker, [1, 2, 3])
    assert {tracker.flushed, tracker.chunks} == {nil, []}
    tracker = AckTracker.ack(tracker, [0])
    assert tracker.flushed == 200
    assert {^chunks, tracker} = AckTracker.take_chunks(tracker)
    assert {[], ^tracker} = AckTracker.take_chunks(tracker)
    assert :queue.is_empty(tracker.ends)
  end

  test "strange and repeated acknowledgements change nothing" do
    tracker = opened([{3, 100}])
    assert AckTracker.ack(tracker, [3, 99, -1]) == tracker
    once = AckTracker.ack(tracker, [1])
    assert AckTracker.ack(once, [1, 1]) == once
    done = AckTracker.ack(once, [0, 1, 0, 2, 2])
    assert AckTracker.in_flight(done) == 0
    assert done.flushed == 100
    assert AckTracker.ack(done, [0, 1, 2]) == done
  end

  # The oracle knows only sets: a transaction is confirmed when every message of
  # it and of all earlier ones is among those acknowledged.
  test "the confirmed position is that of a simple model, in any order of acks" do
    Gen.run(scenario(), 300, fn {transactions, batches} ->
      ends = ends(transactions)

      Enum.reduce(batches, {opened(transactions), MapSet.new()}, fn batch, {tracker, acked} ->
        tracker = AckTracker.ack(tracker, batch)
        acked = MapSet.union(acked, MapSet.new(batch))

        assert tracker.flushed == model(ends, acked)
        assert AckTracker.in_flight(tracker) == total(transactions) - MapSet.size(acked)
        {tracker, acked}
      end)
    end)
  end

  test "100,000 messages in random order end at the last position" do
    transactions = for n <- 1..10_000, do: {10, n}
    {seqs, _} = Gen.shuffle(Enum.to_list(0..99_999)).(:rand.seed_s(:exsss, 7))

    tracker =
      seqs |> Enum.chunk_every(50) |> Enum.reduce(opened(transactions), &AckTracker.ack(&2, &1))

    assert tracker.flushed == 10_000
    assert AckTracker.in_flight(tracker) == 0
    assert tracker.done == %{}
    assert :queue.is_empty(tracker.ends)
  end

  # [{messages, end_lsn}], all opened and closed, nothing acknowledged.
  defp opened(transactions) do
    Enum.reduce(transactions, AckTracker.new(), fn {messages, lsn}, tracker ->
      1..messages//1
      |> Enum.reduce(tracker, fn _, tracker -> tracker |> AckTracker.open() |> elem(1) end)
      |> AckTracker.close(lsn)
    end)
  end

  defp scenario do
    transactions =
      Gen.list(Gen.integer(0..16), 1..12)
      |> Gen.map(fn counts -> Enum.with_index(counts, fn n, i -> {n, (i + 1) * 10} end) end)

    Gen.bind(transactions, fn transactions ->
      seqs = Enum.take(0..1000, total(transactions))

      Gen.bind(Gen.shuffle(seqs), fn seqs ->
        Gen.map(Gen.integer(1..5), &{transactions, Enum.chunk_every(seqs, &1)})
      end)
    end)
  end

  defp total(transactions), do: transactions |> Enum.map(&elem(&1, 0)) |> Enum.sum()

  defp ends(transactions) do
    Enum.map_reduce(transactions, 0, fn {n, lsn}, first -> {{first + n, lsn}, first + n} end)
    |> elem(0)
  end

  defp model(ends, acked) do
    ends
    |> Enum.take_while(fn {past, _} -> Enum.all?(0..(past - 1)//1, &(&1 in acked)) end)
    |> List.last({nil, nil})
    |> elem(1)
  end
end
