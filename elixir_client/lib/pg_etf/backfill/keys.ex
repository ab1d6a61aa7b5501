defmodule PgEtf.Backfill.Keys do
  @moduledoc false
  # Keys as the text of their columns, for rows that are to be read again.

  alias PgEtf.Relation
  alias PgEtf.Relation.Column

  # Integers that have another text (pg_lsn), and a time whose zone is gone (timetz).
  @no_text [3220, 1266]
  @bytea 17

  @doc """
  Keys of a table, each a map from column to text. `:all` where a value has none: then the
  whole table has to be read.
  """
  @spec texts([map], Relation.t()) :: [%{String.t() => String.t()}] | :all
  def texts(keys, %Relation{} = relation) do
    columns = key_columns(relation)
    for key <- keys, do: Map.new(columns, &text!(&1, key))
  catch
    :no_text -> :all
  end

  # The names of a key are those of rows, which may be atoms.
  defp key_columns(%Relation{columns: columns, key_names: names, identity: identity}) do
    flag = if identity == :full, do: :primary?, else: :key?
    Enum.zip(names, Enum.filter(columns, &Map.fetch!(&1, flag)))
  end

  defp text!({name, %Column{name: column, type_oid: oid}}, key)
       when is_binary(column) and is_map_key(key, name) and oid not in @no_text do
    {column, text(key[name], oid)}
  end

  defp text!(_column, _key), do: throw(:no_text)

  defp text(value, _oid) when is_integer(value), do: Integer.to_string(value)
  defp text(value, _oid) when is_float(value), do: Float.to_string(value)
  defp text(value, _oid) when is_boolean(value), do: Atom.to_string(value)
  defp text(value, @bytea) when is_binary(value), do: "\\x" <> Base.encode16(value)
  defp text(value, _oid) when is_binary(value), do: value
  defp text(:NaN, _oid), do: "NaN"
  defp text(:inf, _oid), do: "infinity"
  defp text(:"-inf", _oid), do: "-infinity"
  defp text(%{__struct__: Decimal, coef: :NaN}, _oid), do: "NaN"

  defp text(%{__struct__: Decimal, sign: sign, coef: coef} = decimal, _oid) do
    sign = if sign < 0, do: "-", else: ""
    if coef == :inf, do: "#{sign}infinity", else: "#{sign}#{coef}E#{decimal.exp}"
  end

  defp text(%Date{} = date, _oid), do: date(date)
  defp text(%Time{} = time, _oid), do: time(time)
  defp text(%NaiveDateTime{year: year} = time, _oid), do: "#{day(time)} #{time(time)}#{era(year)}"

  defp text(%DateTime{year: year, utc_offset: 0, std_offset: 0} = time, _oid) do
    "#{day(time)} #{time(time)}+00#{era(year)}"
  end

  defp text(_value, _oid), do: throw(:no_text)

  defp date(%Date{year: year} = date), do: day(date) <> era(year)

  # There is no year 0: the year before 1 is 1 BC.
  defp day(%{year: year, month: month, day: day}) do
    year = if year > 0, do: year, else: 1 - year
    "#{pad(year, 4)}-#{pad(month, 2)}-#{pad(day, 2)}"
  end

  defp era(year), do: if(year > 0, do: "", else: " BC")

  # 24:00 is a time for the server, and not for Time.to_string/1.
  defp time(%{hour: hour, minute: minute, second: second, microsecond: {us, _}}) do
    "#{pad(hour, 2)}:#{pad(minute, 2)}:#{pad(second, 2)}.#{pad(us, 6)}"
  end

  defp pad(number, width), do: number |> Integer.to_string() |> String.pad_leading(width, "0")
end
