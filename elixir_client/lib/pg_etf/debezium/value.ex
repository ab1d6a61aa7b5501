defmodule PgEtf.Debezium.Value do
  @moduledoc false
  # A value of a column, as Debezium's connector converts it: by the shape of its type,
  # from the terms that Postgrex returns.

  alias PgEtf.Debezium.Text
  alias PgEtf.Decode.Type.{Geometry, Network, Number, Range, Search, Temporal}

  @arrays (for types <- [Geometry, Network, Number, Range, Search, Temporal],
               {kind, {oid, array}} <- types.oids(),
               into: %{17 => 1001, 700 => 1021, 701 => 1022, 1560 => 1561, 1562 => 1563} do
             {if(is_tuple(kind), do: kind, else: oid), array}
           end)
          |> Map.new(fn {element, array} -> {array, {:array, element}} end)

  @ranges for {shape, {oid, _}} <- Range.oids(), into: %{}, do: {oid, shape}
  @shapes Map.merge(@arrays, @ranges)

  @month_us 2_629_800_000_000
  @day_us 86_400_000_000

  # What java.time makes of the numbers that stand for infinity in its driver.
  @infinite_days %{inf: -2_147_472_692, "-inf": -2_147_472_691}
  @infinite_us %{inf: 9_223_372_036_825_200_000, "-inf": -9_223_372_036_832_400_000}

  @doc "The shape of a column's values; those of built-in types are not told."
  @spec shape(tuple | nil) :: term
  def shape(nil), do: nil
  def shape({shape, _typmod, _name}), do: Map.get(@shapes, shape, shape)

  @spec convert(term, tuple | nil) :: term
  def convert(value, {_, _, "hstore"}) when is_map(value), do: Text.hstore(value)
  def convert(value, {_, typmod, _} = type), do: put(value, shape(type), typmod)
  def convert(value, nil), do: plain(value)

  defp put(nil, _shape, _typmod), do: nil

  defp put({marker, _} = value, _shape, _typmod)
       when marker in [:oversized, :unconverted, :unparsed],
       do: plain(value)

  defp put(values, {:array, element}, typmod) when is_list(values) do
    for value <- values do
      # Of more dimensions, unless elements are lists themselves.
      if is_list(value) and element != 3614,
        do: put(value, {:array, element}, typmod),
        else: put(value, Map.get(@shapes, element, element), typmod)
    end
  end

  defp put(range, {kind, _}, _typmod) when kind in [:range, :multirange], do: Text.range(range)

  defp put(row, {:composite, fields}, _typmod) when is_tuple(row) do
    for {{name, shape, typmod}, value} <- Enum.zip(fields, Tuple.to_list(row)), into: %{} do
      {plain(name), put(value, Map.get(@shapes, shape, shape), typmod)}
    end
  end

  defp put(:NaN, oid, _) when oid in [700, 701], do: "NaN"
  defp put(:inf, oid, _) when oid in [700, 701], do: "Infinity"
  defp put(:"-inf", oid, _) when oid in [700, 701], do: "-Infinity"
  defp put(bytes, 17, _) when is_binary(bytes), do: Base.encode64(bytes)
  defp put(<<bit::1>>, oid, 1) when oid in [1560, 1562], do: bit == 1
  defp put(bits, oid, _) when oid in [1560, 1562] and is_bitstring(bits), do: bits(bits)
  defp put(infinite, 1082, _) when is_atom(infinite), do: Map.fetch!(@infinite_days, infinite)
  defp put(%Date{} = date, 1082, _), do: days(date)
  defp put(%Time{} = time, 1083, typmod), do: time |> time_of_day() |> unit(typmod)
  defp put(%Time{} = time, 1266, _), do: Text.time(time_of_day(time)) <> "Z"
  defp put(:inf, 1184, _), do: "infinity"
  defp put(:"-inf", 1184, _), do: "-infinity"
  defp put(%DateTime{} = time, 1184, typmod), do: zoned(time, typmod)

  defp put(infinite, 1114, typmod) when is_atom(infinite) do
    @infinite_us |> Map.fetch!(infinite) |> unit(typmod)
  end

  defp put(%NaiveDateTime{} = time, 1114, typmod), do: time |> microseconds() |> unit(typmod)
  defp put(%{months: _} = interval, 1186, _), do: interval(interval)
  defp put(%{address: _} = address, oid, _) when oid in [869, 650], do: Text.inet(address)
  defp put(%{address: bytes}, oid, _) when oid in [829, 774], do: Text.macaddr(bytes)
  defp put(%{x: x, y: y}, 600, _) when is_float(x) and is_float(y), do: point(x, y)
  defp put(lexemes, 3614, _) when is_list(lexemes), do: Text.tsvector(lexemes)

  defp put(document, oid, _) when oid in [114, 3802] and not is_binary(document) do
    raise ArgumentError,
          "PgEtf.Debezium needs json as its text: add PgEtf.Debezium.options() to the options " <>
            "of the stream"
  end

  defp put(value, _oid, _typmod), do: plain(value)

  ## Times

  @doc "Since 1970, of a DateTime or a NaiveDateTime of any year."
  @spec microseconds(DateTime.t() | NaiveDateTime.t()) :: integer
  def microseconds(time), do: days(time) * @day_us + time_of_day(time)

  defp days(%{year: year, month: month, day: day}), do: Text.days(year, month, day)

  defp time_of_day(%{hour: hour, minute: minute, second: second, microsecond: {us, _}}) do
    ((hour * 60 + minute) * 60 + second) * 1_000_000 + us
  end

  # Milliseconds, where the column has no finer ones.
  defp unit(us, typmod) when typmod in 0..3, do: Integer.floor_div(us, 1000)
  defp unit(us, _typmod), do: us

  defp zoned(time, typmod) do
    us = time_of_day(time)
    digits = if typmod in 1..6, do: typmod, else: if(typmod == 0, do: Text.digits(us), else: 6)
    sign = if time.year > 9999, do: "+", else: ""
    sign <> Text.date(time.year, time.month, time.day) <> "T" <> Text.time(us, digits) <> "Z"
  end

  defp interval(%{months: months, days: days, secs: secs, microsecs: us} = interval) do
    sum = months * @month_us + days * @day_us + secs * 1_000_000 + us
    if sum in -0x8000000000000000..0x7FFFFFFFFFFFFFFF, do: sum, else: plain(interval)
  end

  ## Others

  # Lowest byte first, without zeros above the highest bit.
  defp bits(bits) do
    above = Integer.mod(-bit_size(bits), 8)
    number = :binary.decode_unsigned(<<0::size(above), bits::bitstring>>)
    if number == 0, do: "", else: number |> :binary.encode_unsigned(:little) |> Base.encode64()
  end

  defp point(x, y) do
    wkb = <<1, 1::32-little, x::float-little, y::float-little>>
    %{"x" => x, "y" => y, "wkb" => Base.encode64(wkb), "srid" => nil}
  end

  @doc "What Debezium does not know, as `--print=json` shows it in the compact dialect."
  @spec plain(term) :: term
  def plain(value) when value in [nil, true, false] or is_number(value), do: value
  def plain(value) when is_atom(value), do: Atom.to_string(value)

  def plain(value) when is_binary(value) do
    if String.valid?(value), do: value, else: %{"base64" => Base.encode64(value)}
  end

  def plain(bits) when is_bitstring(bits), do: for(<<bit::1 <- bits>>, into: "", do: "#{bit}")
  def plain(values) when is_list(values), do: Enum.map(values, &plain/1)
  def plain(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> plain()
  def plain(%{coef: _, exp: _} = decimal), do: Text.decimal(decimal)
  def plain(%{a: a, b: b, c: c}), do: plain([a, b, c])
  def plain(%{x: x, y: y}), do: plain([x, y])
  def plain(%{point1: one, point2: other}), do: plain([one, other])
  def plain(%{upper_right: one, bottom_left: other}), do: plain([one, other])

  def plain(%{open: open, points: points}),
    do: [if(open, do: "open", else: "closed"), plain(points)]

  def plain(%{vertices: points}), do: plain(points)
  def plain(%{center: center, radius: radius}), do: plain([center, radius])

  def plain(%{months: months, days: days, secs: secs, microsecs: us}) do
    [months, days, secs * 1_000_000 + us]
  end

  def plain(%{} = map) do
    for {key, value} <- map, key != :__struct__, into: %{}, do: {to_string(key), plain(value)}
  end
end
