# The rows that a demo has received. Loaded by shop.exs.
defmodule Demo.Replica do
  # What the changes add up to: the rows of each table, kept beside the database.

  @doc "Tables for rows, counters and samples, owned by the caller."
  def new do
    for name <- [__MODULE__, Demo.Count, Demo.Sample] do
      :ets.new(name, [:named_table, :public, write_concurrency: true])
    end
  end

  def apply(change) do
    show(change)
    count(change.op, 1)
    store(change)
  end

  def count(what), do: :ets.lookup_element(Demo.Count, what, 2)
  def count(what, n), do: :ets.update_counter(Demo.Count, what, n, {what, 0})
  def total, do: :ets.foldl(fn {_, n}, sum -> sum + n end, 0, Demo.Count)

  def rows(table), do: :ets.select(__MODULE__, [{{{table, :_}, :"$1"}, [], [:"$1"]}])

  defp store(%{op: :insert} = change) do
    # A row that comes twice must not look like one.
    true = :ets.insert_new(__MODULE__, {{change.table, change.key}, change.record})
  end

  defp store(%{op: :update, table: table} = change) do
    [{_, old}] = :ets.take(__MODULE__, {table, change.key})
    key = Map.take(change.record, Map.keys(change.key))
    :ets.insert(__MODULE__, {{table, key}, Map.merge(old, change.record)})
  end

  defp store(%{op: :delete} = change), do: :ets.delete(__MODULE__, {change.table, change.key})

  defp store(%{op: :truncate} = change) do
    for {_schema, table} <- change.truncated do
      :ets.match_delete(__MODULE__, {{table, :_}, :_})
    end
  end

  # The first change of its kind is shown whole.
  defp show(change) do
    if :ets.insert_new(Demo.Sample, {{change.table, change.op}, change.index}) do
      term =
        change
        |> Map.take([:op, :table, :record, :old_record, :key, :unchanged_toast, :truncated])
        |> Map.reject(fn {_, value} -> value in [nil, []] end)
        |> inspect(pretty: true, width: 96, limit: 20, printable_limit: 60)

      lsn = PgEtf.Lsn.to_string(change.commit_lsn)
      IO.puts(["\n", "transaction #{change.xid}, #{lsn}, change #{change.index}", "\n", term])
    end
  end
end
