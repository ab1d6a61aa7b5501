defmodule PgEtf.Decode.Malformed do
  @moduledoc false
  # A frame that is not what docs/protocol.md says: thrown where it is found, caught where
  # the frame is decoded.

  @spec malformed(String.t()) :: no_return
  def malformed(reason), do: throw({:malformed, reason})

  @doc "What a function returns, unless its frame turns out to be malformed."
  @spec catching((() -> result)) :: result | {:error, String.t()} when result: term
  def catching(fun) do
    fun.()
  catch
    {:malformed, reason} ->
      {:error, reason}

    # What a frame may get wrong cannot be listed; whatever stumbles over it is
    # the frame's fault, and must not look like a bug of the reader's process.
    :error, error ->
      {:error, "a malformed frame: #{Exception.message(Exception.normalize(:error, error))}"}
  end

  # Errors end up in logs, where no rows must be.
  @spec preview(term) :: String.t()
  def preview(term) when is_tuple(term) and is_atom(elem(term, 0)) do
    "#{tuple_size(term)} elements, the first is #{inspect(elem(term, 0))}"
  end

  def preview(bytes) when is_binary(bytes), do: "#{byte_size(bytes)} bytes"
  def preview(_term), do: "no tuple with a name"
end
