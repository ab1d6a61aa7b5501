defmodule PgEtf.Decode.Type.Family do
  @moduledoc false
  # Scalar types that belong together. A new type is a line in oids/0, a clause of
  # finisher/2 and a function.

  @doc "The types that are not complete as they arrive: `kind: {oid, oid of its array}`."
  @callback oids() :: [{kind :: atom, {oid :: pos_integer, array :: pos_integer}}]

  @doc "What finishes a value of a kind, in a column with this modifier."
  @callback finisher(kind :: atom, typmod :: integer) :: PgEtf.Decode.Type.finisher()
end
