defmodule PgEtf.Fanout.Rows do
  @moduledoc false
  # Changes on their way to a worker: rows as they came from the server, which the worker
  # finishes, behind what they have in common. A table is described once to each worker, and
  # again when its description is another one.
  #
  # A worker says up to which version it knows messages, and is sent nothing newer, so nodes
  # with different versions of this library work together:
  #
  #   1  {Worker, :packed, reference, changes}, as PgEtf.Fanout.Wire packs them
  #   2  {Worker, :rows, reference, rows}

  alias PgEtf.{Change, Relation}
  alias PgEtf.Decode.{Deferred, Event}
  alias PgEtf.Fanout.Wire

  @version 2

  @type rows :: [
          {:table, Deferred.description()}
          | {:head, Deferred.head()}
          | {index :: non_neg_integer, event :: tuple}
          | {:last, index :: non_neg_integer, event :: tuple}
          | {:changes, Wire.packed()}
        ]

  @typedoc "The description that a worker has of a table."
  @type told :: %{optional(oid :: non_neg_integer) => Deferred.description()}

  @spec version() :: pos_integer
  def version, do: @version

  @doc "In their order, for one that was told of these tables; and of which it was then."
  @spec pack([Deferred.t() | Change.t()], told) :: {rows, told}
  def pack(data, told), do: pack(data, nil, told, [])

  defp pack([], _head, told, rows), do: {:lists.reverse(rows), told}

  defp pack([%Deferred{} = row | data], head, told, rows) do
    {told, rows} = tell(row.table, told, rows)
    rows = if row.head === head, do: rows, else: [{:head, Deferred.put_time(row.head)} | rows]
    pack(data, row.head, told, [row(row) | rows])
  end

  defp pack(data, head, told, rows) do
    {changes, data} = Enum.split_while(data, &is_struct(&1, Change))
    pack(data, head, told, [{:changes, Wire.pack(changes)} | rows])
  end

  defp tell(%{description: description, relation: %{oid: oid}}, told, rows) do
    case told do
      %{^oid => ^description} -> {told, rows}
      %{} -> {Map.put(told, oid, description), [{:table, description} | rows]}
    end
  end

  defp row(%Deferred{last?: false} = row), do: {row.index, row.event}
  defp row(%Deferred{} = row), do: {:last, row.index, row.event}

  @doc "The same changes, with what is known of tables before and after."
  @spec unpack(rows, tables) :: {[Change.t()], tables}
        when tables: %{optional(non_neg_integer) => Relation.t()}
  def unpack(rows, tables), do: unpack(rows, nil, tables, [])

  defp unpack([{index, event} | rows], head, tables, changes) when is_integer(index) do
    unpack(rows, head, tables, [Event.change(event, head, index, tables) | changes])
  end

  defp unpack([{:last, index, event} | rows], head, tables, changes) do
    change = Event.change(event, %{head | last?: true}, index, tables)
    unpack(rows, head, tables, [change | changes])
  end

  defp unpack([{:head, head} | rows], _head, tables, changes) do
    unpack(rows, Deferred.template(head), tables, changes)
  end

  defp unpack([{:table, description} | rows], head, tables, changes) do
    relation = Deferred.relation(description)
    unpack(rows, head, Map.put(tables, relation.oid, relation), changes)
  end

  defp unpack([{:changes, packed} | rows], head, tables, changes) do
    unpack(rows, head, tables, :lists.reverse(Wire.unpack(packed), changes))
  end

  defp unpack([], _head, tables, changes), do: {:lists.reverse(changes), tables}
end
