defmodule PgEtf.Decode.Type do
  @moduledoc false
  # What is left to do for a value that traveled in the compact dialect.
  #
  # finisher/2 is asked once per column of a relation and answers nil (nothing
  # to do, the usual case) or a function that is applied to each value. A
  # finisher returns what it does not recognize as it is: NULL, infinities and
  # markers such as {:oversized, bytes} pass through every type.
  #
  # Structs of Postgrex and Decimal are built as maps with `__struct__`, so
  # neither has to be loaded.

  alias PgEtf.Decode.Type.{Array, Composite, Geometry, Network, Number, Range, Search}
  alias PgEtf.Decode.Type.{Temporal, Uuid}

  @type shape ::
          non_neg_integer
          | {:array, shape}
          | {:range, shape}
          | {:multirange, shape}
          | {:composite, [{String.t(), shape, integer}]}

  @type finisher :: nil | (term -> term)

  @families [Geometry, Network, Number, Search, Temporal, Uuid]

  @scalars for family <- @families,
               {kind, {oid, _array}} <- family.oids(),
               into: %{},
               do: {oid, {family, kind}}

  @ranges for {shape, {oid, _array}} <- Range.oids(), into: %{}, do: {oid, shape}

  @arrays for types <- [Range | @families],
              {_kind, {oid, array}} <- types.oids(),
              into: %{},
              do: {array, {:array, oid}}

  @shapes Map.merge(@ranges, @arrays)

  @spec finisher(shape, integer) :: finisher
  def finisher(oid, typmod) when is_integer(oid) do
    case @scalars do
      %{^oid => {family, kind}} -> family.finisher(kind, typmod)
      %{} -> finisher(@shapes[oid], typmod)
    end
  end

  def finisher({:array, shape}, typmod), do: Array.finisher(finisher(shape, typmod))

  def finisher({range, shape}, _typmod) when range in [:range, :multirange] do
    Range.finisher(range, finisher(shape, -1))
  end

  def finisher({:composite, fields}, _typmod) do
    fields
    |> Enum.map(fn {_name, shape, typmod} -> finisher(shape, typmod) end)
    |> Composite.finisher()
  end

  # A type that arrives complete, or a shape of a later protocol, which stays in its
  # compact form.
  def finisher(_shape, _typmod), do: nil
end
