defmodule PgEtf.Stream.Refill do
  @moduledoc false
  # Reads tables again whose rows have changed without events, or that are new
  # (:on_rewrite, :on_new_table), as PgEtf.backfill/3 would.
  #
  # The rows come behind the change, since they are asked for when it has come. A backfill
  # has the id of its change, so one that comes again does not start another.

  alias PgEtf.Backfill.Request
  alias PgEtf.{Change, Lsn, SchemaChange}
  alias PgEtf.Stream.{Backfills, Log, State}

  require Logger

  @type pending :: %{optional(PgEtf.Backfill.id()) => pattern :: String.t()}

  @doc "Starts what these changes want, oldest first."
  @spec start(State.t(), [Change.t()]) :: State.t()
  def start(%State{} = session, changes) do
    changes |> Enum.filter(&wanted?(&1, session.opts)) |> Enum.reduce(session, &read(&2, &1))
  end

  defp wanted?(%Change{schema_change: %SchemaChange{kind: kind}}, opts) do
    case kind do
      :rewritten -> opts[:on_rewrite] == :backfill
      :created -> opts[:on_new_table] == :backfill
      _ -> false
    end
  end

  defp read(session, %Change{schema: schema, table: table} = change)
       when is_binary(schema) and is_binary(table) do
    id = "#{change.schema_change.kind}-#{change.schema_change.after.oid}-#{lsn(change)}"
    ask(session, id, "#{escape(schema)}.#{escape(table)}")
  end

  defp read(session, change) do
    name = "#{inspect(change.schema)}.#{inspect(change.table)}"

    Logger.warning(
      "#{Log.label(session.opts)}: table #{name} is not read again: its name is not UTF-8"
    )

    session
  end

  defp lsn(change), do: Lsn.to_string(change.commit_lsn)

  # A name stands for itself, not for a pattern.
  defp escape(name), do: String.replace(name, ["\\", "*", "."], &("\\" <> &1))

  # Refused if it is under way.
  defp ask(session, id, pattern) do
    request = Request.new!(pattern, mode: :incremental)
    {_answer, session} = Backfills.command(session, {:start, id, request})
    %{session | refills: Map.put(session.refills, id, pattern)}
  end

  @doc "Those that have not ended, to store."
  @spec pending(State.t()) :: pending
  def pending(%State{refills: refills, backfills: backfills}) do
    Map.take(refills, Map.keys(backfills.requests))
  end

  @doc "Starts again what has not ended in an earlier life."
  @spec resume(State.t(), pending) :: State.t()
  def resume(session, pending) do
    Enum.reduce(pending, session, fn {id, pattern}, session -> ask(session, id, pattern) end)
  end
end
