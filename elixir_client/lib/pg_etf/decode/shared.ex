defmodule PgEtf.Decode.Shared do
  @moduledoc false
  # What all rows of a table have in common, stored where the VM neither copies it with each
  # message nor moves it in collections.
  #
  # It is never erased or replaced: the VM would look through the heaps of all processes for
  # it. Hence a limit for the node, above which a term stays where it is.

  @most_bytes 67_108_864
  @hashes 4_294_967_296

  @doc "Called before the first stream; a second call changes nothing."
  @spec init() :: :ok
  def init do
    used = :persistent_term.get(__MODULE__, nil) || :atomics.new(1, [])
    :persistent_term.put(__MODULE__, used)
  end

  @doc "The same term, from where it is shared, and whether it is."
  @spec share(term) :: {boolean, term}
  def share(term) do
    key = {__MODULE__, :erlang.phash2(term, @hashes)}

    case :persistent_term.get(key, :none) do
      ^term = shared -> {true, shared}
      :none -> store(key, term, :persistent_term.get(__MODULE__, nil))
      _another_of_this_hash -> {false, term}
    end
  end

  defp store(_key, term, nil), do: {false, term}

  defp store(key, term, used) do
    bytes = :erts_debug.flat_size(term) * :erlang.system_info(:wordsize)

    if :atomics.add_get(used, 1, bytes) <= @most_bytes do
      :persistent_term.put(key, term)
      {true, :persistent_term.get(key)}
    else
      :atomics.sub(used, 1, bytes)
      {false, term}
    end
  end
end
