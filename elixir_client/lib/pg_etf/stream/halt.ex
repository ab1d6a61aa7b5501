defmodule PgEtf.Stream.Halt do
  @moduledoc false
  # Where a stream halts behind changes of tables (:on_schema_change).
  #
  # Changes of several tables that have one place, with no row between them, are handed out
  # together, and the stream halts behind the last of them. So does it at the end of a
  # transaction that only altered tables: the end is not passed, and nothing of it is
  # confirmed, before somebody resumes.
  #
  # Pure data.

  alias PgEtf.{Change, Error, Frame, Lsn, SchemaChange}

  import Change, only: [is_counted: 1]

  @type policy :: :continue | :halt | :halt_incompatible
  @type place :: {Lsn.t(), non_neg_integer}

  @doc """
  A frame in pieces, between which the stream halts behind a change. `pending` is one whose
  place may go on in the next frame.
  """
  @spec cut(Frame.t(), pending :: Change.t() | nil, (Change.t() -> boolean)) ::
          {[Frame.t() | {:halt, Change.t()}], pending :: Change.t() | nil}
  def cut(%Frame{changes: changes} = frame, pending, halts?) do
    {pieces, changes, pending} = cut(changes, pending, halts?, frame, [], [])

    if pending != nil and Frame.closes(frame) do
      pieces = [{:halt, pending}, piece(frame, changes) | pieces]
      {Enum.reverse([%{frame | changes: []} | pieces]), nil}
    else
      {Enum.reverse([%{frame | changes: Enum.reverse(changes)} | pieces]), pending}
    end
  end

  defp cut([change | changes], nil, halts?, frame, done, pieces) do
    pending = if halts?.(change), do: change
    cut(changes, pending, halts?, frame, [change | done], pieces)
  end

  defp cut([change | changes], pending, halts?, frame, done, pieces)
       when not is_counted(change) and change.commit_lsn == pending.commit_lsn and
              change.index == pending.index do
    pending = if halts?.(change), do: change, else: pending
    cut(changes, pending, halts?, frame, [change | done], pieces)
  end

  defp cut([_ | _] = changes, pending, halts?, frame, done, pieces) do
    cut(changes, nil, halts?, frame, [], [{:halt, pending}, piece(frame, done) | pieces])
  end

  defp cut([], pending, _halts?, _frame, done, pieces), do: {pieces, done, pending}

  # One that does not close the transaction.
  defp piece(frame, changes), do: %{frame | part: :middle, changes: Enum.reverse(changes)}

  @doc "Whether to halt behind a change. Not behind one where somebody has resumed."
  @spec halts?(Change.t(), policy, [place]) :: boolean
  def halts?(%Change{op: :schema} = change, policy, resumed) do
    case policy do
      :continue -> false
      :halt -> place(change) not in resumed
      _ -> not SchemaChange.compatible?(change.schema_change) and place(change) not in resumed
    end
  end

  def halts?(_change, _policy, _resumed), do: false

  @spec place(Change.t()) :: place
  def place(change), do: {change.commit_lsn, change.index}

  @doc "What is told of a halt."
  @spec error(Change.t()) :: Error.t()
  def error(%Change{schema_change: schema_change} = change) do
    table = "#{show(change.schema)}.#{show(change.table)}"

    %Error{
      class: :schema_change,
      message:
        "table #{table} was #{schema_change.kind} at #{Lsn.to_string(change.commit_lsn)}" <>
          what(schema_change),
      hint: "Adapt the sink; PgEtf.resume/1 continues behind it.",
      details: change |> Map.take([:commit_lsn, :index, :schema, :table]) |> Map.put(:reason, nil)
    }
  end

  defp what(%SchemaChange{kind: kind}) when kind in [:created, :dropped], do: ""

  defp what(change) do
    [
      {"with", names(change.added)},
      {"without", names(change.dropped)},
      {"renamed", pairs(change.renamed, & &1.name)},
      {"retyped", pairs(change.retyped, & &1.type, & &1.name)}
    ]
    |> Enum.map_join(fn {word, names} -> if names != "", do: ", #{word} #{names}" end)
  end

  defp names(columns), do: Enum.map_join(columns, ", ", &show(&1.name))

  defp pairs(pairs, fun), do: Enum.map_join(pairs, ", ", fn {a, b} -> arrow(fun.(a), fun.(b)) end)

  defp pairs(pairs, fun, name) do
    Enum.map_join(pairs, ", ", fn {a, b} -> "#{show(name.(b))} (#{arrow(fun.(a), fun.(b))})" end)
  end

  defp arrow(a, b), do: "#{show(a)} -> #{show(b)}"

  defp show(name) when is_binary(name), do: name
  defp show(name), do: inspect(name)
end
