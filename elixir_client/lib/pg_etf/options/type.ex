defmodule PgEtf.Options.Type do
  @moduledoc false
  # The types of options in the table of PgEtf.Options.

  @type t :: nil | atom | tuple

  @doc "A value as its type has it. From Erlang text comes as characters, iodata or an atom."
  @spec cast(t, term) :: term
  def cast(:string, value) when is_atom(value) and value not in [nil, true, false] do
    Atom.to_string(value)
  end

  def cast(:string, [_ | _] = value) do
    text = IO.chardata_to_string(value)
    if String.printable?(text), do: text, else: value
  rescue
    _ in [ArgumentError, UnicodeConversionError] -> value
  end

  def cast(:map, %{} = map) do
    Map.new(map, fn {key, value} -> {cast(:string, key), cast(:string, value)} end)
  end

  def cast({:or, types}, value) do
    values = for type <- types, cast = cast(type, value), valid?(type, cast), do: cast
    List.first(values, value)
  end

  def cast({:list, type}, value) when is_list(value) do
    Enum.map(value, &cast(type, &1))
  end

  def cast(:schemas, value) do
    case PgEtf.Ecto.schemas(value) do
      {:ok, schemas} -> schemas
      {:error, _reason} -> value
    end
  end

  def cast(_type, value), do: value

  @spec valid?(t, term) :: boolean
  def valid?(:any, _value), do: true
  def valid?(:schemas, value), do: is_map(value) and match?({:ok, _}, PgEtf.Ecto.schemas(value))
  def valid?(nil, value), do: is_nil(value)
  def valid?(:string, value), do: is_binary(value) and value != ""
  def valid?(:boolean, value), do: is_boolean(value)
  def valid?(:map, value), do: is_map(value)
  def valid?(:pos_integer, value), do: is_integer(value) and value > 0
  def valid?(:non_neg_integer, value), do: is_integer(value) and value >= 0
  def valid?(:lsn, value), do: is_integer(value) and value in 0..0xFFFFFFFFFFFFFFFF
  def valid?({:fun, arity}, value), do: is_function(value, arity)
  def valid?({:in, values}, value), do: value in values
  def valid?(:atom, value), do: is_atom(value)
  def valid?({:tagged, tag, type}, {tag, value}), do: valid?(type, value)
  def valid?({:tagged, _tag, _type}, _value), do: false
  def valid?({:pair, first, second}, {a, b}), do: valid?(first, a) and valid?(second, b)
  def valid?({:pair, _first, _second}, _value), do: false
  def valid?({:list, type}, value), do: is_list(value) and Enum.all?(value, &valid?(type, &1))
  def valid?({:or, types}, value), do: Enum.any?(types, &valid?(&1, value))

  @doc "What is expected, in an error."
  @spec describe(t) :: String.t()
  def describe(:any), do: "anything"
  def describe(nil), do: "nil"
  def describe(:schemas), do: "a map from tables to schemas of Ecto, or a list of schemas"
  def describe(:string), do: "a non-empty string"
  def describe(:boolean), do: "a boolean"
  def describe(:map), do: "a map"
  def describe(:pos_integer), do: "a positive integer"
  def describe(:non_neg_integer), do: "a non-negative integer"
  def describe(:lsn), do: "a position (see PgEtf.Lsn)"
  def describe({:fun, arity}), do: "a function of #{arity} arguments"
  def describe({:in, values}), do: "one of " <> Enum.map_join(values, ", ", &inspect/1)
  def describe(:atom), do: "an atom"
  def describe({:tagged, tag, type}), do: "{#{inspect(tag)}, #{describe(type)}}"
  def describe({:pair, first, second}), do: "{#{describe(first)}, #{describe(second)}}"
  def describe({:list, :any}), do: "a list"
  def describe({:list, :string}), do: "a list of non-empty strings"
  def describe({:list, :atom}), do: "a list of atoms"
  def describe({:list, {:in, _} = type}), do: "a list of which each is #{describe(type)}"
  def describe({:or, types}), do: Enum.map_join(types, " or ", &describe/1)
end
