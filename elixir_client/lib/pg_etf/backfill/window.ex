defmodule PgEtf.Backfill.Window do
  @moduledoc false
  # A chunk of a table, and what the stream says of its rows meanwhile.
  #
  # A chunk is what some snapshot sees. The window opens before that snapshot is taken,
  # and closes where the stream is past all that it sees: only of transactions in between
  # can the two tell different things. Of a row that the stream has not mentioned there,
  # the chunk's is right; of the others the stream's last word counts. What comes out is
  # the rows as they are at the place where the window closes.
  #
  # An event that has the whole row says all there is to say of it: the sink writes that row,
  # whether it has it or not, so the chunk's is dropped. Into an update without a large value
  # that did not change the chunk's row is folded: dropping it would drop the only copy of
  # that value.
  #
  # If such an update moves a row to another key, the row has to be read again, see moved/1. It
  # is asked for at once, whatever the window holds, since the event may be confirmed, and
  # the window lost, before it closes.
  #
  # All is noted by key, so it does not matter what comes first, the event or the row. Keys
  # are compared as terms: an update tells the old key whenever its bytes differ.
  #
  # Pure data: no process, no clock. The stream owns the struct.

  alias PgEtf.Change
  alias __MODULE__

  # What is noted at most. A chunk that takes longer is to be a smaller one.
  @most_keys 10_000
  @most_bytes 16_777_216

  # rows    of the chunk, the last first
  # count   how many have come
  # keys    theirs, once the chunk is there: other keys are of no interest any more; :unknown
  #         as long as nobody has asked, since a map of all keys costs more than the rows
  # noted   what becomes of rows, by key: :drop, or the columns to take
  # bytes   about how large these columns are
  # empty?  the table was truncated: whatever the chunk has of it is gone
  defstruct rows: [], count: 0, keys: nil, noted: %{}, bytes: 0, empty?: false

  @type t :: %Window{}
  @type reason :: :no_key | :schema | :busy

  @doc "Adds rows of the chunk."
  @spec read(t, [Change.t()]) :: {:ok, t} | {:retry, reason}
  def read(%Window{} = window, changes) do
    case add(changes, window.rows, window.count) do
      :no_key -> {:retry, :no_key}
      {_rows, count} when window.empty? -> {:ok, %{window | count: count}}
      {rows, count} -> {:ok, %{window | rows: rows, count: count}}
    end
  end

  defp add([%Change{key: nil} | _], _rows, _count), do: :no_key
  defp add([row | changes], rows, count), do: add(changes, [row | rows], count + 1)
  defp add([], rows, count), do: {rows, count}

  @doc "The chunk is there."
  @spec all(t) :: t
  def all(%Window{noted: noted} = window) when noted == %{}, do: %{window | keys: :unknown}

  def all(window) do
    %{keys: keys} = window = know_keys(window)
    noted = Map.filter(window.noted, fn {key, _what} -> is_map_key(keys, key) end)

    %{
      window
      | noted: noted,
        bytes: noted |> Map.values() |> Enum.map(&size/1) |> Enum.sum()
    }
  end

  defp know_keys(%Window{rows: rows} = window) do
    %{window | keys: Map.new(rows, &{&1.key, true})}
  end

  @doc """
  Takes a change of the table. `:retry` when the chunk has to be read again: the table is
  another one now, or too much has happened to it.
  """
  @spec fold(t, Change.t()) :: {:ok, t} | {:retry, reason}
  def fold(%Window{} = window, %Change{op: :truncate}) do
    {:ok, %{window | rows: [], noted: %{}, bytes: 0, empty?: true}}
  end

  def fold(_window, %Change{op: :schema}), do: {:retry, :schema}

  def fold(%Window{empty?: empty?} = window, %Change{op: op, key: key})
      when empty? or op == :message or key == nil,
      do: {:ok, window}

  def fold(window, %Change{op: :update, key: key} = change) do
    case {new_key(change), change.unchanged_toast} do
      {^key, [_ | _]} -> window |> note(key, change.record) |> bounded()
      {new_key, _} -> window |> note(key, :drop) |> note(new_key, :drop) |> bounded()
    end
  end

  def fold(window, %Change{key: key}), do: window |> note(key, :drop) |> bounded()

  defp new_key(%Change{key: key, record: record}) do
    Map.merge(key, Map.take(record, Map.keys(key)))
  end

  defp note(%Window{keys: :unknown} = window, key, what) do
    window |> know_keys() |> note(key, what)
  end

  defp note(%Window{keys: keys} = window, key, _what)
       when keys != nil and not is_map_key(keys, key) do
    window
  end

  defp note(%Window{noted: noted} = window, key, what) do
    before = noted[key]
    now = later(before, what)
    bytes = window.bytes + size(now) - size(before)
    %{window | noted: Map.put(noted, key, now), bytes: bytes}
  end

  # Where the sink has all of the row by an event nothing of the chunk's is wanted.
  defp later(:drop, _what), do: :drop
  defp later(%{} = columns, %{} = more), do: Map.merge(columns, more)
  defp later(_before, what), do: what

  defp size(%{} = columns), do: :erlang.external_size(columns)
  defp size(_drop), do: 0

  defp bounded(%Window{noted: noted, bytes: bytes})
       when map_size(noted) > @most_keys or bytes > @most_bytes,
       do: {:retry, :busy}

  defp bounded(window), do: {:ok, window}

  @doc """
  The key of a row that has moved there without its large values: it has to be read again. Or
  of such an insert, which a row filter or `split_key_changes` has made of an update.
  """
  @spec moved(Change.t()) :: map | nil
  def moved(%Change{unchanged_toast: []}), do: nil
  def moved(%Change{op: :insert, key: key}), do: key

  def moved(%Change{op: :update, key: %{} = key} = change) do
    new_key = new_key(change)
    if new_key != key, do: new_key
  end

  def moved(%Change{}), do: nil

  @doc "Rows of the chunk that have taken columns of the stream's."
  @spec folded(t) :: non_neg_integer
  def folded(%Window{noted: noted}), do: Enum.count(noted, fn {_key, what} -> is_map(what) end)

  @doc "What is left of the chunk, in its order, at the place where the window closes."
  @spec close(t, PgEtf.Lsn.t()) :: {:ok, [Change.t()]} | {:retry, reason}
  def close(%Window{rows: rows, noted: noted}, lsn), do: close(rows, noted, lsn, [])

  defp close([], _noted, _lsn, acc), do: {:ok, acc}

  defp close([row | rows], noted, lsn, acc) when noted == %{} do
    close(rows, noted, lsn, [%{row | commit_lsn: lsn} | acc])
  end

  defp close([row | rows], noted, lsn, acc) do
    case noted[row.key] do
      nil -> close(rows, noted, lsn, [%{row | commit_lsn: lsn} | acc])
      :drop -> close(rows, noted, lsn, acc)
      columns -> fold_row(row, Map.merge(row.record, columns), rows, noted, lsn, acc)
    end
  end

  # A column of another name is one of another table.
  defp fold_row(%Change{record: record} = row, merged, rows, noted, lsn, acc) do
    if map_size(merged) == map_size(record),
      do: close(rows, noted, lsn, [%{row | record: merged, commit_lsn: lsn} | acc]),
      else: {:retry, :schema}
  end
end
