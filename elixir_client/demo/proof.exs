# Whether what has come is what the database has, row by row. Loaded by shop.exs.
defmodule Demo.Proof do
  # The database itself compares: the rows that were received go back into it, and
  # EXCEPT tells which are not the same.

  alias PgEtf.Sandbox

  @tables ~w(orders order_items carts prices)

  def rows(sandbox) do
    for table <- @tables do
      rows = Demo.Replica.rows(table)

      Sandbox.psql!(sandbox, [
        "CREATE TABLE received_#{table} (LIKE #{table});\n",
        inserts(table, rows)
      ])

      [here, there, missing, extra] =
        sandbox
        |> Sandbox.psql!("""
        SELECT (SELECT count(*) FROM #{table}), (SELECT count(*) FROM received_#{table}),
          (SELECT count(*) FROM (TABLE #{table} EXCEPT TABLE received_#{table}) x),
          (SELECT count(*) FROM (TABLE received_#{table} EXCEPT TABLE #{table}) x)
        """)
        |> String.trim()
        |> String.split("|")
        |> Enum.map(&String.to_integer/1)

      {table, here, there, here == there and missing == 0 and extra == 0}
    end
  end

  defp inserts(table, rows) do
    for chunk <- Enum.chunk_every(rows, 1000) do
      columns = chunk |> hd() |> Map.keys()

      values =
        Enum.map_join(chunk, ",\n", fn row ->
          "(" <> Enum.map_join(columns, ", ", &literal(row[&1])) <> ")"
        end)

      "INSERT INTO received_#{table} (#{Enum.join(columns, ", ")}) VALUES\n#{values};\n"
    end
  end

  defp literal(nil), do: "NULL"
  defp literal(value) when is_integer(value), do: Integer.to_string(value)
  defp literal(value), do: "'" <> String.replace(text(value), "'", "''") <> "'"

  defp text(value) when is_binary(value), do: value
  defp text(%DateTime{} = time), do: DateTime.to_iso8601(time)
  defp text(%Date{} = date), do: Date.to_iso8601(date)
  defp text(%{__struct__: Decimal, sign: sign, coef: coef, exp: exp}), do: "#{sign * coef}e#{exp}"
  defp text(list) when is_list(list), do: "{" <> Enum.map_join(list, ",", &element/1) <> "}"

  defp text(%{__struct__: Postgrex.Range} = range) do
    [if(range.lower_inclusive, do: "[", else: "("), text(range.lower), ",", text(range.upper)]
    |> Enum.join()
    |> Kernel.<>(if range.upper_inclusive, do: "]", else: ")")
  end

  defp text(%{} = map), do: json(map)

  defp element(nil), do: "NULL"
  defp element(text), do: ~s("#{text}")

  defp json(%{} = map) do
    "{" <> Enum.map_join(map, ",", fn {key, value} -> ~s("#{key}":) <> json(value) end) <> "}"
  end

  defp json(list) when is_list(list), do: "[" <> Enum.map_join(list, ",", &json/1) <> "]"
  defp json(text) when is_binary(text), do: ~s("#{text}")
  defp json(nil), do: "null"
  defp json(value), do: to_string(value)
end
