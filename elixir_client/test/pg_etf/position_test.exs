defmodule PgEtf.PositionTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Change, Gen, Position, Transaction}

  # The table, as a server would keep it: one row of each slot, locked by whoever has
  # changed it until the transaction ends. In the process' dictionary, so that a
  # history is repeated exactly.
  defmodule Table do
    def new, do: Process.put(Table, %{row: nil, made?: false, lock: nil})
    def get, do: Process.get(Table)
    def put(changes), do: Process.put(Table, Map.merge(get(), Map.new(changes)))

    def query(writer), do: fn sql, params -> query(writer, sql, params) end

    defp query(_writer, "CREATE TABLE IF NOT EXISTS" <> _, []) do
      put(made?: true)
      {:ok, %{rows: nil, num_rows: 0}}
    end

    defp query(_writer, "SELECT" <> _, ["s"]) do
      case get() do
        %{made?: false} -> {:error, :no_table}
        %{row: nil} -> {:ok, %{rows: [], num_rows: 0}}
        %{row: {lsn, index}} -> {:ok, %{rows: [[lsn, index]], num_rows: 1}}
      end
    end

    defp query(_writer, "INSERT" <> _, ["s", lsn]) do
      if get().row do
        {:error, :unique_violation}
      else
        put(row: {lsn, 0})
        {:ok, %{rows: nil, num_rows: 1}}
      end
    end

    defp query(writer, "UPDATE" <> _, [lsn, index, "s", seen_lsn, seen_index]) do
      case get() do
        %{lock: {other, _}} when other != writer ->
          throw(:waits)

        %{row: {^seen_lsn, ^seen_index}} ->
          put(lock: {writer, {lsn, index}})
          {:ok, %{rows: nil, num_rows: 1}}

        _ ->
          {:ok, %{rows: nil, num_rows: 0}}
      end
    end

    # A transaction has ended.
    def commit(writer), do: with(%{lock: {^writer, row}} <- get(), do: put(row: row, lock: nil))
    def rollback(writer), do: with(%{lock: {^writer, _}} <- get(), do: put(lock: nil))
  end

  defp position(writer \\ :a), do: Position.new(slot: "s", query: Table.query(writer))

  defp read do
    Table.new()
    :ok = Position.create(position())
    {nil, position} = Position.checkpoint(position())
    position
  end

  defp transaction(lsn, indexes, part \\ :whole) do
    changes = for index <- indexes, do: %Change{op: :insert, commit_lsn: lsn, index: index}
    fields = [xid: 1, commit_lsn: lsn, end_lsn: lsn + 8, commit_time: nil]
    fields = fields ++ [part: part, first_index: Enum.at(indexes, 0), changes: changes]
    struct!(Transaction, fields)
  end

  defp indexes(changes), do: Enum.map(changes, & &1.index)

  describe "one writer" do
    test "moves to the end of a transaction, and gives back its changes" do
      position = read()
      assert {:ok, changes, position} = Position.advance(position, transaction(100, 0..2))
      assert indexes(changes) == [0, 1, 2]
      assert %{lsn: 108, next_index: 0} = position
      Table.commit(:a)
      assert {108, ^position} = Position.checkpoint(position())
    end

    test "moves to a position that no transaction belongs to" do
      assert {:ok, [], %{lsn: 50}} = Position.advance(read(), 50)
    end

    test "goes on inside a transaction, whatever its parts are" do
      position = read()
      {:ok, _, position} = Position.advance(position, transaction(100, 0..2, :first))
      Table.commit(:a)
      assert {100, ^position} = Position.checkpoint(position())

      assert {:ok, [], ^position} = Position.advance(position, transaction(100, 0..1, :first))
      {:ok, changes, position} = Position.advance(position, transaction(100, 2..5, :middle))
      assert indexes(changes) == [3, 4, 5]
      Table.commit(:a)
      {:ok, changes, position} = Position.advance(position, transaction(100, 6..6, :last))
      assert indexes(changes) == [6]
      assert %{lsn: 108, next_index: 0} = position
    end

    test "goes on inside a transaction whose indexes have holes" do
      position = read()
      {:ok, _, position} = Position.advance(position, transaction(100, [0, 2, 3], :first))
      Table.commit(:a)
      {:ok, changes, _} = Position.advance(position, transaction(100, [2, 3, 4], :middle))
      assert indexes(changes) == [4]
    end

    test "does the row behind a change of a table at the end of a part" do
      schema = fn index -> %Change{op: :schema, commit_lsn: 100, index: index} end
      first = %{transaction(100, [0, 1], :first) | changes: [schema.(0)]}
      {:ok, [_], position} = Position.advance(read(), first)
      assert %{lsn: 100, next_index: 0} = position
      Table.commit(:a)
      # A transaction may have ended there.
      assert {:ok, [%{op: :schema}], ^position} = Position.advance(position, first)
      middle = transaction(100, [0, 1], :middle)
      middle = %{middle | changes: middle.changes ++ [schema.(2)]}
      {:ok, changes, position} = Position.advance(position, middle)
      assert indexes(changes) == [0, 1, 2]
      Table.commit(:a)
      assert {:ok, [], ^position} = Position.advance(position, middle)
      {:ok, changes, _} = Position.advance(position, transaction(100, [2, 3], :last))
      assert indexes(changes) == [2, 3]
    end

    test "stays where it is with rows that were read, which come again, but not to two writers" do
      {:ok, _, position} = Position.advance(read(), transaction(100, 0..2))
      Table.commit(:a)
      chunk = PgEtf.Testing.chunk([PgEtf.Testing.read("t", %{"id" => 1})], commit_lsn: 90)
      assert {:ok, [%{op: :read}], ^position} = Position.advance(position, chunk)
      Table.commit(:a)
      assert {:ok, [%{op: :read}], ^position} = Position.advance(position, chunk)
      Table.commit(:a)
      Table.put(row: {160, 0})
      assert Position.advance(position, chunk) == {:error, :somebody_else_went_on}
    end

    test "does nothing again, and never goes back" do
      {:ok, _, position} = Position.advance(read(), transaction(100, 0..2))
      Table.commit(:a)
      assert {:ok, [], ^position} = Position.advance(position, transaction(100, 0..2))
      assert {:ok, [], ^position} = Position.advance(position, 107)
      assert Table.get() == %{row: {108, 0}, made?: true, lock: nil}
    end

    test "finds that somebody else went on" do
      position = read()
      Table.put(row: {60, 0})
      assert Position.advance(position, 100) == {:error, :somebody_else_went_on}
      assert Position.advance(position, 50) == {:error, :somebody_else_went_on}
    end

    test "runs the statement where it is told" do
      query = fn _sql, _params -> {:error, :elsewhere} end
      assert Position.advance(read(), 50, query) == {:error, :elsewhere}
    end
  end

  describe "the row" do
    test "is made once, and begins where it is told" do
      Table.new()
      assert Position.create(position(), 40) == :ok
      assert Position.create(position(), 90) == :ok
      assert {40, _} = Position.checkpoint(position())
    end

    test "may be made by two at once" do
      Table.new()
      query = Table.query(:a)

      first = fn
        "INSERT" <> _ = sql, params ->
          {:ok, _} = query.(sql, params)
          query.(sql, params)

        sql, params ->
          query.(sql, params)
      end

      assert Position.create(Position.new(slot: "s", query: first)) == :ok
    end

    test "is missing" do
      Table.new()
      Table.put(made?: true)

      assert_raise RuntimeError, ~r/no position is stored for slot s/, fn ->
        Position.checkpoint(position())
      end
    end

    test "cannot be read, or made" do
      Table.new()
      assert_raise RuntimeError, ~r/:no_table/, fn -> Position.checkpoint(position()) end

      broken =
        Position.new(slot: "s", query: fn _, _ -> {:error, %ArgumentError{message: "m"}} end)

      assert_raise ArgumentError, "m", fn -> Position.checkpoint(broken) end
      assert Position.create(broken) == {:error, %ArgumentError{message: "m"}}
    end

    test "must be read first" do
      assert_raise ArgumentError, ~r/call checkpoint/, fn -> Position.advance(position(), 50) end
    end
  end

  test "parameters as each adapter has them" do
    test = self()

    query = fn sql, params ->
      send(test, {sql, length(params)})
      {:ok, %{rows: [[1, 0]], num_rows: 1}}
    end

    for {more, text} <- [
          {[],
           "UPDATE pg_etf_positions SET lsn = $1, next_index = $2 " <>
             "WHERE slot = $3 AND lsn = $4 AND next_index = $5"},
          {[placeholder: "?", table: "x.y"],
           "UPDATE x.y SET lsn = ?, next_index = ? WHERE slot = ? AND lsn = ? AND next_index = ?"}
        ] do
      {1, position} = Position.checkpoint(Position.new([slot: "s", query: query] ++ more))
      assert_received {"SELECT" <> _, 1}
      {:ok, [], _} = Position.advance(position, 50)
      assert_received {^text, 5}
    end
  end

  test "wrong options" do
    for opts <- [[slot: "s"], [slot: :s, query: &{&1, &2}], [slot: "s", query: & &1]] do
      assert_raise ArgumentError, fn -> Position.new(opts) end
    end

    opts = [slot: "s", query: &{&1, &2}]
    assert_raise ArgumentError, fn -> Position.new([placeholder: ":"] ++ opts) end
    assert_raise ArgumentError, ~r/:tabel/, fn -> Position.new([tabel: "t"] ++ opts) end
  end

  ## Several writers

  # A writer reads the position, gets the log from there on in parts of any size, and
  # works on it in transactions of the sink. Each of these steps may be the last for a
  # while, and others go on: that is all that pauses, lost connections and kills are to
  # the sink. What it has in its transaction when it is killed may yet be committed.
  @writers [:a, :b, :c]
  @steps [:start, :begin, :begin, :commit, :commit, :rollback, :killed_before, :killed_after]

  defp history do
    sizes = Gen.list(Gen.integer(0..5), 1..6)
    part = Gen.integer(1..4)
    writer = Gen.one_of(Enum.map(@writers, &Gen.constant/1))
    step = Gen.one_of(Enum.map(@steps, &Gen.constant/1))
    Gen.fixed_list([sizes, Gen.list(Gen.fixed_list([writer, step, part]), 0..120)])
  end

  test "whatever the writers do, each change is written once, in order" do
    Gen.run(history(), 3_000, fn [sizes, steps] ->
      Table.new()
      :ok = Position.create(position())
      log = for {size, n} <- Enum.with_index(sizes, 1), do: {n * 100, size}
      all = for {lsn, size} <- log, index <- 0..(size - 1)//1, do: {lsn, index}

      world = Enum.reduce(steps, %{log: log, sink: [], writers: %{}}, &step/2)
      assert Enum.take(all, length(world.sink)) == Enum.reverse(world.sink)

      # All but one are gone at last.
      Table.put(lock: nil)
      world = finish(step([:a, :start, 1], world), 100)
      assert Enum.reverse(world.sink) == all
    end)
  end

  defp step([writer, :start, _size], world) do
    Table.rollback(writer)
    {lsn, position} = Position.checkpoint(position(writer))
    put(world, writer, %{position: position, rest: from(world.log, lsn || 0), work: nil})
  end

  defp step([writer, step, size], world) do
    case world.writers[writer] do
      nil -> world
      %{work: nil} = state when step == :begin -> work(world, writer, state, size)
      %{work: nil} -> world
      state -> ends(world, writer, state, step)
    end
  end

  # The server skips what is committed before the position.
  defp from(log, lsn), do: for({commit, size} <- log, commit >= lsn, do: {commit, 0, size})

  defp work(world, _writer, %{rest: []}, _size), do: world

  defp work(world, writer, %{rest: [{lsn, first, total} | rest]} = state, size) do
    {transaction, rest} = part(lsn, first, total, size, rest)

    case Position.advance(state.position, transaction) do
      {:ok, changes, position} -> put(world, writer, %{state | work: {changes, position, rest}})
      {:error, :somebody_else_went_on} -> step([writer, :start, 1], world)
    end
  catch
    :waits -> world
  end

  defp part(lsn, 0, total, size, rest) when size >= total,
    do: {transaction(lsn, 0..(total - 1)//1), rest}

  defp part(lsn, first, total, size, rest) when first + size >= total,
    do: {transaction(lsn, first..(total - 1)//1, :last), rest}

  defp part(lsn, first, total, size, rest) do
    name = if first == 0, do: :first, else: :middle
    next = first + size
    {transaction(lsn, first..(next - 1)//1, name), [{lsn, next, total} | rest]}
  end

  defp ends(world, _writer, _state, step) when step in [:begin, :start], do: world

  defp ends(world, writer, %{work: {changes, position, rest}}, :commit) do
    world
    |> committed(writer, changes)
    |> put(writer, %{position: position, rest: rest, work: nil})
  end

  defp ends(world, writer, %{work: {changes, _, _}}, :killed_after) do
    world |> committed(writer, changes) |> gone(writer)
  end

  defp ends(world, writer, _state, :killed_before) do
    Table.rollback(writer)
    gone(world, writer)
  end

  # A failure that is not the position's: the state stays what it was.
  defp ends(world, writer, state, :rollback) do
    Table.rollback(writer)
    put(world, writer, %{state | work: nil})
  end

  defp committed(world, writer, changes) do
    Table.commit(writer)
    places = for change <- changes, do: {change.commit_lsn, change.index}
    %{world | sink: Enum.reverse(places) ++ world.sink}
  end

  defp put(world, writer, state), do: put_in(world.writers[writer], state)
  defp gone(world, writer), do: %{world | writers: Map.delete(world.writers, writer)}

  defp finish(%{writers: %{a: %{rest: [], work: nil}}} = world, _steps), do: world

  defp finish(world, steps) when steps > 0 do
    finish(step([:a, :commit, 1], step([:a, :begin, 3], world)), steps - 1)
  end
end
