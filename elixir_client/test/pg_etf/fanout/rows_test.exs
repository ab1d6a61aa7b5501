defmodule PgEtf.Fanout.RowsTest do
  # Rows that are finished by another process, against what a decoder makes of them at once.
  use ExUnit.Case, async: true

  alias PgEtf.{Change, Frame, Transaction}
  alias PgEtf.Decode.Deferred
  alias PgEtf.Fanout.Rows
  alias PgEtf.Stream.{Inbox, Reads}

  @orders {:relation, 1, "public", "orders", :default,
           [
             {"id", 20, "int8", -1, [:key, :primary]},
             {"total", 1700, "numeric", -1, []},
             {"at", 1184, "timestamptz", 0, [:key]},
             {"note", 25, "text", -1, []}
           ]}
  @renamed put_elem(@orders, 3, "archive")
  @full {:relation, 2, "public", "full", :full,
         [{"id", 20, "int8", -1, [:primary]}, {"day", 1082, "date", -1, []}]}
  @bare {:relation, 3, "public", "bare", :nothing, [{"day", 1082, "date", -1, []}]}

  defp events do
    n = fn -> Enum.random(1..9) end
    order = fn -> {n.(), {n.(), -2}, n.(), Enum.random(["x", nil, :unchanged_toast])} end

    [
      {:insert, 1, order.()},
      {:update, 1, nil, order.()},
      {:update, 1, :none, {n.(), :unchanged, n.(), :unchanged_toast}},
      {:update, 1, {:key, {n.(), n.()}}, order.()},
      {:update, 1, {:key, {n.(), nil, n.(), nil}}, order.()},
      {:update, 1, {:full, order.()}, order.()},
      {:delete, 1, {:key, {n.(), n.()}}},
      {:delete, 1, {:full, order.()}},
      {:insert, 1, %{"id" => n.(), "note" => :unchanged_toast}},
      {:insert, 2, {n.(), n.()}},
      {:update, 2, {:full, {1, n.()}}, {:unchanged, n.()}},
      {:delete, 2, {:full, {n.(), n.()}}},
      {:insert, 3, {n.()}},
      {:update, 3, nil, {n.()}},
      {:truncate, [1, 2], [:cascade]},
      {:message, "a", "b"},
      {:message, PgEtf.Trace.prefix(),
       "00-" <> String.duplicate("a", 32) <> "-" <> "b0b0b0b0b0b0b0b0-01"},
      @orders,
      @renamed
    ]
  end

  # Frames of transactions, the first one with all tables.
  defp frames(count) do
    for n <- 1..count do
      events = Enum.flat_map(1..3, fn _ -> Enum.take_random(events(), 4) end)
      tables = if n == 1, do: [@orders, @full, @bare], else: []
      counted = Enum.count(events, &(elem(&1, 0) != :relation))
      {:tx, :whole, {n, 16 * n, 16 * n + 8, n}, 0, counted, %{}, tables ++ events}
    end
  end

  defp decode(frames, opts) do
    {changes, _decoder} =
      Enum.flat_map_reduce(frames, Frame.stream_decoder(opts), fn frame, decoder ->
        {:ok, frame, decoder} = Frame.decode(decoder, frame)
        {frame.changes, decoder}
      end)

    changes
  end

  defp deferred(frames, opts), do: decode(frames, [deferred: true] ++ opts)

  # In messages of some rows.
  defp there(data) do
    data
    |> Enum.chunk_every(Enum.random(1..20))
    |> Enum.flat_map_reduce({%{}, %{}}, fn some, {told, tables} ->
      {rows, told} = Rows.pack(some, told)
      rows = rows |> :erlang.term_to_binary() |> :erlang.binary_to_term()
      {changes, tables} = Rows.unpack(rows, tables)
      {changes, {told, tables}}
    end)
    |> elem(0)
  end

  @options [[], [types: true], [keys: :create_atoms], [traceparent: true], [into: %{}]]

  test "what arrives is what is decoded at once" do
    for opts <- @options, seed <- 1..40 do
      :rand.seed(:exsss, seed)
      frames = frames(6)
      data = deferred(frames, opts)
      assert Enum.count(data, &is_struct(&1, Deferred)) > 20
      assert there(data) == decode(frames, opts)
    end
  end

  # As those of version 2 have had it from the beginning.
  test "a head has the commit time as a DateTime on the way" do
    {rows, _told} = 2 |> frames() |> deferred([]) |> Rows.pack(%{})
    heads = for {:head, head} <- rows, do: head
    assert [_ | _] = heads
    assert Enum.all?(heads, &match?({_, _, _, %DateTime{}, _, _}, &1))
  end

  test "it is the same here, with the same number of its key" do
    for seed <- 1..40 do
      :rand.seed(:exsss, seed)
      frames = frames(6)
      changes = decode(frames, [])
      data = deferred(frames, [])
      assert Enum.map(data, &Deferred.finish/1) == changes
      numbers = Enum.map(changes, &PgEtf.partition_by/1)
      assert Enum.map(data, &Deferred.partition_by/1) == numbers
    end
  end

  test "so it is in a transaction, packed or not" do
    for seed <- 1..40 do
      :rand.seed(:exsss, seed)
      frames = frames(3)
      transaction = %Transaction{xid: 1, commit_lsn: 1, end_lsn: 2, commit_time: nil}
      rows = %{transaction | changes: deferred(frames, [])}
      packed = Deferred.pack(rows)
      heads = for %Deferred{head: head} when head != nil <- packed.changes, do: head
      assert length(heads) < 20 or match?(%Change{}, hd(packed.changes))
      changes = decode(frames, [])
      assert Deferred.finish(packed) == %{transaction | changes: changes}
      assert Deferred.finish(rows) == %{transaction | changes: changes}
    end
  end

  test "what is split, or loaded into structs, is not deferred" do
    for opts <- [[split_key_changes: true], [into: %{"orders" => URI}]] do
      assert Enum.all?(deferred(frames(3), opts), &is_struct(&1, Change))
    end
  end

  test "a row that does not have the columns of its table is an error here" do
    for row <- [{1}, :none] do
      frame = {:tx, :whole, {1, 16, 24, 1}, 0, 1, %{}, [@orders, {:insert, 1, row}]}
      assert {:error, reason} = Frame.decode(Frame.stream_decoder(deferred: true), frame)
      assert reason =~ "orders"
    end
  end

  test "a table is described once, and again when it is another one" do
    [frame] = frames(1)
    rows = for n <- 1..50, do: {:insert, 1, {n, {n, -2}, n, "a note"}}
    data = deferred([put_elem(frame, 6, [@orders | rows] ++ [@renamed | rows])], [])
    {first, told} = Rows.pack(Enum.take(data, 25), %{})
    {more, told} = Rows.pack(Enum.slice(data, 25, 25), told)
    {renamed, _} = Rows.pack(Enum.slice(data, 50, 25), told)
    count = fn rows -> Enum.count(rows, &match?({:table, _}, &1)) end
    assert [count.(first), count.(more), count.(renamed)] == [1, 0, 1]
    assert 60 * 25 > byte_size(:erlang.term_to_binary(more))
  end

  defp inbox do
    opts = PgEtf.Options.validate!(connection: [], slot: "s", unit: :change, deferred: true)
    Inbox.new(opts)
  end

  defp taken(inbox, frame) do
    {:ok, inbox, _} = Inbox.put(inbox, [frame], 100)
    {items, _} = Inbox.take(inbox, 100)
    for {data, _seq} <- items, uniq: true, do: data.__struct__
  end

  test "where rows are looked into they are there" do
    frame = {:tx, :whole, {1, 16, 24, 1}, 0, 1, %{}, [@bare, {:insert, 3, {1}}]}
    altered = {:schema, 3, :none, {"public", "bare", :nothing, 1, []}}
    assert taken(inbox(), frame) == [Deferred]
    assert taken(%{inbox() | reads: Reads.run(nil, "b", :incremental)}, frame) == [Change]
    assert taken(inbox(), put_elem(frame, 6, [altered | elem(frame, 6)])) == [Change]
  end
end
