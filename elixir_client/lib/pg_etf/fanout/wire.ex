defmodule PgEtf.Fanout.Wire do
  @moduledoc false
  # Changes on their way to another node: what a run of them has in common, then a row for
  # each. Of a transaction that writes rows of one table most is in common, column names
  # above all. As structs they would be three times as many bytes, and to read them would
  # cost the other node more than all the rest.

  alias PgEtf.Change

  @type packed :: [{:as, tuple} | tuple]

  @doc "In their order."
  @spec pack([Change.t()]) :: packed
  def pack(changes), do: pack(changes, nil)

  defp pack([], _shape), do: []

  defp pack([change | changes], shape) do
    row = {change.index, values(change.key), values(change.record), values(change.old_record)}

    case shape(change) do
      ^shape -> [row | pack(changes, shape)]
      other -> [{:as, other}, row | pack(changes, other)]
    end
  end

  defp shape(%Change{key: key, record: record, old_record: old} = change) do
    bare = %{change | index: nil, key: nil, record: nil, old_record: nil}
    {bare, names(key), names(record), names(old)}
  end

  # A struct of an Ecto schema stays what it is.
  defp names(row) when is_map(row) and not is_struct(row), do: Map.keys(row)
  defp names(_row), do: nil

  defp values(row) when is_map(row) and not is_struct(row), do: Map.values(row)
  defp values(row), do: row

  @doc "The same changes."
  @spec unpack(packed) :: [Change.t()]
  def unpack(packed), do: unpack(packed, nil)

  defp unpack([], _shape), do: []
  defp unpack([{:as, shape} | packed], _earlier), do: unpack(packed, shape)

  defp unpack([{index, key, record, old} | packed], {bare, key_names, names, old_names} = shape) do
    change = %{
      bare
      | index: index,
        key: row(key_names, key),
        record: row(names, record),
        old_record: row(old_names, old)
    }

    [change | unpack(packed, shape)]
  end

  defp row(nil, row), do: row
  defp row(names, values), do: names |> Enum.zip(values) |> :maps.from_list()
end
