defmodule PgEtf.Decode.Shared do
  @moduledoc false
  # What all rows of a table have in common, stored where the VM neither copies it with each
  # message nor moves it in collections.
  #
  # It is never erased: the VM would look through the heaps of all processes for it. Hence a
  # limit, above which a term stays where it is.

  @most_bytes 67_108_864

  @doc "The same term, from where it is shared."
  @spec share(term) :: term
  def share(term) do
    key = {__MODULE__, term}

    if :persistent_term.get(key, nil) == nil and
         :persistent_term.info().memory < @most_bytes,
       do: :persistent_term.put(key, term)

    :persistent_term.get(key, term)
  end
end
