defmodule PgEtf.Decode.Row do
  @moduledoc false
  # From the values of a row, in the order of its columns, to a map.
  #
  # A plan names the columns from the last name to the first. The pairs, which
  # are collected in reverse, are then in the order in which a map keeps its keys,
  # and that halves what a row costs: :maps.from_list/1 sorts by insertion.

  alias PgEtf.Decode.Type

  @type name :: String.t() | atom | tuple
  @type plan :: {width :: non_neg_integer, [{position :: pos_integer, name, Type.finisher()}]}

  @doc "A plan for rows of these columns, in this order."
  @spec plan([{name, Type.finisher()}]) :: plan
  def plan(columns) do
    positions =
      for {{name, finisher}, position} <- Enum.with_index(columns, 1) do
        {position, name, finisher}
      end

    {length(columns), Enum.sort_by(positions, &elem(&1, 1), :desc)}
  end

  @doc """
  The row as a map, and the names of the columns that are not in it, because their
  value was not in the WAL. What an update has not changed is in neither. `:error` when
  the row has not the columns of the plan.
  """
  @spec finish(tuple, plan) :: {map, [name]} | :error
  def finish(values, {width, columns}) when tuple_size(values) == width do
    finish(columns, values, [], [])
  end

  def finish(_values, _plan), do: :error

  defp finish([{position, name, finisher} | columns], values, pairs, toast) do
    case :erlang.element(position, values) do
      :unchanged_toast ->
        finish(columns, values, pairs, [name | toast])

      :unchanged ->
        finish(columns, values, pairs, toast)

      value when finisher == nil ->
        finish(columns, values, [{name, value} | pairs], toast)

      value ->
        finish(columns, values, [{name, finisher.(value)} | pairs], toast)
    end
  end

  defp finish([], _values, pairs, toast), do: {:maps.from_list(pairs), toast}
end
