defmodule PgEtf.Backfill.WindowTest do
  use ExUnit.Case, async: true

  alias PgEtf.{BackfillModel, Change, Gen}
  alias PgEtf.Backfill.Window

  # PG_ETF_SCHEDULES=100000 for a night.
  @schedules "PG_ETF_SCHEDULES" |> System.get_env("2000") |> String.to_integer()

  @moduletag timeout: 3_600_000

  test "the sink is the table, whatever the order of things" do
    Gen.run(&:rand.uniform_s(1_000_000_000, &1), @schedules, fn seed ->
      assert BackfillModel.right?(seed)
    end)
  end

  for bug <- BackfillModel.bugs() do
    test "the model finds #{bug}" do
      refute Enum.all?(1..2_000, &BackfillModel.right?(&1, unquote(bug)))
    end
  end

  defp row(key, more \\ %{}) do
    record = Map.merge(%{"id" => key, "v" => 1, "big" => "large"}, more)
    %Change{op: :read, key: %{"id" => key}, record: record, commit_lsn: 0, index: nil}
  end

  defp change(op, key, record \\ nil, toast \\ []) do
    key = %{"id" => key}
    %Change{op: op, key: key, record: record, unchanged_toast: toast, commit_lsn: 0, index: 0}
  end

  # Before the rows come, and after they have: what is left, as {key, v}.
  defp left(rows, changes) do
    [before, later] =
      for {first, second} <- [{:fold, :read}, {:read, :fold}] do
        window = %Window{} |> feed(first, rows, changes) |> feed(second, rows, changes)
        for %{record: record} <- ok(Window.close(window, 7)), do: {record["id"], record["v"]}
      end

    assert before == later
    before
  end

  defp feed(window, :read, rows, _changes), do: ok(Window.read(window, rows))

  defp feed(window, :fold, _rows, changes) do
    Enum.reduce(changes, window, &ok(Window.fold(&2, &1)))
  end

  defp ok({:ok, window}), do: window

  test "each event of the stream has its effect" do
    rows = [row(2), row(1), row(3)]
    part = %{"id" => 1, "v" => 2}
    whole = Map.put(part, "big", "larger")

    for {changes, expected} <- [
          {[], [{2, 1}, {1, 1}, {3, 1}]},
          {[change(:insert, 1, whole)], [{2, 1}, {3, 1}]},
          {[change(:delete, 3), change(:delete, 4)], [{2, 1}, {1, 1}]},
          {[change(:update, 1, whole)], [{2, 1}, {3, 1}]},
          {[change(:update, 1, part, ["big"])], [{2, 1}, {1, 2}, {3, 1}]},
          {[change(:update, 1, part, ["big"]), change(:update, 1, %{part | "v" => 3}, ["big"])],
           [{2, 1}, {1, 3}, {3, 1}]},
          {[change(:update, 1, part, ["big"]), change(:update, 1, whole)], [{2, 1}, {3, 1}]},
          {[change(:insert, 1, whole), change(:update, 1, part, ["big"])], [{2, 1}, {3, 1}]},
          {[change(:update, 1, part, ["big"]), change(:delete, 1)], [{2, 1}, {3, 1}]},
          {[change(:update, 1, %{part | "id" => 9}, ["big"])], [{2, 1}, {3, 1}]},
          {[change(:update, 7, %{part | "id" => 2}, ["big"])], [{1, 1}, {3, 1}]},
          {[change(:truncate, nil)], []},
          {[change(:truncate, nil), change(:insert, 1, whole)], []},
          {[%Change{op: :message, commit_lsn: 0, index: 0}], [{2, 1}, {1, 1}, {3, 1}]}
        ] do
      assert {changes, left(rows, changes)} == {changes, expected}
    end
  end

  test "a row that moves without its large value is to be read again, at its new key" do
    part = %{"id" => 2, "v" => 2}
    assert Window.moved(change(:update, 1, part, ["big"])) == %{"id" => 2}
    assert Window.moved(change(:update, 2, part, ["big"])) == nil
    assert Window.moved(change(:update, 1, Map.put(part, "big", "x"))) == nil
    assert Window.moved(change(:insert, 2, Map.put(part, "big", "x"))) == nil
    assert Window.moved(change(:insert, 2, part, ["big"])) == %{"id" => 2}
    assert Window.moved(change(:delete, 2)) == nil
  end

  test "keys are equal if their terms are" do
    decimal = &%{__struct__: Decimal, sign: 1, coef: &1, exp: &2}
    rows = [row(decimal.(10, -1)), row(decimal.(100, -2)), row("a"), row("A")]
    changes = [change(:delete, decimal.(100, -2)), change(:delete, "A")]
    assert left(rows, changes) == [{decimal.(10, -1), 1}, {"a", 1}]
  end

  test "a chunk of another table is read again" do
    {:ok, window} = Window.read(%Window{}, [row(1)])
    renamed = change(:update, 1, %{"id" => 1, "w" => 2}, ["big"])
    assert {:ok, folded} = Window.fold(window, renamed)
    assert Window.close(folded, 7) == {:retry, :schema}
    assert Window.fold(window, change(:schema, 1)) == {:retry, :schema}
    assert Window.read(%Window{}, [%{row(1) | key: nil}]) == {:retry, :no_key}
  end

  test "what is noted is bounded until the chunk is there, and nothing of others afterwards" do
    changes = for key <- 1..10_000, do: change(:delete, key)
    full = Enum.reduce(changes, %Window{}, &ok(Window.fold(&2, &1)))
    assert {:ok, _} = Window.fold(full, change(:delete, 10_000))
    assert Window.fold(full, change(:delete, 10_001)) == {:retry, :busy}

    {:ok, window} = Window.read(full, [row(10_001), row(10_000)])
    there = Window.all(window)
    assert map_size(there.noted) == 1
    assert {:ok, ^there} = Window.fold(there, change(:delete, 10_002))
    assert {:ok, window} = Window.fold(there, change(:delete, 10_001))
    assert {Window.close(window, 7), window.count} == {{:ok, []}, 2}
  end

  test "so are the values that are noted, as long as they are noted" do
    large = fn key, size ->
      change(:update, key, %{"id" => key, "v" => String.duplicate("x", size)}, ["big"])
    end

    {:ok, window} = Window.fold(%Window{}, large.(1, 10_000_000))
    assert {:ok, _} = Window.fold(window, large.(1, 12_000_000))
    assert Window.fold(window, large.(2, 10_000_000)) == {:retry, :busy}
    {:ok, window} = Window.fold(window, change(:delete, 1))
    assert {:ok, window} = Window.fold(window, large.(2, 10_000_000))
    assert Window.all(window).bytes == 0
  end
end
