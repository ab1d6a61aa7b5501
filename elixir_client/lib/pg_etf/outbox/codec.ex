defmodule PgEtf.Outbox.Codec do
  @moduledoc false
  # The content of an event: a version, the headers and the payload, as one term.
  #
  # Whoever can write SQL can write it, so nothing in it may make atoms, run, or grow.

  @version 1

  @spec encode(term, PgEtf.Trace.headers()) :: binary
  def encode(payload, headers), do: :erlang.term_to_binary({@version, headers, payload})

  @spec decode(term) :: {:ok, payload :: term, PgEtf.Trace.headers()} | {:error, String.t()}
  def decode(<<131, tag, _::binary>> = bytes) when tag != ?P do
    case :erlang.binary_to_term(bytes, [:safe]) do
      {@version, headers, payload} when is_list(headers) ->
        if plain?(payload) and headers?(headers),
          do: {:ok, payload, headers},
          else: {:error, "an event with a function in it"}

      _other ->
        {:error, "not an event of this version"}
    end
  rescue
    ArgumentError -> {:error, "not a term, or one with atoms that this node does not know"}
  end

  def decode(_other), do: {:error, "not an event"}

  defp headers?(headers) do
    Enum.all?(headers, &match?({name, value} when is_binary(name) and is_binary(value), &1))
  end

  defp plain?(fun) when is_function(fun), do: false
  defp plain?([head | tail]), do: plain?(head) and plain?(tail)
  defp plain?(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> plain?()
  defp plain?(%{} = map), do: map |> :maps.to_list() |> plain?()
  defp plain?(_other), do: true
end
