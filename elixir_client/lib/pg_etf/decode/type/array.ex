defmodule PgEtf.Decode.Type.Array do
  @moduledoc false
  # Arrays of any number of dimensions: lists, or lists of lists.

  alias PgEtf.Decode.Type

  @doc "The finisher of an array whose elements have this one."
  @spec finisher(Type.finisher()) :: Type.finisher()
  def finisher(nil), do: nil
  def finisher(finish), do: &array(&1, finish)

  defp array([_ | _] = list, finish), do: Enum.map(list, &element(&1, finish))
  defp array(other, _finish), do: other

  # Whether a list is one more dimension or a value of its own only its
  # finisher can tell; for the types that are lists both end the same.
  defp element([_ | _] = list, finish), do: finish_list(list, finish)
  defp element(value, finish), do: finish.(value)

  defp finish_list(list, finish) do
    case finish.(list) do
      ^list -> array(list, finish)
      finished -> finished
    end
  end
end
