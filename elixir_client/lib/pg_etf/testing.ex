defmodule PgEtf.Testing do
  @moduledoc """
  Builders of changes, for tests of your own handlers.

  They return what the stream delivers: a new place in the WAL for each transaction, the
  current time as commit time, keys and old rows as with a primary key as replica identity.

      iex> change = PgEtf.Testing.insert("orders", %{"id" => 1, "paid" => false})
      iex> {change.op, change.schema, change.record["id"], change.key}
      {:insert, "public", 1, %{"id" => 1}}

  A struct of an Ecto schema is a row, too, of its table, with its primary key as key:
  `insert(order)`, `update(order, %{order | paid: true})`, `delete(order)`.

  All of them accept these options, and any field of `PgEtf.Change`:

    * `:schema` - (`"public"`)
    * `:key` - the names of the key columns (`["id"]`, or `[:id]` if the row has atoms for
      names), as far as the row has them.

  ## Without a server

  `config :pg_etf, testing: :manual` in `config/test.exs`, or the option `testing: :manual`,
  lets all streams of an application start that connect to nothing. A consumer is given
  changes by `deliver/2`:

      start_supervised!({Orders, name: Orders, connection: [], slot: "orders"})
      assert :ok = PgEtf.Testing.deliver(Orders, PgEtf.Testing.insert("orders", %{"id" => 1}))

  and a Broadway pipeline by Broadway:

      change = PgEtf.Testing.insert("orders", %{"id" => 1})
      ref = Broadway.test_message(Orders, change, metadata: PgEtf.Testing.metadata(change))
      assert_receive {:ack, ^ref, [%{data: ^change}], []}

  ## With one

  `forward/1` sends what is committed to the test, `assert_change/2` waits for it:

      import PgEtf.Testing

      sandbox = start_supervised!({PgEtf.Sandbox, database: "shop"})
      forward(connection: PgEtf.Sandbox.connection(sandbox), tables: ["public.orders"])
      Shop.pay(order)
      assert_change op: :update, table: "orders", record: %{"paid" => true}

  Ecto's SQL sandbox commits nothing, so nothing arrives from it.
  """

  alias PgEtf.{Change, Prepared, Transaction}
  alias PgEtf.Producer.Message

  # What is read belongs to no transaction.
  @of_chunk [
    backfill: %{id: "snapshot", chunk: 1},
    index: nil,
    last?: false,
    xid: nil,
    end_lsn: nil,
    commit_time: nil
  ]

  @doc """
  A new row.

      insert("orders", %{"id" => 1})
      insert(%MyApp.Order{id: 1})
  """
  @spec insert(String.t() | struct, map | keyword, keyword) :: Change.t()
  def insert(table_or_struct, record_or_opts \\ [], opts \\ [])

  def insert(%_{} = struct, opts, []) do
    {table, opts} = of_schema(struct, opts)
    insert(table, PgEtf.Ecto.dump(struct), opts)
  end

  def insert(table, record, opts) do
    build(:insert, table, [record: record, key: key(record, opts)], opts)
  end

  @doc """
  A changed row. The old row is only needed if its key changed.

      iex> change = PgEtf.Testing.update("orders", %{"id" => 1}, %{"id" => 2})
      iex> {change.key, change.old_record, change.record}
      {%{"id" => 1}, %{"id" => 1}, %{"id" => 2}}
  """
  @spec update(String.t() | struct, map | nil, map | keyword, keyword) :: Change.t()
  def update(table_or_old, old_or_new, record_or_opts \\ [], opts \\ [])

  def update(%schema{} = old, %schema{} = new, opts, []) do
    {table, opts} = of_schema(new, opts)
    update(table, PgEtf.Ecto.dump(old), PgEtf.Ecto.dump(new), opts)
  end

  def update(table, old, record, opts) do
    old_key = old && key(old, opts)
    new_key = key(record, opts)
    moved = if old_key != new_key, do: old_key

    build(:update, table, [record: record, old_record: moved, key: moved || new_key], opts)
  end

  @doc "A deleted row."
  @spec delete(String.t() | struct, map | keyword, keyword) :: Change.t()
  def delete(table_or_struct, old_or_opts \\ [], opts \\ [])

  def delete(%_{} = struct, opts, []) do
    {table, opts} = of_schema(struct, opts)
    delete(table, PgEtf.Ecto.dump(struct), opts)
  end

  def delete(table, old, opts) do
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

  @doc """
  A row that a snapshot or backfill has read.

      iex> change = PgEtf.Testing.read("orders", %{"id" => 1})
      iex> {change.op, change.key, change.index, change.backfill}
      {:read, %{"id" => 1}, nil, %{id: "snapshot", chunk: 1}}
  """
  @spec read(String.t() | struct, map | keyword, keyword) :: Change.t()
  def read(table_or_struct, record_or_opts \\ [], opts \\ [])

  def read(%_{} = struct, opts, []) do
    {table, opts} = of_schema(struct, opts)
    read(table, PgEtf.Ecto.dump(struct), opts)
  end

  def read(table, record, opts) do
    build(:read, table, [record: record, key: key(record, opts)], @of_chunk ++ opts)
  end

  @doc """
  Rows that were read as one chunk of a backfill, for `c:PgEtf.Consumer.handle_transaction/2`.

      iex> chunk = PgEtf.Testing.chunk([PgEtf.Testing.read("t", %{"id" => 1})])
      iex> {chunk.backfill, chunk.xid, Enum.map(chunk.changes, & &1.commit_lsn == chunk.commit_lsn)}
      {%{id: "snapshot", chunk: 1}, nil, [true]}
  """
  @spec chunk([Change.t()], keyword) :: Transaction.t()
  def chunk(reads, opts \\ []) do
    fields = place() |> Keyword.merge(@of_chunk) |> Keyword.merge(opts)
    reads = for read <- reads, do: struct!(read, fields)
    struct!(Transaction, Keyword.drop(fields, [:index, :last?]) ++ [changes: reads])
  end

  @doc "A logical message."
  @spec logical_message(String.t(), binary, keyword) :: Change.t()
  def logical_message(prefix, content, opts \\ []) do
    build(:message, nil, [schema: nil, prefix: prefix, content: content], opts)
  end

  @doc "An event of `PgEtf.Outbox`, as the change that it arrives as. `:headers` are those of the event."
  @spec event(String.t(), payload :: term, keyword) :: Change.t()
  def event(topic, payload, opts \\ []) do
    {headers, opts} = Keyword.pop(opts, :headers, [])
    content = PgEtf.Outbox.Codec.encode(payload, headers)
    logical_message(PgEtf.Outbox.prefix() <> topic, content, opts)
  end

  @doc """
  Changes as one transaction: with its place and time, in order.

      iex> a = PgEtf.Testing.insert("t", %{"id" => 1})
      iex> transaction = PgEtf.Testing.transaction([a, PgEtf.Testing.delete("t", %{"id" => 1})])
      iex> Enum.map(transaction.changes, &{&1.index, &1.commit_lsn == transaction.commit_lsn, &1.last?})
      [{0, true, false}, {1, true, true}]

  With `:prepared` it is prepared under that identifier, for
  `c:PgEtf.Consumer.handle_prepare/2`.
  """
  @spec transaction([Change.t()], keyword) :: Transaction.t()
  def transaction(changes, opts \\ []) do
    {prepared, opts} = Keyword.pop(opts, :prepared)
    fields = Keyword.merge(place(), opts)
    last = length(changes) - 1

    changes =
      for {change, index} <- Enum.with_index(changes) do
        struct!(change, fields ++ [index: index, last?: index == last])
      end

    struct!(Transaction, fields ++ [changes: changes, prepared: prepared])
  end

  @doc """
  What became of a prepared transaction: `:commit` or `:rollback`.

      iex> transaction = PgEtf.Testing.transaction([PgEtf.Testing.insert("t", %{"id" => 1})], prepared: "g")
      iex> decision = PgEtf.Testing.decision(transaction, :commit)
      iex> {decision.op, decision.gid, decision.lsn > transaction.commit_lsn}
      {:commit, "g", true}
  """
  @spec decision(Transaction.t(), :commit | :rollback) :: Prepared.t()
  def decision(%Transaction{prepared: gid, xid: xid}, op) when is_binary(gid) do
    place = place()

    %Prepared{
      op: op,
      gid: gid,
      xid: xid,
      lsn: place[:commit_lsn],
      end_lsn: place[:end_lsn],
      time: place[:commit_time]
    }
  end

  @doc "The metadata of the producer's message for a change or transaction."
  @spec metadata(Change.t() | Transaction.t()) :: map
  def metadata(data), do: Message.metadata(data)

  @doc """
  Has a consumer with `testing: :manual` handle changes, a transaction or a decision, once,
  in its process. Nothing is retried or acknowledged.

  Returns `:ok`, `:noack` for what the consumer leaves for later, or `{:error, reason}`. An
  exception of the callback is raised here. Changes for `c:PgEtf.Consumer.handle_transaction/2`
  are one transaction.
  """
  @spec deliver(GenServer.server(), Change.t() | [Change.t()] | Transaction.t() | Prepared.t()) ::
          :ok | :noack | {:error, reason :: term}
  def deliver(consumer, what) do
    {unit, schemas} = GenServer.call(consumer, {PgEtf, :manual})
    if unit == nil, do: raise(ArgumentError, "the consumer is not started with testing: :manual")
    data = data(what, unit, schemas)

    case GenServer.call(consumer, {PgEtf, {:deliver, data}}, :infinity) do
      {:error, {:failed, reason}} -> {:error, reason}
      {:error, {kind, reason, stacktrace}} -> :erlang.raise(kind, reason, stacktrace)
      handled -> handled
    end
  end

  defp data(%Prepared{} = decision, _unit, _schemas), do: [decision]
  defp data(%Change{} = change, unit, schemas), do: data([change], unit, schemas)

  defp data(%Transaction{} = transaction, :transaction, schemas) do
    [%{transaction | changes: Enum.map(transaction.changes, &into(&1, schemas))}]
  end

  defp data(%Transaction{changes: changes}, unit, schemas), do: data(changes, unit, schemas)

  defp data(changes, :transaction, schemas) do
    changes |> transaction() |> data(:transaction, schemas)
  end

  defp data(changes, :change, schemas), do: Enum.map(changes, &into(&1, schemas))

  defp into(change, schemas) do
    case PgEtf.Ecto.into(change, schemas) do
      {:ok, change} -> change
      {:error, reason} -> raise ArgumentError, reason
    end
  end

  @doc """
  Starts a stream that sends each change to the calling process, as `{:pg_etf, change}`, and
  returns when whatever is committed from now on will come. It ends with the caller.

  The options are those of `PgEtf.Consumer`, of which `:connection` is needed. Without `:slot`
  it uses one that ends with it.
  """
  @spec forward(keyword) :: pid
  def forward(opts), do: PgEtf.Testing.Forward.start(opts)

  @doc """
  Asserts that a change comes, or has come, whose fields match these patterns; returns it.

      assert_change op: :insert, table: "orders", record: %{"id" => ^id, "total" => total}

  Variables are bound, as by `ExUnit.Assertions.assert_receive/3`, whose timeout it has unless
  another one is given.
  """
  defmacro assert_change(fields, timeout \\ nil) do
    quote do
      {:pg_etf, change} = unquote(receiving(:assert_receive, fields, timeout))
      change
    end
  end

  @doc "Asserts that no such change comes within so many milliseconds."
  defmacro refute_change(fields, timeout \\ nil) do
    quote do
      unquote(receiving(:refute_receive, fields, timeout))
      :ok
    end
  end

  defp receiving(assertion, fields, timeout) do
    pattern = quote do: {:pg_etf, %PgEtf.Change{unquote_splicing(fields)}}

    quote do
      require ExUnit.Assertions
      ExUnit.Assertions.unquote(assertion)(unquote_splicing([pattern | List.wrap(timeout)]))
    end
  end

  defp of_schema(%module{}, opts) do
    {schema, table} = PgEtf.Ecto.table(module)
    {table, Keyword.merge([schema: schema, key: PgEtf.Ecto.key(module)], opts)}
  end

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
