defmodule PgEtf.SchemaHistoryTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Change, Frame, Relation, SchemaChange, SchemaHistory}

  doctest SchemaHistory

  defp table(oid, name, columns \\ ["id"]) do
    columns = for {n, i} <- Enum.with_index(columns, 1), do: {i, n, 25, "text", -1, []}
    Relation.state(oid, {"public", name, :default, 1, columns}, :strings)
  end

  defp change(lsn, index, before, now) do
    %Change{
      op: :schema,
      commit_lsn: lsn,
      index: index,
      schema_change: SchemaChange.new(before, now)
    }
  end

  defp history(changes), do: Enum.reduce(changes, SchemaHistory.new(), &SchemaHistory.put(&2, &1))

  test "a table at each place" do
    {one, two} = {table(1, "t", ["a"]), table(1, "t", ["a", "b"])}
    {moved, other} = {table(1, "u", ["a", "b"]), table(2, "t", ["c"])}

    changes = [
      change(100, 0, one, two),
      change(200, 5, two, moved),
      change(300, 0, nil, other),
      change(400, 0, other, nil)
    ]

    for changes <- [changes, changes ++ changes, changes ++ tl(changes)] do
      history = history(changes)
      assert SchemaHistory.at(history, "public.t", 99) == {:ok, one}
      assert SchemaHistory.at(history, "public.t", 100) == {:ok, two}
      assert SchemaHistory.at(history, "public.t", {200, 4}) == {:ok, two}
      assert SchemaHistory.at(history, "public.t", {200, 5}) == {:ok, nil}
      assert SchemaHistory.at(history, "public.u", 200) == {:ok, moved}
      assert SchemaHistory.at(history, "public.t", 300) == {:ok, other}
      assert SchemaHistory.at(history, "public.t", 400) == {:ok, nil}
      assert SchemaHistory.at(history, "public.x", 400) == :unknown
    end
  end

  test "the latest are kept, and what there is of each table" do
    created = for n <- 1..10_000, do: change(n, 0, nil, table(n, "t#{n}"))
    history = history(created)
    assert SchemaHistory.at(history, "public.t1", 1) == {:ok, table(1, "t1")}
    dropped = for n <- 1..10_000, do: change(20_000 + n, 0, table(n, "t#{n}"), nil)
    history = Enum.reduce(dropped, history, &SchemaHistory.put(&2, &1))
    assert map_size(history.tables) in 4_096..4_608
    assert map_size(history.names) == map_size(history.tables)
    assert SchemaHistory.at(history, "public.t1", 30_000) == :unknown
    assert SchemaHistory.at(history, "public.t9999", 30_000) == {:ok, nil}
    assert SchemaHistory.at(history, "public.t9999", 20_000) == {:ok, table(9_999, "t9999")}
    assert SchemaHistory.at(history, "public.t9999", 9_998) in [{:ok, nil}, :unknown]
  end

  test "one table that changes for ever" do
    history =
      history(for n <- 1..6_000, do: change(n, 0, table(1, "t", [n - 1]), table(1, "t", [n])))

    assert SchemaHistory.at(history, "public.t", 6_000) == {:ok, table(1, "t", [6_000])}
    assert SchemaHistory.at(history, "public.t", 3_000) == {:ok, table(1, "t", [3_000])}
    assert SchemaHistory.at(history, "public.t", 1) == :unknown
    assert history.size <= 4_608
  end

  test "a change differs from the one before it, not from what a transaction has found" do
    {one, two, three} =
      {table(1, "t", ["a"]), table(1, "t", ["a", "b"]), table(1, "t", ["a", "b", "c"])}

    history = history([change(100, 0, one, two)])
    # It began before the other one ended.
    told = change(200, 3, one, three)
    assert %{added: [_, _]} = told.schema_change

    for history <- [history, SchemaHistory.put(history, told)] do
      change = SchemaHistory.since_last(history, told)
      assert %{before: ^two, after: ^three, added: [%{name: "c"}]} = change.schema_change
      assert SchemaHistory.since_last(history, change) == change
    end

    assert SchemaHistory.since_last(SchemaHistory.new(), told) == told
  end

  test "a decoder knows it, however often a transaction comes" do
    state = fn names ->
      columns = for {n, i} <- Enum.with_index(names, 1), do: {i, n, 25, "text", -1, []}
      {"public", "t", :default, 1, columns}
    end

    frame = fn lsn, before, now ->
      {:tx, :whole, {1, lsn, lsn + 8, 0}, 0, 0, %{}, [{:schema, 1, state.(before), state.(now)}]}
    end

    frames = [frame.(100, ["a"], ["a", "b"]), frame.(200, ["a"], ["a", "b", "c"])]

    {changes, _decoder} =
      Enum.flat_map_reduce(frames ++ frames, Frame.decoder(), fn frame, decoder ->
        {:ok, frame, decoder} = Frame.decode(decoder, frame)
        {frame.changes, decoder}
      end)

    added = for change <- changes, do: Enum.map(change.schema_change.added, & &1.name)
    assert added == [["b"], ["c"], ["b"], ["c"]]
  end

  test "only schema changes are remembered" do
    insert = %Change{op: :insert, commit_lsn: 1, index: 0}
    assert SchemaHistory.put(SchemaHistory.new(), insert) == SchemaHistory.new()
  end
end
