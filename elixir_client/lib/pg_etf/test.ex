defmodule PgEtf.Test do
  @moduledoc """
  Builders of changes, for tests of your own handlers.

  What they return is what the stream delivers: a fresh place in the log for each
  transaction, commit time now, keys and old rows as the replica identity of a
  primary key gives them.

      iex> change = PgEtf.Test.insert("orders", %{"id" => 1, "paid" => false})
      iex> {change.op, change.schema, change.record["id"], change.key}
      {:insert, "public", 1, %{"id" => 1}}

  With Broadway the pipeline is tested without a database, started with another producer
  (see "Testing" in `PgEtf.Producer`):

      change = PgEtf.Test.insert("orders", %{"id" => 1})
      ref = Broadway.test_message(Orders, change, metadata: PgEtf.Test.metadata(change))
      assert_receive {:ack, ^ref, [%{data: ^change}], []}

  All of them take these options, and any field of `PgEtf.Change`:

    * `:schema` - (`"public"`)
    * `:key` - the names of the key columns (`["id"]`, or `[:id]` when the row has
      atoms for names), those that the row has.
  """

  alias PgEtf.{Change, Transaction}
  alias PgEtf.Producer.Message

  @doc "A new row."
  @spec insert(String.t(), map, keyword) :: Change.t()
  def insert(table, record, opts \\ []) do
    build(:insert, table, [record: record, key: key(record, opts)], opts)
  end

  @doc """
  A row that changed. The old row is needed only as far as its key changed.

      iex> change = PgEtf.Test.update("orders", %{"id" => 1}, %{"id" => 2})
      iex> {change.key, change.old_record, change.record}
      {%{"id" => 1}, %{"id" => 1}, %{"id" => 2}}
  """
  @spec update(String.t(), map | nil, map, keyword) :: Change.t()
  def update(table, old, record, opts \\ []) do
    old_key = old && key(old, opts)
    new_key = key(record, opts)
    moved = if old_key != new_key, do: old_key

    build(:update, table, [record: record, old_record: moved, key: moved || new_key], opts)
  end

  @doc "A row that is gone."
  @spec delete(String.t(), map, keyword) :: Change.t()
  def delete(table, old, opts \\ []) do
    key = key(old, opts)
    build(:delete, table, [old_record: key, key: key], opts)
  end

  @doc "One table, or several, emptied at once."
  @spec truncate(String.t() | [String.t(), ...], keyword) :: Change.t()
  def truncate(tables, opts \\ []) do
    [table | _] = tables = List.wrap(tables)
    schema = Keyword.get(opts, :schema, "public")
    build(:truncate, table, [truncated: Enum.map(tables, &{schema, &1})], opts)
  end

  @doc "A logical message."
  @spec message(String.t(), binary, keyword) :: Change.t()
  def message(prefix, content, opts \\ []) do
    build(:message, nil, [schema: nil, prefix: prefix, content: content], opts)
  end

  @doc """
  Changes as one transaction: with its place and time, and in order.

      iex> a = PgEtf.Test.insert("t", %{"id" => 1})
      iex> transaction = PgEtf.Test.transaction([a, PgEtf.Test.delete("t", %{"id" => 1})])
      iex> Enum.map(transaction.changes, &{&1.index, &1.commit_lsn == transaction.commit_lsn, &1.last?})
      [{0, true, false}, {1, true, true}]
  """
  @spec transaction([Change.t()], keyword) :: Transaction.t()
  def transaction(changes, opts \\ []) do
    fields = Keyword.merge(place(), opts)
    last = length(changes) - 1

    changes =
      for {change, index} <- Enum.with_index(changes) do
        struct!(change, fields ++ [index: index, last?: index == last])
      end

    struct!(Transaction, fields ++ [changes: changes])
  end

  @doc "The metadata that the producer gives to the message of a change or transaction."
  @spec metadata(Change.t() | Transaction.t()) :: map
  def metadata(data), do: Message.metadata(data)

  defp build(op, table, fields, opts) do
    {_, opts} = Keyword.pop(opts, :key)
    base = [op: op, schema: "public", table: table, index: 0, last?: true]

    struct!(
      Change,
      base |> Keyword.merge(place()) |> Keyword.merge(fields) |> Keyword.merge(opts)
    )
  end

  # A transaction after all those before it.
  defp place do
    n = System.unique_integer([:positive, :monotonic])

    [
      commit_lsn: n * 0x100,
      end_lsn: n * 0x100 + 0x30,
      xid: 700 + n,
      commit_time: DateTime.utc_now()
    ]
  end

  defp key(row, opts) do
    names = Keyword.get(opts, :key, ["id", :id])

    case Map.take(row, names) do
      key when key == %{} -> nil
      key -> key
    end
  end
end
