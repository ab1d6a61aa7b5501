defmodule PgEtf.InboxTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Gen, Options}
  alias PgEtf.Stream.Inbox

  defp inbox(opts), do: Inbox.new(Options.validate!([connection: [], slot: "s"] ++ opts))

  defp frame(n, rows, part \\ :whole, first \\ 0) do
    relation = {:relation, 1, "public", "t", :nothing, [{"id", 20, "int8", -1, []}]}
    events = [relation | for(id <- rows, do: {:insert, 1, {id}})]
    {:tx, part, {n, n * 10, n * 10 + 5, 0}, first, length(rows), %{}, events}
  end

  test "a packet's bytes are held until all its messages are acknowledged" do
    {:ok, inbox, 3} = Inbox.put(inbox([]), [frame(1, [1, 2]), frame(2, [3])], 1001)
    assert %{held_bytes: 1001, queued: 3} = Inbox.gauges(inbox)
    {items, inbox} = Inbox.take(inbox, 10)
    [first, second, third] = Enum.map(items, &elem(&1, 1))
    assert %{held_bytes: 1001, queued: 0} = Inbox.gauges(inbox)
    inbox = Inbox.ack(inbox, [second, third])
    assert %{held_bytes: 1001, in_flight: 1} = Inbox.gauges(inbox)
    assert %{held_bytes: 0} = inbox |> Inbox.ack([first]) |> Inbox.gauges()
  end

  test "credit is asked for when half of the window is used" do
    inbox = inbox(prefetch: 10, window_bytes: 1000)
    assert Inbox.due(inbox) == nil
    {:ok, inbox, 6} = Inbox.put(inbox, [frame(1, Enum.to_list(1..6))], 100)
    assert Inbox.due(inbox) == nil
    {_, inbox} = Inbox.take(inbox, 6)
    assert {16, 1000} = Inbox.due(inbox)
    assert inbox |> Inbox.grant({16, 1000}) |> Inbox.due() == nil
  end

  test "little is read ahead of demand, and all of the window without acknowledgements" do
    inbox = inbox(prefetch: 1_000_000, window_bytes: 1_000_000)
    waiting = fill(inbox, & &1)
    assert waiting.held in 100_000..200_000
    taken = fill(inbox, fn inbox -> inbox |> Inbox.take(1_000) |> elem(1) end)
    assert taken.held in 900_000..1_000_000
  end

  # Puts frames in while there is credit for them.
  defp fill(inbox, between) do
    if Inbox.gauges(inbox).credit_bytes > 0 do
      {:ok, inbox, 1} = Inbox.put(inbox, [frame(1, [1])], 10_000)
      inbox |> between.() |> replenish() |> fill(between)
    else
      inbox
    end
  end

  # Cut by a reconnect, a transaction comes again from its first row, in frames
  # of other sizes.
  test "the parts of a transaction follow each other whatever comes again" do
    sizes = Gen.list(Gen.integer(1..9), 2..12)

    Gen.run(Gen.fixed_list([sizes, sizes]), 300, fn [cut, sizes] ->
      rows = Enum.sum(sizes)
      inbox = inbox(unit: :transaction, max_transaction_changes: 12, window_bytes: 1000)

      inbox =
        put_frames(inbox, Enum.reject(frames(cut), fn {first, n} -> first + n >= rows end), rows)

      {items, _} = inbox |> put_frames(frames(sizes), rows) |> Inbox.take(1000)

      assert Enum.all?(items, fn {part, _} -> length(part.changes) <= 12 end)

      numbers =
        for {part, _} <- items,
            {change, index} <- Enum.with_index(part.changes, part.first_index),
            do: {change.record["id"], index}

      assert numbers == for(row <- 0..(rows - 1), do: {row, row})
    end)
  end

  test "a frame with more changes than a transaction may have comes in parts" do
    inbox = inbox(unit: :transaction, max_transaction_changes: 1000)
    {:ok, inbox, 2000} = Inbox.put(inbox, [frame(1, Enum.to_list(1..2000))], 30_000)
    {items, inbox} = Inbox.take(inbox, 10)

    assert for({t, _} <- items, do: {t.part, t.first_index, length(t.changes)}) ==
             [{:first, 0, 1000}, {:last, 1000, 1000}]

    [first, last] = Enum.map(items, &elem(&1, 1))
    assert %{held_bytes: 30_000} = inbox |> Inbox.ack([first]) |> Inbox.gauges()
    inbox = Inbox.ack(inbox, [first, last])
    assert %{held_bytes: 0, queued: 0} = Inbox.gauges(inbox)
    assert Inbox.flushed(inbox) == 15
  end

  test "an end that is told last is that of the transaction, and of its last part" do
    relation = {:relation, 1, "public", "t", :default, [{"id", 20, "int8", -1, [:key]}]}
    rows = fn ids -> for id <- ids, do: {:insert, 1, {id}} end

    frames = [
      {:tx, :first, {1, 10, 0, 0}, 0, 2, %{}, [relation | rows.(1..2)]},
      {:tx, :middle, {1, 10, 0, 0}, 2, 2, %{}, rows.(3..4)},
      {:tx, :last, {1, 10, 15, 0}, 4, 1, %{}, rows.(5..5)}
    ]

    for {limit, ends} <- [{10, [15]}, {2, [nil, nil, 15]}] do
      inbox = inbox(unit: :transaction, max_transaction_changes: limit)
      {:ok, inbox, 5} = Inbox.put(inbox, frames, 300)
      {items, inbox} = Inbox.take(inbox, 10)

      assert for({t, _} <- items, do: t.end_lsn) == ends
      assert inbox |> Inbox.ack(Enum.map(items, &elem(&1, 1))) |> Inbox.flushed() == 15
    end

    {:ok, inbox, 5} = inbox(unit: :change) |> Inbox.put(frames, 300)
    {items, _} = Inbox.take(inbox, 10)
    assert for({change, _} <- items, do: change.end_lsn) == [nil, nil, nil, nil, 15]
  end

  test "parts of a transaction with split updates begin at their first change" do
    inbox = inbox(unit: :transaction, max_transaction_changes: 3, split_key_changes: true)
    relation = {:relation, 1, "public", "t", :default, [{"id", 20, "int8", -1, [:key]}]}
    updates = for id <- 1..5, do: {:update, 1, {:key, {id}}, {id + 1}}
    frame = {:tx, :whole, {1, 10, 15, 0}, 0, 5, %{}, [relation | updates]}
    {:ok, inbox, 5} = Inbox.put(inbox, [frame], 100)
    {items, _} = Inbox.take(inbox, 10)

    assert for({t, _} <- items, do: {t.part, t.first_index, Enum.map(t.changes, & &1.index)}) ==
             [
               {:first, 0, [0, 1, 2]},
               {:middle, 3, [3, 4, 5]},
               {:middle, 6, [6, 7, 8]},
               {:last, 9, [9]}
             ]
  end

  test "a message outside of transactions is one of its own, with a position to store" do
    message = {:message, 24, "p", "c"}

    for {unit, change} <- [change: & &1, transaction: &hd(&1.changes)] do
      {:ok, inbox, 4} =
        inbox(unit: unit) |> Inbox.put([frame(1, [1, 2]), message, frame(3, [3])], 90)

      {items, inbox} = Inbox.take(inbox, 10)
      data = Enum.map(items, &elem(&1, 0))
      assert [alone] = Enum.filter(data, &(&1.xid == nil))
      assert {alone.commit_lsn, alone.end_lsn} == {23, 24}
      assert %{op: :message, index: 0, commit_lsn: 23, end_lsn: 24} = change.(alone)
      {_, upto} = Enum.find(items, &match?({^alone, _}, &1))
      acked = for {_, seq} <- items, seq <= upto, do: seq
      assert inbox |> Inbox.ack(acked) |> Inbox.flushed() == 24
    end
  end

  test "a frame that does not follow the one before is refused" do
    first = frame(1, [1, 2], :first)

    for unit <- [:change, :transaction],
        bad <- [
          [first, frame(2, [3], :last, 2)],
          [first, frame(2, [3])],
          [first, {:message, 8, "p", "c"}],
          [first, frame(1, [4], :last, 3)],
          [frame(1, [1], :middle, 1)],
          [frame(1, [1], :last, 0)],
          [frame(1, [1], :whole, 1)]
        ] do
      assert {:error, "a frame out of order: " <> _} = Inbox.put(inbox(unit: unit), bad, 100)
    end

    assert {:ok, _, 5} = Inbox.put(inbox([]), [first, frame(1, [1, 2, 3], :whole)], 100)
  end

  defp frames(sizes) do
    Enum.map_reduce(sizes, 0, fn n, first -> {{first, n}, first + n} end) |> elem(0)
  end

  defp put_frames(inbox, frames, rows) do
    Enum.reduce(frames, inbox, fn {first, n}, inbox ->
      part =
        cond do
          first + n == rows -> if first == 0, do: :whole, else: :last
          first == 0 -> :first
          true -> :middle
        end

      frame = frame(1, Enum.to_list(first..(first + n - 1)), part, first)
      {:ok, inbox, ^n} = Inbox.put(inbox, [frame], 150)
      inbox
    end)
  end

  # However packets come, are taken and acknowledged: what may still come and what
  # is held never add up to more than the window, apart from what one packet
  # overdraws.
  test "the window is never exceeded" do
    step = Gen.fixed_list([Gen.integer(1..20), Gen.integer(1..400), Gen.integer(0..30)])

    Gen.run(Gen.list(step, 1..30), 200, fn steps ->
      Enum.reduce(Enum.with_index(steps), {inbox(prefetch: 30, window_bytes: 1000), []}, &turn/2)
    end)
  end

  defp turn({[rows, bytes, demand], n}, {inbox, open}) do
    gauges = Inbox.gauges(inbox)

    inbox =
      if gauges.credit_events > 0 and gauges.credit_bytes > 0 do
        {:ok, inbox, ^rows} = Inbox.put(inbox, [frame(n + 1, Enum.to_list(1..rows))], bytes)
        inbox
      else
        inbox
      end

    {items, inbox} = Inbox.take(inbox, demand)
    {acked, open} = Enum.split(Enum.shuffle(open ++ Enum.map(items, &elem(&1, 1))), 15)
    inbox = inbox |> Inbox.ack(acked) |> replenish()
    gauges = Inbox.gauges(inbox)
    assert gauges.credit_events + gauges.queued <= 30
    assert gauges.credit_bytes + gauges.held_bytes <= 1000
    assert gauges.held_bytes < 1000 + 400
    {inbox, open}
  end

  # However large frames and window are, and in the middle of a long transaction.
  test "who takes and acknowledges all gets more" do
    frame = Gen.fixed_list([Gen.integer(1..20), Gen.integer(1..400_000)])
    stream = Gen.fixed_list([Gen.integer(1..500_000), Gen.list(frame, 1..30)])

    for unit <- [:change, :transaction] do
      Gen.run(stream, 200, fn [window, frames] ->
        parts = if unit == :transaction, do: [max_transaction_changes: 25], else: []
        opts = parts ++ [unit: unit, prefetch: 30, window_bytes: window]
        Enum.reduce(frames, {inbox(opts), 0}, &pass/2)
      end)
    end
  end

  defp pass([rows, bytes], {inbox, first}) do
    part = if first == 0, do: :first, else: :middle
    frame = frame(1, Enum.to_list(1..rows), part, first)
    {:ok, inbox, ^rows} = Inbox.put(inbox, [frame], bytes)
    {items, inbox} = Inbox.take(inbox, 1000)
    inbox = inbox |> Inbox.ack(Enum.map(items, &elem(&1, 1))) |> replenish()
    assert %{credit_events: events, credit_bytes: bytes} = Inbox.gauges(inbox)
    assert events > 0 and bytes > 0
    {inbox, first + rows}
  end

  defp replenish(inbox) do
    Inbox.grant(inbox, Inbox.due(inbox) || inbox.granted)
  end
end
