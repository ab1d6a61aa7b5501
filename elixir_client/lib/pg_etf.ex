defmodule PgEtf do
  @moduledoc """
  PostgreSQL's changes as Elixir terms.

  Each committed insert, update and delete arrives as a `PgEtf.Change`, whose rows are
  maps of the terms that Postgrex returns: `%Decimal{}`, `%DateTime{}`, maps for
  `jsonb`, lists for arrays. Nothing is lost, memory stays bounded, and a slow
  consumer slows down the reading and nothing else.

  Where to begin:

    * `PgEtf.Producer` - with Broadway
    * `PgEtf.Consumer` - with plain OTP, from Elixir or Erlang
    * `PgEtf.Frame` - with a file written by `pg_recvlogical`
    * `PgEtf.Sandbox`, `mix pg_etf.sandbox` - without a server of your own
    * `PgEtf.Test` - to test what you write

  The library compiles without dependencies. `Decimal` and `Postgrex` structs are
  built whether or not these libraries are there.
  """

  alias PgEtf.{Change, Streams, Transaction}
  alias PgEtf.Session.Health

  @doc """
  A number that is the same for all changes of one row: what `partition_by` of
  Broadway needs, so that they stay in order however many processors there are.

      processors: [default: [concurrency: 8, partition_by: &PgEtf.partition_by/1]]

  A row is known by its table and its replica identity. An update that changes
  the identity counts as a change of the old one: where that happens, the option
  `split_key_changes: true` makes two changes of it, each of its own row. Changes of a
  table without an identity all go the same way; so do transactions, which are about
  many rows.

  Takes a message, or the change in it.
  """
  @spec partition_by(map | Change.t() | Transaction.t()) :: non_neg_integer
  def partition_by(%Change{schema: schema, table: table, key: key}) do
    :erlang.phash2({schema, table, key})
  end

  def partition_by(%Transaction{}), do: 0
  def partition_by(%{data: data}), do: partition_by(data)

  @doc """
  The state of a stream: of a Broadway pipeline, a `PgEtf.Consumer` or a GenStage
  producer.

  Takes whatever names the process: a pid, a name, `{:via, module, name}`, `{:global,
  name}`, `{name, node}`; of a pipeline what `Broadway.start_link/2` got or returned.
  Raises `ArgumentError` when there is no such stream, and does not harm what is there
  instead.

  No process is asked, so this is for health checks also while a handler takes its time:
  it is what the stream has told last, at its latest step.

  | key | content |
  |---|---|
  | `status` | `:connecting`, `:standby` (another process reads the slot), `:connected`, `:reconnecting` (the server is away or a message failed: `error` has the class), `:open_circuit` (the same for long), `:disconnected`, `:halted` or `:stopped` |
  | `slot` | its name |
  | `flushed_lsn` | the position confirmed by this process, `nil` before the first |
  | `position` | the same, or the server's where nothing was to be read |
  | `caught_up?` | whether the stream has reached where the server was at connect |
  | `lag` | milliseconds from commit to decoding, of the last transaction |
  | `in_flight`, `queued` | messages handed out; changes waiting to be |
  | `demand` | messages asked for and not handed out, of a producer |
  | `progress` | what it does, or waits for: see `PgEtf.Progress` |
  | `oldest` | milliseconds that the oldest message waits for its acknowledgement |
  | `received_events`, `received_bytes` | what has come since the C program started: what that has sent, `client.sent_events` and `client.sent_bytes`, as soon as it is here |
  | `credit_events`, `credit_bytes`, `held_bytes` | the window: what may still come, and what is not acknowledged |
  | `error` | the last reason to start again, a `PgEtf.Error` |
  | `client` | the last statistics of the C program, which come every some seconds while it runs: empty at first, and old where there is no connection |

  Positions are integers: `PgEtf.Lsn.to_string/1` writes them as the server does.
  """
  @spec info(GenServer.server()) :: map
  def info(server), do: at_its_node(server, :info, [], &Health.read/1)

  @doc """
  Goes on with a stream that was halted, by a failed message, which comes again, or by
  an error that does not pass by itself.

  `create_slot: true` makes a slot anew that is gone (`:slot_missing`; a lost one has to
  be dropped first), knowingly: the log has an error with the range of changes that are
  in no slot. Copy the data after that, not before, or what is written in between is
  missing. A consumer that
  stores its position stores where the new slot begins, before anything is handed out.

  Takes and raises what `info/1` does.
  """
  @spec resume(GenServer.server(), create_slot: boolean) :: :ok
  def resume(server, opts \\ []) do
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
  Acknowledges messages of a producer that runs under GenStage alone. Under
  Broadway this happens by itself.
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
        stream = Streams.find(pid)
        (stream && fun.(stream)) || no_stream!(server)
    end
  end

  defp no_stream!(server) do
    raise ArgumentError,
          "#{inspect(server)} is no stream that runs: neither a PgEtf.Consumer, nor a " <>
            "PgEtf.Producer, nor a Broadway pipeline with one"
  end
end
