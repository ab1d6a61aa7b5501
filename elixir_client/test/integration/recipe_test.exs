defmodule PgEtf.Integration.RecipeTest do
  # The recipe for a copy of a table, as the documentation has it, beside the table.
  use PgEtf.Integration, async: false

  defmodule Sink do
    # Rows by their keys, as a table with a primary key would have them.
    def new, do: :ets.new(__MODULE__, [:named_table, :public])

    def upsert(table, key, record) do
      :ets.insert(__MODULE__, {{table, key}, Map.merge(row(table, key), record)})
    end

    def update(table, key, record) do
      new = Map.merge(row(table, key), record)
      delete(table, key)
      :ets.insert(__MODULE__, {{table, Map.take(new, Map.keys(key))}, new})
    end

    def delete(table, key), do: :ets.delete(__MODULE__, {table, key})
    def empty(tables), do: for(t <- tables, do: :ets.match_delete(__MODULE__, {{t, :_}, :_}))

    def rows, do: for({_, row} <- :ets.tab2list(__MODULE__), do: row)

    defp row(table, key) do
      case :ets.lookup(__MODULE__, {table, key}) do
        [{_, row}] -> row
        [] -> %{}
      end
    end
  end

  defp compile_recipe do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(PgEtf.Change)
    [_, rest] = String.split(doc, "    defmodule Copy do", parts: 2)
    [code | _] = Regex.split(~r/^\S|^  \S/m, rest)
    [{module, _}] = Code.compile_string("alias #{inspect(Sink)}\ndefmodule Copy do" <> code)
    on_exit(fn -> :code.delete(module) && :code.purge(module) end)
    module
  end

  # Keys that move, large values that stay, rows that go and come, and a truncate.
  test "a copy is equal to its table, large values and changed keys included", context do
    %{sandbox: sandbox} = context
    copy = compile_recipe()
    Sink.new()
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, n int, big text")

    Sandbox.psql!(sandbox, """
    ALTER TABLE #{table} ALTER big SET STORAGE EXTERNAL;
    INSERT INTO #{table} VALUES (0, 0, 'gone with the truncate');
    TRUNCATE #{table};
    INSERT INTO #{table} SELECT i, 0, repeat(i::text, 5000) FROM generate_series(1, 30) i;
    UPDATE #{table} SET n = 1;
    UPDATE #{table} SET id = id + 100 WHERE id % 3 = 0;
    DELETE FROM #{table} WHERE id % 5 = 0;
    INSERT INTO #{table} SELECT i, 2, NULL FROM generate_series(3, 6, 3) i;
    UPDATE #{table} SET id = -id, n = 3, big = 'short' WHERE id % 7 = 0;
    SELECT pg_logical_emit_message(true, 'p', 'passes by');
    """)

    {:ok, consumer} = consume(sandbox, slot, messages: true)
    receive_until(copy, "passes by")

    sql = "SELECT id, n, coalesce(md5(big), '') FROM #{table}"
    expected = sandbox |> Sandbox.psql!(sql) |> String.split()

    there =
      for %{"id" => id, "n" => n, "big" => big} <- Sink.rows() do
        hash = if big, do: Base.encode16(:crypto.hash(:md5, big), case: :lower), else: ""
        "#{id}|#{n}|#{hash}"
      end

    assert Enum.sort(there) == Enum.sort(expected)
    GenServer.stop(consumer)
  end

  defp receive_until(copy, content) do
    assert_receive {:change, change}, 15_000
    copy.write(change)
    if change.content != content, do: receive_until(copy, content)
  end

  test "a change of an unknown row is not written anywhere" do
    copy = compile_recipe()
    change = %{PgEtf.Test.delete("log", %{"id" => 1}) | key: nil}
    assert_raise FunctionClauseError, fn -> copy.write(change) end
  end
end
