defmodule PgEtf.Stream.ReadsTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Options, Transaction}
  alias PgEtf.Stream.{Inbox, MovedKeys, Reading, Reads}

  @columns [
    {"id", 20, "int8", -1, [:key]},
    {"v", 25, "text", -1, []},
    {"big", 25, "text", -1, []}
  ]

  defp relation(oid \\ 1, name \\ "t", columns \\ @columns),
    do: {:relation, oid, "public", name, :default, columns}

  defp inbox(opts \\ []) do
    Inbox.new(Options.validate!([connection: [], slot: "s"] ++ opts))
  end

  defp reads(inbox, fun), do: %{inbox | reads: fun.(inbox.reads)}

  defp run(inbox, mode), do: reads(inbox, &(&1 |> Reads.ask("b") |> Reads.run("b", mode)))

  defp open(inbox, number \\ 1, rel \\ 1) do
    reads(inbox, &Reads.open(&1, {"b", number}, rel, inbox.decoder))
  end

  defp stream(inbox, n, events, opts \\ []) do
    count = Enum.count(events, &(elem(&1, 0) not in [:relation, :schema]))
    meta = if opts[:gid], do: %{gid: opts[:gid]}, else: %{}
    tag = if opts[:gid], do: :prepare, else: :tx
    frame = {tag, :whole, {n, n * 100, n * 100 + 50, 0}, 0, count, meta, events}
    {:ok, inbox, _} = Inbox.put(inbox, [frame], 100)
    inbox
  end

  defp read(inbox, rows, opts \\ []) do
    ref = {"b", opts[:chunk] || 1}
    relation = opts[:relation] || relation()
    events = [relation | for(row <- rows, do: {:read, elem(relation, 1), row})]
    {:ok, inbox, counted} = Reading.put(inbox, [{:read, ref, length(rows), events}], 1000)
    if opts[:counted], do: assert(counted == length(rows))
    inbox
  end

  defp close(inbox, lsn, number \\ 1) do
    {facts, inbox} = Reading.close(inbox, {"b", number}, %{lsn: lsn, rows: 0, bytes: 0})
    {facts, inbox}
  end

  defp taken(inbox), do: inbox |> Inbox.take(100) |> elem(0) |> Enum.map(&elem(&1, 0))

  defp told(inbox), do: inbox.reads |> Reads.take_told() |> elem(0)

  test "rows of mode exact come at once, at the place of their round, and cost credit" do
    inbox = inbox() |> run({:exact, nil}) |> run({:exact, 700})
    inbox = read(inbox, [{1, "a", "x"}, {2, "b", "y"}], counted: true)
    assert %{received_events: 2, received_bytes: 1000, queued: 2} = Inbox.gauges(inbox)
    {facts, inbox} = close(inbox, 700)
    assert facts.dropped == 0

    assert [
             %{op: :read, commit_lsn: 700, index: nil, key: %{"id" => 1}},
             %{record: %{"id" => 2, "v" => "b", "big" => "y"}, backfill: %{id: "b", chunk: 1}}
           ] = taken(inbox)
  end

  test "nothing is read before a backfill has begun" do
    frame = {:read, {"b", 1}, 0, []}
    assert {:error, text} = Reading.put(inbox(), [frame], 10)
    assert text =~ "has not begun"
    assert {:error, _} = Reading.put(run(inbox(), {:exact, nil}), [frame], 10)
    assert {:error, _} = Reading.put(run(inbox(), :incremental), [{:read, :tag, 0, []}], 10)

    mixed = [frame, {:tx, :whole, {1, 1, 1, 0}, 0, 0, %{}, []}]
    assert {:error, _} = Reading.put(run(inbox(), {:exact, 7}), mixed, 10)
  end

  test "rows of mode incremental come when their chunk closes, as they are then" do
    inbox = inbox() |> run(:incremental) |> stream(1, [relation(), {:insert, 1, {9, "i", "x"}}])

    inbox =
      inbox
      |> open()
      |> stream(2, [{:update, 1, nil, {1, "new", :unchanged_toast}}])
      |> read([{1, "old", "large"}, {2, "b", "y"}, {3, "c", "z"}])
      |> stream(3, [{:delete, 1, {:key, {2}}}])

    assert %{received_events: 3} = Inbox.gauges(inbox)
    {facts, inbox} = close(inbox, 360)
    assert {facts.folded, facts.dropped} == {1, 1}

    assert [%{op: :insert}, %{op: :update}, %{op: :delete}, first, second] = taken(inbox)
    assert first.record == %{"id" => 1, "v" => "new", "big" => "large"}
    assert {first.op, first.commit_lsn, second.record["id"]} == {:read, 360, 3}
    assert told(inbox) == []
  end

  test "the chunk's description does not replace that of the stream" do
    later = @columns ++ [{"added", 20, "int8", -1, []}]
    inbox = inbox() |> run(:incremental) |> stream(1, [relation()]) |> open()
    inbox = read(inbox, [{1, "a", "x", 7}], relation: relation(1, "t", later))
    inbox = stream(inbox, 2, [{:insert, 1, {2, "b", "y"}}])
    assert [%{record: %{"id" => 2} = record}] = taken(inbox)
    refute Map.has_key?(record, "added")
  end

  test "rows that come as another table's than was noted are read again" do
    inbox = inbox() |> run(:incremental) |> stream(1, [relation()]) |> open()
    inbox = inbox |> stream(2, [relation(2, "root"), {:delete, 2, {:key, {1}}}])
    inbox = read(inbox, [{1, "a", "x"}], relation: relation(2, "root"))
    assert told(inbox) == [{:backfill_retry, "b", 1, :schema}]
    {nil, inbox} = close(inbox, 360)
    assert [%{op: :delete}] = taken(inbox)
  end

  test "a chunk of a table that has changed is read again" do
    for events <- [
          [relation(1, "renamed")],
          [relation(1, "t", tl(@columns))],
          [relation(2, "t")],
          [{:schema, 1, {"public", "t", :default, 5, []}, :none}]
        ] do
      inbox = inbox() |> run(:incremental) |> stream(1, [relation()]) |> open() |> open(2, 7)
      inbox = stream(inbox, 2, events)
      assert told(inbox) == [{:backfill_retry, "b", 1, :schema}]
      # What is on its way is forgotten, up to the next open.
      inbox = read(inbox, [{1, "a", "x"}])
      assert {nil, inbox} = close(inbox, 300)
      assert {%{}, _} = inbox |> open() |> close(400)
    end
  end

  test "a table that is described again, or for the first time, has not changed" do
    inbox = inbox() |> run(:incremental) |> open() |> stream(1, [relation()])
    inbox = inbox |> stream(2, [relation()]) |> stream(3, [relation(2, "u")])
    assert told(inbox) == []
    inbox = inbox |> read([{1, "a", "x"}]) |> stream(4, [{:delete, 1, {:key, {1}}}])
    assert {%{dropped: 1}, _} = close(inbox, 450)
  end

  test "a truncate empties the chunks of its tables" do
    inbox = inbox() |> run(:incremental) |> stream(1, [relation(), relation(2, "u")])
    inbox = inbox |> open(1, 1) |> open(2, 2) |> read([{1, "a", "x"}])
    inbox = read(inbox, [{1, "a", "x"}], chunk: 2, relation: relation(2, "u"))
    inbox = stream(inbox, 2, [{:truncate, [1], []}])
    assert {%{dropped: 1}, inbox} = close(inbox, 300, 1)
    assert {%{dropped: 0}, _} = close(inbox, 300, 2)
  end

  defp moves(to), do: {:update, 1, {:key, {1}}, {to, "b", :unchanged_toast}}
  defp ask(inbox, id), do: reads(inbox, &Reads.ask(&1, id))

  test "a row that moves without its large value is asked for, started or not" do
    for run <- [&run(&1, :incremental), &run(&1, {:exact, 1}), &ask(&1, "b")] do
      inbox = inbox() |> run.() |> stream(1, [relation(), moves(2)])
      assert told(inbox) == [{:backfill_keys, "b", 1, [%{"id" => "2"}]}]
      refute Reads.holds?(inbox.reads)
    end

    inbox =
      inbox() |> ask("b") |> reads(&Reads.ended(&1, "b")) |> stream(1, [relation(), moves(2)])

    assert inbox.reads == nil
  end

  test "what moves is noted until it is known what was asked for earlier" do
    inbox = %{inbox() | reads: Reads.unknown()} |> stream(1, [relation()])
    refute Reads.holds?(inbox.reads)
    inbox = stream(inbox, 2, [moves(2), moves(3)])
    assert told(inbox) == []
    assert Reads.holds?(inbox.reads)

    for id <- ["b", "c"] do
      assert [{:backfill_keys, ^id, 1, keys}] = inbox |> ask(id) |> told()
      assert Enum.sort(keys) == [%{"id" => "2"}, %{"id" => "3"}]
    end

    assert Reads.known(inbox.reads) == nil
    inbox = inbox |> ask("b") |> reads(&Reads.known/1)
    refute Reads.holds?(inbox.reads)
    assert inbox |> stream(3, [moves(4)]) |> ask("c") |> told() |> length() == 2
  end

  defp stored, do: inbox(start_position: fn -> nil end)

  # As PgEtf.Stream.Backfills does with a packet.
  defp send_told(inbox) do
    {commands, reads} = Reads.take_told(inbox.reads)
    {commands, %{inbox | reads: reads, keys: MovedKeys.sent(inbox.keys, commands)}}
  end

  defp kept(inbox, number), do: %{inbox | keys: MovedKeys.kept(inbox.keys, number)}
  defp lsns(inbox), do: for(change <- taken(inbox), do: change.commit_lsn)

  test "where positions are stored, a row's move waits for its key to be kept" do
    inbox = stored() |> run(:incremental) |> stream(1, [relation(), {:delete, 1, {:key, {9}}}])
    {[_], inbox} = inbox |> stream(2, [moves(2)]) |> send_told()
    {[_], inbox} = inbox |> stream(3, [moves(3)]) |> send_told()
    inbox = stream(inbox, 4, [{:delete, 1, {:key, {9}}}])
    assert lsns(inbox) == [100]
    assert inbox |> kept(1) |> lsns() == [100, 200]
    assert inbox |> kept(2) |> lsns() == [100, 200, 300, 400]
    assert inbox |> reads(&Reads.ended(&1, "b")) |> lsns() == [100, 200, 300, 400]
    assert MovedKeys.awaited?(inbox.keys, inbox.reads)
    refute inbox |> kept(2) |> then(&MovedKeys.awaited?(&1.keys, &1.reads))

    {_, inbox} = inbox() |> run(:incremental) |> stream(1, [relation(), moves(2)]) |> send_told()
    assert lsns(inbox) == [100]
  end

  test "two backfills have to keep it" do
    inbox = stored() |> run(:incremental) |> ask("c")
    {[_, _], inbox} = inbox |> stream(1, [relation(), moves(2)]) |> send_told()
    assert inbox |> kept(1) |> lsns() == []
    assert inbox |> kept(2) |> lsns() == [100]
  end

  defp known(inbox) do
    keys = MovedKeys.told(inbox.keys, inbox.reads)
    %{inbox | keys: keys, reads: Reads.known(inbox.reads)}
  end

  test "what moves before it is known what is read waits until then, and for its key" do
    unknown = %{stored() | reads: Reads.unknown()} |> stream(1, [relation(), moves(2)])
    assert unknown |> kept(9) |> lsns() == []
    assert unknown |> known() |> lsns() == [100]

    {[_], asked} = unknown |> ask("b") |> send_told()
    assert asked |> kept(1) |> lsns() == []
    asked = known(asked)
    assert lsns(asked) == []
    assert asked |> kept(1) |> lsns() == [100]

    # All that was noted comes behind what was told already.
    {[_], asked} =
      %{stored() | reads: Reads.unknown()}
      |> ask("b")
      |> stream(1, [relation(), moves(2)])
      |> send_told()

    {[_, _], asked} = asked |> stream(2, [moves(3)]) |> ask("c") |> send_told()
    assert asked |> known() |> kept(2) |> lsns() == []
    assert asked |> known() |> kept(3) |> lsns() == [100, 200]
  end

  test "a chunk that comes with its state is read again where it would wait for a key" do
    inbox =
      stored() |> run(:incremental) |> stream(1, [relation()]) |> open() |> read([{1, "a", "x"}])

    {[_], inbox} =
      inbox
      |> stream(2, [relation(2, "u"), {:update, 2, {:key, {1}}, {2, "b", :unchanged_toast}}])
      |> send_told()

    details = %{lsn: 250, rows: 1, bytes: 1, state: "done"}
    assert {nil, again} = Reading.close(inbox, {"b", 1}, details)
    assert told(again) == [{:backfill_retry, "b", 1, :busy}]
    assert {%{}, inbox} = inbox |> kept(1) |> Reading.close({"b", 1}, details)
    assert [200, 250] = lsns(inbox)
  end

  test "a whole table is read again when too much is noted of it" do
    moved = fn inbox, count -> stream(inbox, 2, Enum.map(1..count, &moves(&1 + 1))) end
    inbox = %{inbox() | reads: Reads.unknown()} |> stream(1, [relation()])
    told = inbox |> moved.(10_000) |> ask("b") |> told()
    assert Enum.map(told, &length(elem(&1, 3))) == List.duplicate(500, 20)
    assert inbox |> moved.(10_001) |> ask("b") |> told() == [{:backfill_keys, "b", 1, :all}]
  end

  test "what was prepared happens when it is committed" do
    decided = fn inbox, op ->
      frame = {op, {9, 900, 950, 0}, %{gid: "g"}}
      {:ok, inbox, 1} = Inbox.put(inbox, [frame], 10)
      told(inbox)
    end

    inbox = inbox(unit: :transaction) |> run(:incremental)
    inbox = stream(inbox, 1, [relation(), relation(2, "u"), {:delete, 1, {:key, {1}}}], gid: "g")
    inbox = inbox |> open(1, 1) |> open(2, 2)
    assert decided.(inbox, :commit_prepared) == [{:backfill_retry, "b", 1, :busy}]
    assert decided.(inbox, :rollback_prepared) == []

    unknown = inbox(unit: :transaction) |> run(:incremental) |> open(1, 1) |> open(2, 2)
    assert [{_, _, 1, _}, {_, _, 2, _}] = decided.(unknown, :commit_prepared)
  end

  test "a table without a key that begins anew is emptied before its first row" do
    keyless = for {name, oid, type, mod, _} <- @columns, do: {name, oid, type, mod, []}

    for {columns, ops} <- [{keyless, [:truncate, :read]}, {@columns, [:read]}] do
      inbox = inbox() |> run({:exact, 700}) |> reads(&Reads.again(&1, 1))
      inbox = read(inbox, [{1, "a", "x"}], relation: relation(1, "t", columns), counted: true)
      assert Enum.map(taken(inbox), & &1.op) == ops
      inbox = read(inbox, [{1, "a", "x"}], relation: relation(1, "t", columns))
      assert Enum.map(taken(inbox), & &1.op) == ops ++ [:read]
    end
  end

  test "a chunk is a transaction in parts, whose last may be empty" do
    parts = fn inbox ->
      for %Transaction{xid: nil, end_lsn: nil, backfill: %{id: "b", chunk: 1}} = part <-
            taken(inbox) do
        {part.part, part.commit_lsn, part.first_index, length(part.changes)}
      end
    end

    opts = [unit: :transaction, max_transaction_changes: 2]
    exact = inbox(opts) |> run({:exact, 700})
    rows = for id <- 1..3, do: {id, "a", "x"}
    {_, exact} = exact |> read(rows) |> read(rows) |> close(700)

    assert parts.(exact) == [
             {:first, 700, 0, 2},
             {:middle, 700, 2, 1},
             {:middle, 700, 3, 2},
             {:middle, 700, 5, 1},
             {:last, 700, 6, 0}
           ]

    incremental = inbox(opts) |> run(:incremental)
    {_, three} = incremental |> open() |> read(rows) |> close(800)
    assert parts.(three) == [{:first, 800, 0, 2}, {:last, 800, 2, 1}]
    {_, two} = incremental |> open() |> read(Enum.take(rows, 2)) |> close(800)
    assert parts.(two) == [{:whole, 800, 0, 2}]
    {_, none} = incremental |> open() |> close(800)
    assert parts.(none) == []
  end

  test "keys are text, as the server reads it" do
    types = [
      {20, -5, "-5"},
      {25, "a'b", "a'b"},
      {17, <<0, 255>>, "\\x00FF"},
      {16, true, "true"},
      {701, 0.1, "0.1"},
      {701, :inf, "infinity"},
      {1700, {1230, -2}, "1230E-2"},
      {1700, {:neg_inf}, nil},
      {1082, -719_500, "0001-01-29 BC"},
      {3220, 5, nil}
    ]

    for {oid, value, text} <- types do
      columns = [{"k", oid, "type", -1, [:key]}, {"big", 25, "text", -1, []}]
      moves = {:update, 1, {:key, {nil}}, {value, :unchanged_toast}}
      inbox = inbox() |> run(:incremental) |> stream(1, [relation(1, "t", columns), moves])
      keys = if text, do: [%{"k" => text}], else: :all
      assert {oid, told(inbox)} == {oid, [{:backfill_keys, "b", 1, keys}]}
    end
  end

  test "what ends takes all with it" do
    inbox = inbox() |> run(:incremental) |> open()
    assert Reads.ended(inbox.reads, "b") == nil
    assert %{chunks: %{}} = inbox.reads |> Reads.run("c", :incremental) |> Reads.ended("b")
  end
end
