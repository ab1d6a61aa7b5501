defmodule PgEtf.Ecto.Values do
  @moduledoc false
  # From the values of a stream to those that types of Ecto load, and back. In Ecto's words
  # an adapter: loaders/2 and dumpers/2 are asked for each type, also inside of arrays.
  #
  # A stream has a uuid as text, an interval as Postgrex has it, and jsonb decoded.

  @compile {:no_warn_undefined, [Ecto.Type, Ecto.UUID, Duration]}

  @doc "What loads a value of a type, step by step."
  @spec loaders(term, term) :: [(term -> {:ok, term} | :error) | term]
  def loaders(:uuid, type), do: [&to_bytes/1, type]
  def loaders(:duration, type), do: [&to_duration/1, type]
  def loaders({:map, _}, type), do: [&Ecto.Type.embedded_load(type, &1, :json)]
  def loaders(_, type), do: [type]

  @doc "What dumps it."
  @spec dumpers(term, term) :: [(term -> {:ok, term} | :error) | term]
  def dumpers({:map, _}, type), do: [&Ecto.Type.embedded_dump(type, &1, :json)]
  def dumpers(:uuid, type), do: [type, &to_text/1]
  def dumpers(_, type), do: [type]

  @doc "A dumped value as a stream has it: jsonb went through JSON."
  @spec delivered(term, term) :: term
  def delivered(value, :map), do: json(value)
  def delivered(value, {:map, _}), do: json(value)

  def delivered(values, {:array, type}) when is_list(values),
    do: Enum.map(values, &delivered(&1, type))

  def delivered(value, _type), do: value

  defp to_bytes(<<_::288>> = text), do: Ecto.UUID.dump(text)
  defp to_bytes(other), do: {:ok, other}

  defp to_text(<<_::128>> = bytes), do: Ecto.UUID.load(bytes)
  defp to_text(other), do: {:ok, other}

  defp to_duration(%{__struct__: Postgrex.Interval} = interval) do
    fields = [
      month: interval.months,
      day: interval.days,
      second: interval.secs,
      microsecond: {interval.microsecs, 6}
    ]

    {:ok, struct(Duration, fields)}
  end

  defp to_duration(other), do: {:ok, other}

  defp json(%module{} = struct) when module in [Date, Time, NaiveDateTime, DateTime] do
    module.to_iso8601(struct)
  end

  defp json(%_{} = struct) do
    case String.Chars.impl_for(struct) do
      nil -> struct |> Map.from_struct() |> json()
      _ -> to_string(struct)
    end
  end

  defp json(%{} = map), do: Map.new(map, fn {key, value} -> {to_string(key), json(value)} end)
  defp json(list) when is_list(list), do: Enum.map(list, &json/1)
  defp json(value) when value in [nil, true, false], do: value
  defp json(atom) when is_atom(atom), do: Atom.to_string(atom)
  defp json(value), do: value
end
