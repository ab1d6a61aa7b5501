defmodule PgEtf.Decode.Type.Composite do
  @moduledoc false
  # Composites: tuples of the values of their fields.

  alias PgEtf.Decode.Type

  @doc "The finisher of a composite whose fields have these."
  @spec finisher([Type.finisher()]) :: Type.finisher()
  def finisher(finishers) do
    if Enum.any?(finishers), do: &composite(&1, finishers), else: nil
  end

  defp composite(row, finishers) when tuple_size(row) == length(finishers) do
    case row do
      {marker, _} when marker in [:oversized, :unconverted, :unparsed] -> row
      _ -> row |> Tuple.to_list() |> composite_fields(finishers) |> List.to_tuple()
    end
  end

  defp composite(other, _finishers), do: other

  defp composite_fields([], []), do: []

  defp composite_fields([value | values], [finish | finishers]) do
    [apply_finisher(finish, value) | composite_fields(values, finishers)]
  end

  defp apply_finisher(nil, value), do: value
  defp apply_finisher(finish, value), do: finish.(value)
end
