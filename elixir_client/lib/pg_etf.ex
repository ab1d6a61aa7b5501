defmodule PgEtf do
  @moduledoc """
  PostgreSQL's changes as Elixir terms.

  Each committed insert, update and delete arrives as a `PgEtf.Change`, whose rows are maps
  of the terms that Postgrex returns: `%Decimal{}`, `%DateTime{}`, maps for `jsonb`, lists
  for arrays. Nothing is lost, memory stays bounded, and a slow consumer slows down reading
  and nothing else.

  Where to start:

    * `PgEtf.Producer` - with Broadway
    * `PgEtf.Consumer` - with plain OTP, from Elixir or Erlang
    * `PgEtf.Fanout` - on several nodes at once
    * `PgEtf.Outbox` - events that are part of a transaction
    * `PgEtf.PubSub` - changes for LiveView
    * `PgEtf.Ecto` - rows as structs of Ecto schemas
    * `PgEtf.Frame` - with a file written by `pg_recvlogical`
    * `PgEtf.Sandbox`, `mix pg_etf.sandbox` - without a server of your own
    * `PgEtf.Testing` - to test what you write

  ![Changes flow from the WAL to your handler, acknowledgements flow back](images/flow.svg)

  The library compiles without dependencies. `Decimal` and `Postgrex` structs are built
  whether or not these libraries are present.
  """

  alias PgEtf.{Change, Lsn, SchemaHistory, Transaction}
  alias PgEtf.Backfill.Request
  alias PgEtf.Stream.{Directory, Health, Schema, Updates}

  @timeout 15_000

  @doc """
  A number that is the same for all changes of one row: what `partition_by` of Broadway
  needs, so that they stay in order however many processors there are.

      processors: [default: [concurrency: 8, partition_by: &PgEtf.partition_by/1]]

  A row is identified by its table and its replica identity. An update that changes the
  identity counts as a change of the old row; the option `split_key_changes: true` splits it
  into two changes, one for each row. Changes of a table without an identity are all routed
  to one partition; so are transactions, which concern many rows.

  Takes a message, or the change in it.
  """
  @spec partition_by(map | Change.t() | Transaction.t()) :: non_neg_integer
  def partition_by(%Change{schema: schema, table: table, key: key}) do
    Change.partition(schema, table, key)
  end

  def partition_by(%Transaction{}), do: 0
  def partition_by(%{data: data}), do: partition_by(data)

  @doc """
  A text that is the same for a change, or a part of a transaction, at every delivery, and
  for no other: for brokers and tables that recognize duplicates (`Nats-Msg-Id`, a header,
  a unique column).

      iex> PgEtf.message_id(%PgEtf.Change{op: :insert, commit_lsn: 0x16B3748, index: 2})
      "0/16B3748/2"

  It is a place in the WAL of one server. Where changes of several go to one place, `scope`
  keeps them apart. Takes a message, too.
  """
  @spec message_id(map | Change.t() | Transaction.t(), scope :: String.t() | nil) :: String.t()
  def message_id(data, scope \\ nil) do
    [lsn | more] = id(data)
    Enum.join(List.wrap(scope) ++ [Lsn.to_string(lsn) | more], "/")
  end

  defp id(%Change{op: :read} = row) do
    [row.commit_lsn, :read, hash({row.backfill, row.schema, row.table, row.key})]
  end

  # They have the index of what follows them.
  defp id(%Change{op: op} = change) when op in [:schema, :ddl] do
    [change.commit_lsn, change.index, op, hash({change.schema_change, change.command})]
  end

  defp id(%Change{commit_lsn: lsn, index: index}), do: [lsn, index]
  defp id(%Transaction{commit_lsn: lsn, first_index: index}), do: [lsn, index]
  defp id(%{data: %module{} = data}) when module in [Change, Transaction], do: id(data)
  defp id(%{metadata: %{commit_lsn: lsn, index: index}}), do: [lsn, index]

  defp hash(term) do
    term
    |> :erlang.term_to_binary([:deterministic])
    |> :erlang.md5()
    |> Base.encode16(case: :lower)
  end

  @doc """
  The state of a stream: of a Broadway pipeline, a `PgEtf.Consumer` or a GenStage producer.

  Accepts anything that names the process: a pid, a name, `{:via, module, name}`,
  `{:global, name}`, `{name, node}`; for a pipeline the name passed to
  `Broadway.start_link/2` or its result. Raises `ArgumentError` if it is not a stream,
  without disturbing that process.

  No process is called, so this answers health checks even while a handler is busy, with
  what the stream published at its latest step.

  | key | content |
  |---|---|
  | `status` | `:connecting`, `:standby` (another process reads the slot), `:connected`, `:reconnecting` (the server is not reachable or a message failed: `error` has the class), `:open_circuit` (the same for a long time), `:disconnected`, `:halted`, `:stopped` or, with `testing: :manual`, `:manual` |
  | `slot` | its name |
  | `flushed_lsn` | the position confirmed by this process, `nil` before the first |
  | `position` | the same, or the server's if it advanced without matching changes |
  | `caught_up?` | whether the stream has reached the server's position at the first connection |
  | `lag` | milliseconds from commit to decoding, of the last transaction |
  | `in_flight`, `queued` | messages delivered and not acknowledged; changes waiting to be delivered |
  | `demand` | messages requested and not delivered yet, of a producer |
  | `progress` | what it is doing, or waiting for: see `PgEtf.Progress` |
  | `oldest` | milliseconds for which the oldest message has been unacknowledged |
  | `received_events`, `received_bytes` | what has been received since the C program started: what it has sent, `client.sent_events` and `client.sent_bytes`, once it has arrived |
  | `credit_events`, `credit_bytes`, `held_bytes` | the window: what may still be sent, and what is not acknowledged |
  | `backfills` | tables that are read beside the stream, see `PgEtf.Backfill` |
  | `error` | the last reason for a restart, a `PgEtf.Error` |
  | `client` | the last statistics of the C program, which arrive every few seconds while it runs: empty at first, and outdated without a connection |

  Positions are integers: `PgEtf.Lsn.to_string/1` formats them as the server does.
  """
  @spec info(GenServer.server()) :: map
  def info(server), do: at_its_node(server, :info, [], &Health.read/1)

  @doc """
  Resumes a halted stream. A failed message is delivered again; after a permanent error the
  stream retries. One that has halted behind a change of a table (`:on_schema_change`)
  continues right behind it, and delivers nothing again.

  `create_slot: true` explicitly recreates a missing slot (`:slot_missing`; a lost one has
  to be dropped first): the log has an error with the range of changes that are in no slot.
  Copy the data afterwards, not before, or changes made in between are lost. A consumer that
  stores its position stores where the new slot starts, before anything is delivered.

  Accepts and raises the same as `info/1`.
  """
  @spec resume(GenServer.server(), create_slot: boolean) :: :ok
  def resume(server, opts \\ []) do
    opts = Keyword.validate!(opts, create_slot: false)
    at_its_node(server, :resume, [opts], &resume_halted(&1, opts))
  end

  # One that is not halted may be busy with a handler.
  defp resume_halted(stream, opts) do
    case Health.read(stream) do
      %{status: :halted} -> GenServer.call(stream, {PgEtf, {:resume, opts}})
      %{} -> :ok
      nil -> nil
    end
  end

  @doc """
  Changes options of a running stream.

      :ok = PgEtf.update(Feed, tables: ["public.orders", "public.invoices"])

  The stream starts again from the confirmed position, as after a failure: what is in flight
  is delivered again, if it is still asked for. What has been confirmed is not read again:
  `backfill/3` brings the rows that a new table has already.

  These can be changed: #{Enum.map_join(Updates.changeable(), ", ", &"`#{inspect(&1)}`")}.
  Others, and values that the stream would not start with, raise `ArgumentError` and change
  nothing. What the server refuses, such as a pattern or a publication that does not exist,
  is an error like any other: the stream halts or retries, see `info/1`.

  Changes outlive the process: after a crash its supervisor starts it with the old options,
  which would skip what the changes have asked for. They end with the node, or with a start
  with other options, so keep what you have chosen where the options come from. A stream that
  is halted stays so.

  Waits for a callback of a consumer that is under way. Accepts and raises the same as `info/1`.
  """
  @spec update(GenServer.server(), keyword) :: :ok
  def update(server, changes) do
    Updates.check!(changes)

    case ask(server, {:update, changes}, :infinity) do
      :ok -> :ok
      {:error, message} -> raise ArgumentError, message
    end
  end

  @doc """
  What a table looked like at a position, from the changes of tables that a stream with `:ddl`
  has received: `{:ok, relation}`, `{:ok, nil}` where there was none of this name, `:unknown`
  for a table that has not changed, or so long ago that it is forgotten.

      PgEtf.schema(Feed, "public.orders", change.commit_lsn)

  The position is that of a transaction (with all that it did), or the place of a change in it,
  `{commit_lsn, index}`. See `PgEtf.SchemaHistory`. Changes from before this start are known with
  `:schema_store`, and when they are received again. No process is called: a handler may ask, too.

  Accepts and raises the same as `info/1`.
  """
  @spec schema(GenServer.server(), String.t(), Lsn.t() | SchemaHistory.place()) ::
          {:ok, PgEtf.Relation.t() | nil} | :unknown
  def schema(server, table, at) do
    at_its_node(server, :schema, [table, at], &Schema.find(&1, table, at))
  end

  @doc """
  Reads tables again while the stream goes on.

  `tables` is a `"schema.table"` pattern or a list of them, as in option `tables`; only what
  the stream reads is read. Each row arrives as a `PgEtf.Change` whose `op` is `:read`, in its
  place in the order of the stream: a sink that writes it like an insert, in place of what is
  there, has the table as it is at that place. `docs/snapshots.md` says what the role
  and the tables need.

  Returns the id of the backfill, which `backfills/1` shows. Options:

    * `:id` - its name, up to 63 bytes; a random one by default. What is asked for and done of
      it is kept under its id, so that it goes on by itself after a restart, and on the node
      that takes the slot over: from the status `:running` on, with `backfill_store: {load,
      save}` at once. Once it has ended nothing is kept, and the same id begins anew.
    * `:timeout` - (`15_000`) milliseconds to wait for the stream, whose process may be busy with a
      callback.
  #{PgEtf.Backfill.Request.docs()}
  `mode` is `:incremental` by default, which needs a primary key or another replica identity.

  Changes nothing if the same has been asked for under this id and has not ended, and returns
  an error if it is another one. What the server has to say comes later, in
  `backfills/1` and the log: a table that may not be read, a condition that makes no sense. The
  stream goes on in any case. Accepts and raises the same as `info/1`.
  """
  @spec backfill(GenServer.server(), String.t() | [String.t()], keyword) ::
          {:ok, PgEtf.Backfill.id()} | {:error, PgEtf.Error.t()}
  def backfill(server, tables, opts \\ []) do
    {own, opts} = Keyword.split(opts, [:id, :timeout])
    request = Request.new!(tables, Keyword.put_new(opts, :mode, :incremental))
    ask(server, {:backfill, {:start, Request.id!(own[:id]), request}}, own[:timeout] || @timeout)
  end

  @doc """
  The backfills of a stream, and its snapshot: those under way and the last that have ended.

  Asks no process, like `info/1`, of which it is a part.
  """
  @spec backfills(GenServer.server()) :: [PgEtf.Backfill.t()]
  def backfills(server), do: info(server).backfills

  @doc """
  Ends a backfill: nothing more is read. Rows that are on their way still arrive.
  """
  @spec stop_backfill(GenServer.server(), PgEtf.Backfill.id()) :: :ok | {:error, PgEtf.Error.t()}
  def stop_backfill(server, id), do: ask(server, {:backfill, {:stop, Request.id!(id)}}, @timeout)

  @doc """
  Lets a backfill rest: nothing is read before `resume_backfill/2`.
  """
  @spec pause_backfill(GenServer.server(), PgEtf.Backfill.id()) :: :ok | {:error, PgEtf.Error.t()}
  def pause_backfill(server, id),
    do: ask(server, {:backfill, {:pause, Request.id!(id)}}, @timeout)

  @doc """
  Lets a backfill go on after `pause_backfill/2`.
  """
  @spec resume_backfill(GenServer.server(), PgEtf.Backfill.id()) ::
          :ok | {:error, PgEtf.Error.t()}
  def resume_backfill(server, id),
    do: ask(server, {:backfill, {:resume, Request.id!(id)}}, @timeout)

  @doc false
  def ask(server, request, timeout) do
    at_its_node(server, :ask, [request, timeout], fn stream ->
      GenServer.call(stream, {PgEtf, request}, timeout)
    end)
  end

  @doc """
  Acknowledges messages of a producer under GenStage alone. Broadway does this by itself.
  """
  @spec ack([map], [map]) :: :ok
  def ack(successful, failed \\ []) do
    groups = Enum.group_by(successful, &ack_ref/1)
    failed_groups = Enum.group_by(failed, &ack_ref/1)

    for {module, ref} = group <- Enum.uniq(Map.keys(groups) ++ Map.keys(failed_groups)) do
      module.ack(ref, Map.get(groups, group, []), Map.get(failed_groups, group, []))
    end

    :ok
  end

  defp ack_ref(%{acknowledger: {module, ref, _data}}), do: {module, ref}

  defp at_its_node(server, function, args, fun) do
    case GenServer.whereis(server) do
      pid when is_pid(pid) and node(pid) != node() ->
        :erpc.call(node(pid), __MODULE__, function, [pid | args])

      {name, node} ->
        :erpc.call(node, __MODULE__, function, [name | args])

      pid ->
        stream = Directory.find(pid)
        (stream && fun.(stream)) || no_stream!(server)
    end
  end

  defp no_stream!(server) do
    raise ArgumentError,
          "#{inspect(server)} is not a running stream: neither a PgEtf.Consumer, nor a " <>
            "PgEtf.Producer, nor a Broadway pipeline with one. A consumer has a name only " <>
            "with option :name"
  end
end
