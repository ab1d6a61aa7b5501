defmodule PgEtf.Decode.Type.Range do
  @moduledoc false
  # Ranges and multiranges, as the structs of Postgrex.

  import Bitwise

  alias PgEtf.Decode.Type

  @doc "Those that are built in, and the OID of their elements."
  @spec oids() :: [{Type.shape(), {oid :: pos_integer, array :: pos_integer}}]
  def oids do
    [
      {{:range, 23}, {3904, 3905}},
      {{:range, 1700}, {3906, 3907}},
      {{:range, 1114}, {3908, 3909}},
      {{:range, 1184}, {3910, 3911}},
      {{:range, 1082}, {3912, 3913}},
      {{:range, 20}, {3926, 3927}},
      {{:multirange, 23}, {4451, 6150}},
      {{:multirange, 1700}, {4532, 6151}},
      {{:multirange, 1114}, {4533, 6152}},
      {{:multirange, 1184}, {4534, 6153}},
      {{:multirange, 1082}, {4535, 6155}},
      {{:multirange, 20}, {4536, 6157}}
    ]
  end

  @doc "The finisher of a range, or of several, whose bounds have this one."
  @spec finisher(:range | :multirange, Type.finisher()) :: Type.finisher()
  def finisher(:range, finish), do: &range(&1, finish)
  def finisher(:multirange, finish), do: &multirange(&1, finisher(:range, finish))

  defp range({_lower, _upper, flags}, _finish) when is_integer(flags) and (flags &&& 16) != 0 do
    %{
      __struct__: Postgrex.Range,
      lower: :empty,
      upper: :empty,
      lower_inclusive: false,
      upper_inclusive: false
    }
  end

  defp range({lower, upper, flags}, finish) when is_integer(flags) do
    %{
      __struct__: Postgrex.Range,
      lower: if((flags &&& 4) != 0, do: :unbound, else: apply_finisher(finish, lower)),
      upper: if((flags &&& 8) != 0, do: :unbound, else: apply_finisher(finish, upper)),
      lower_inclusive: (flags &&& 1) != 0,
      upper_inclusive: (flags &&& 2) != 0
    }
  end

  defp range(other, _finish), do: other

  defp multirange([], _finish), do: %{__struct__: Postgrex.Multirange, ranges: []}

  defp multirange([{_, _, _} | _] = ranges, finish) do
    %{__struct__: Postgrex.Multirange, ranges: Enum.map(ranges, finish)}
  end

  defp multirange(other, _finish), do: other

  defp apply_finisher(nil, value), do: value
  defp apply_finisher(finish, value), do: finish.(value)
end
