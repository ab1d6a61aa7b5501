defmodule PgEtf.Stream.Assembly do
  @moduledoc false
  # Puts transactions together out of frames, in parts that are no larger than a
  # consumer wants them.
  #
  # Pure data, owned by PgEtf.Stream.Inbox. A part is done when the transaction ends or when
  # it is too large: in changes, or in bytes, of which no more would come once the
  # window is full.

  alias PgEtf.{Change, Frame, Lsn, Transaction}
  alias PgEtf.Decode.Deferred

  @typedoc "A part that is done: with its changes, bytes, and the end if it is the last."
  @type part :: {Transaction.t(), non_neg_integer, bytes :: non_neg_integer, Lsn.t() | nil}

  @typedoc "One that is not: with lists of changes, the last first, their number and bytes."
  @type t :: {Transaction.t(), [[Change.t()]], non_neg_integer, bytes :: non_neg_integer} | nil

  @type limits :: %{
          :max_transaction_changes => pos_integer,
          :window_bytes => pos_integer,
          optional(atom) => term
        }

  @doc "Adds a frame of a given size; returns the parts that it completes."
  @spec add(t, Frame.t(), non_neg_integer, limits) :: {[part], t}
  def add(assembly, %Frame{} = frame, bytes, limits) do
    fill(assembly || {transaction(frame), [], 0, 0}, frame.changes, frame, bytes, limits)
  end

  @doc "Ends the part here, if it has changes."
  @spec cut(t) :: {[part], t}
  def cut({_, _, 0, _} = assembly), do: {[], assembly}
  def cut(assembly), do: {[part(assembly, nil)], rest(assembly)}

  # A frame may hold more than a part may. Its bytes go with the last part, so that
  # they are held as long as any of it.
  defp fill({transaction, lists, count, size}, changes, frame, bytes, limits) do
    {changes, beyond} = split(changes, limits.max_transaction_changes - count)
    assembly = {transaction, [changes | lists], count + length(changes), size}

    if beyond == [] do
      assembly |> put_elem(3, size + bytes) |> finish(Frame.closes(frame), limits)
    else
      {parts, rest} = fill(rest(assembly), beyond, frame, bytes, limits)
      {[part(assembly, nil) | parts], rest}
    end
  end

  defp split(changes, room) when length(changes) <= room, do: {changes, []}
  defp split(changes, room), do: Enum.split(changes, room)

  defp finish({_, _, count, size} = assembly, nil, limits) do
    if count >= limits.max_transaction_changes or 2 * size >= limits.window_bytes do
      {[part(assembly, nil)], rest(assembly)}
    else
      {[], assembly}
    end
  end

  defp finish(assembly, end_lsn, _limits), do: {[part(assembly, end_lsn)], nil}

  defp part({transaction, lists, count, size}, end_lsn) do
    changes = changes(lists)
    first = first_index(transaction, changes)
    # The first frame may not have known it.
    transaction = %{transaction | end_lsn: end_lsn || transaction.end_lsn}
    part = kind(transaction.part, end_lsn)
    {%{transaction | part: part, first_index: first, changes: changes}, count, size, end_lsn}
  end

  defp changes([changes]), do: changes
  defp changes(lists), do: lists |> :lists.reverse() |> :lists.append()

  # Indexes are not without holes when updates are split.
  defp first_index(_transaction, [%{index: index} | _]), do: index
  defp first_index(transaction, []), do: transaction.first_index

  # What the next part begins with.
  defp rest({transaction, lists, _count, _size}) do
    {%{transaction | part: :middle, first_index: after_last(transaction, lists)}, [], 0, 0}
  end

  defp after_last(_transaction, [[_ | _] = changes | _]) do
    changes |> List.last() |> Deferred.next_index()
  end

  defp after_last(transaction, _lists), do: transaction.first_index

  defp kind(:whole, nil), do: :first
  defp kind(:middle, nil), do: :middle
  defp kind(:whole, _end_lsn), do: :whole
  defp kind(:middle, _end_lsn), do: :last

  defp transaction(frame) do
    %Transaction{
      xid: frame.xid,
      commit_lsn: frame.commit_lsn,
      end_lsn: frame.end_lsn,
      commit_time: frame.commit_time,
      origin: Map.get(frame.meta, :origin),
      headers: frame.headers,
      prepared: frame.prepared
    }
  end
end
