defmodule PgEtf.Type do
  @moduledoc false
  # What is left to do for a value that travelled in the compact dialect.
  #
  # finisher/2 is asked once per column of a relation and answers nil (nothing
  # to do, the usual case) or a function that is applied to each value. A
  # finisher returns what it does not recognise as it is: NULL, infinities and
  # markers such as {:oversized, bytes} pass through every type.
  #
  # Structs of Postgrex and Decimal are built as maps with `__struct__`, so
  # neither has to be loaded.

  import Bitwise

  @type shape ::
          non_neg_integer
          | {:array, shape}
          | {:range, shape}
          | {:multirange, shape}
          | {:composite, [{String.t(), shape, integer}]}

  @type finisher :: nil | (term -> term)

  @microseconds_per_day 86_400_000_000

  # The built-in scalar types that are not complete as they arrive.
  @scalars %{
    600 => :point,
    601 => :line_segment,
    602 => :path,
    603 => :box,
    604 => :polygon,
    628 => :line,
    650 => :inet,
    718 => :circle,
    774 => :macaddr,
    829 => :macaddr,
    869 => :inet,
    1082 => :date,
    1083 => :time,
    1114 => :timestamp,
    1184 => :timestamptz,
    1186 => :interval,
    1266 => :timetz,
    1700 => :numeric,
    2950 => :uuid,
    3614 => :tsvector
  }

  @ranges %{3904 => 23, 3906 => 1700, 3908 => 1114, 3910 => 1184, 3912 => 1082, 3926 => 20}
  @multiranges %{4451 => 23, 4532 => 1700, 4533 => 1114, 4534 => 1184, 4535 => 1082, 4536 => 20}

  @arrays %{
    719 => 718,
    775 => 774,
    1017 => 600,
    1018 => 601,
    1019 => 602,
    1020 => 603,
    1027 => 604,
    629 => 628,
    651 => 650,
    1040 => 829,
    1041 => 869,
    1115 => 1114,
    1182 => 1082,
    1183 => 1083,
    1185 => 1184,
    1187 => 1186,
    1231 => 1700,
    1270 => 1266,
    2951 => 2950,
    3643 => 3614,
    3905 => 3904,
    3907 => 3906,
    3909 => 3908,
    3911 => 3910,
    3913 => 3912,
    3927 => 3926,
    6150 => 4451,
    6151 => 4532,
    6152 => 4533,
    6153 => 4534,
    6155 => 4535,
    6157 => 4536
  }

  @spec finisher(shape, integer) :: finisher
  def finisher(oid, typmod) when is_integer(oid) do
    case @scalars do
      %{^oid => type} -> scalar(type, typmod)
      _ -> nested(oid, typmod)
    end
  end

  def finisher({:array, shape}, typmod), do: array(finisher(shape, typmod))
  def finisher({:range, shape}, _typmod), do: range(finisher(shape, -1))
  def finisher({:multirange, shape}, _typmod), do: multirange(range(finisher(shape, -1)))

  def finisher({:composite, fields}, _typmod) do
    fields
    |> Enum.map(fn {_name, shape, typmod} -> finisher(shape, typmod) end)
    |> composite()
  end

  # A shape of a later protocol: the value stays in its compact form.
  def finisher(_shape, _typmod), do: nil

  defp nested(oid, typmod) do
    case {@arrays, @ranges, @multiranges} do
      {%{^oid => element}, _, _} -> finisher({:array, element}, typmod)
      {_, %{^oid => element}, _} -> finisher({:range, element}, typmod)
      {_, _, %{^oid => element}} -> finisher({:multirange, element}, typmod)
      _ -> nil
    end
  end

  defp scalar(:time, typmod), do: &time(&1, precision(typmod))
  defp scalar(:timetz, typmod), do: &timetz(&1, precision(typmod))
  defp scalar(:timestamp, typmod), do: &timestamp(&1, precision(typmod))
  defp scalar(:timestamptz, typmod), do: &timestamptz(&1, precision(typmod))
  defp scalar(:numeric, _), do: &numeric/1
  defp scalar(:date, _), do: &date/1
  defp scalar(:interval, _), do: &interval/1
  defp scalar(:uuid, _), do: &uuid/1
  defp scalar(:inet, _), do: &inet/1
  defp scalar(:macaddr, _), do: &macaddr/1
  defp scalar(:point, _), do: &point/1
  defp scalar(:line, _), do: &line/1
  defp scalar(:line_segment, _), do: &line_segment/1
  defp scalar(:box, _), do: &box/1
  defp scalar(:path, _), do: &path/1
  defp scalar(:polygon, _), do: &polygon/1
  defp scalar(:circle, _), do: &circle/1
  # A vector is a list of lexemes: finishing one is finishing an array of them.
  defp scalar(:tsvector, _), do: array(&lexeme/1)

  defp precision(typmod) when typmod in 0..6, do: typmod
  defp precision(_), do: 6

  ## Containers

  defp array(nil), do: nil
  defp array(finish), do: &array(&1, finish)

  defp array([_ | _] = list, finish), do: Enum.map(list, &element(&1, finish))
  defp array(other, _finish), do: other

  # Whether a list is one more dimension or a value of its own only its
  # finisher can tell; for the types that are lists both end the same.
  defp element([_ | _] = list, finish), do: finish_list(list, finish)
  defp element(value, finish), do: finish.(value)

  defp finish_list(list, finish) do
    case finish.(list) do
      ^list -> array(list, finish)
      finished -> finished
    end
  end

  defp range(finish), do: &range(&1, finish)

  defp range({_lower, _upper, flags}, _finish) when is_integer(flags) and (flags &&& 16) != 0 do
    %{
      __struct__: Postgrex.Range,
      lower: :empty,
      upper: :empty,
      lower_inclusive: false,
      upper_inclusive: false
    }
  end

  defp range({lower, upper, flags}, finish) when is_integer(flags) do
    %{
      __struct__: Postgrex.Range,
      lower: if((flags &&& 4) != 0, do: :unbound, else: apply_finisher(finish, lower)),
      upper: if((flags &&& 8) != 0, do: :unbound, else: apply_finisher(finish, upper)),
      lower_inclusive: (flags &&& 1) != 0,
      upper_inclusive: (flags &&& 2) != 0
    }
  end

  defp range(other, _finish), do: other

  defp multirange(finish), do: &multirange(&1, finish)

  defp multirange([], _finish), do: %{__struct__: Postgrex.Multirange, ranges: []}

  defp multirange([{_, _, _} | _] = ranges, finish) do
    %{__struct__: Postgrex.Multirange, ranges: Enum.map(ranges, finish)}
  end

  defp multirange(other, _finish), do: other

  defp composite(finishers) do
    if Enum.any?(finishers), do: &composite(&1, finishers), else: nil
  end

  defp composite(row, finishers) when tuple_size(row) == length(finishers) do
    case row do
      {marker, _} when marker in [:oversized, :unconverted, :unparsed] -> row
      _ -> row |> Tuple.to_list() |> composite_fields(finishers) |> List.to_tuple()
    end
  end

  defp composite(other, _finishers), do: other

  defp composite_fields([], []), do: []

  defp composite_fields([value | values], [finish | finishers]) do
    [apply_finisher(finish, value) | composite_fields(values, finishers)]
  end

  defp apply_finisher(nil, value), do: value
  defp apply_finisher(finish, value), do: finish.(value)

  ## Numbers

  @spec numeric(term) :: term
  def numeric({coef, exp}) when is_integer(coef) and coef >= 0, do: decimal(1, coef, exp)
  def numeric({coef, exp}) when is_integer(coef), do: decimal(-1, -coef, exp)
  def numeric(:NaN), do: decimal(1, :NaN, 0)
  def numeric(:inf), do: decimal(1, :inf, 0)
  def numeric(:"-inf"), do: decimal(-1, :inf, 0)
  def numeric(other), do: other

  defp decimal(sign, coef, exp) do
    %{__struct__: Decimal, sign: sign, coef: coef, exp: exp}
  end

  ## Dates and times
  #
  # PostgreSQL's years reach beyond what Calendar.ISO accepts, and its days have
  # a 24:00:00; the structs are built from their fields, which cannot raise.

  @spec date(term) :: term
  def date(days) when is_integer(days) do
    {year, month, day} = civil(days)
    %Date{year: year, month: month, day: day}
  end

  def date(other), do: other

  defp time(microseconds, precision) when is_integer(microseconds) do
    {hour, minute, second, microsecond} = clock(microseconds)
    %Time{hour: hour, minute: minute, second: second, microsecond: {microsecond, precision}}
  end

  defp time(other, _precision), do: other

  defp timetz({microseconds, offset}, precision)
       when is_integer(microseconds) and is_integer(offset) do
    time(Integer.mod(microseconds - offset * 1_000_000, @microseconds_per_day), precision)
  end

  defp timetz(other, _precision), do: other

  @spec timestamp(term, 0..6) :: term
  def timestamp(microseconds, precision) when is_integer(microseconds) do
    days = Integer.floor_div(microseconds, @microseconds_per_day)
    {year, month, day} = civil(days)
    {hour, minute, second, microsecond} = clock(microseconds - days * @microseconds_per_day)

    %NaiveDateTime{
      year: year,
      month: month,
      day: day,
      hour: hour,
      minute: minute,
      second: second,
      microsecond: {microsecond, precision}
    }
  end

  def timestamp(other, _precision), do: other

  @spec timestamptz(term, 0..6) :: term
  def timestamptz(microseconds, precision) when is_integer(microseconds) do
    days = Integer.floor_div(microseconds, @microseconds_per_day)
    {year, month, day} = civil(days)
    {hour, minute, second, microsecond} = clock(microseconds - days * @microseconds_per_day)

    %DateTime{
      year: year,
      month: month,
      day: day,
      hour: hour,
      minute: minute,
      second: second,
      microsecond: {microsecond, precision},
      std_offset: 0,
      utc_offset: 0,
      time_zone: "Etc/UTC",
      zone_abbr: "UTC"
    }
  end

  def timestamptz(other, _precision), do: other

  defp clock(microseconds) do
    seconds = div(microseconds, 1_000_000)

    {div(seconds, 3600), div(rem(seconds, 3600), 60), rem(seconds, 60),
     microseconds - seconds * 1_000_000}
  end

  # Days since 1970-01-01 to the proleptic Gregorian calendar. Years begin in
  # March here, so that a leap day is the last of its year.
  defp civil(days) do
    days = days + 719_468
    era = Integer.floor_div(days, 146_097)
    day_of_era = days - era * 146_097

    year_of_era =
      div(
        day_of_era - div(day_of_era, 1460) + div(day_of_era, 36_524) - div(day_of_era, 146_096),
        365
      )

    day_of_year = day_of_era - (365 * year_of_era + div(year_of_era, 4) - div(year_of_era, 100))

    month = div(5 * day_of_year + 2, 153)
    day = day_of_year - div(153 * month + 2, 5) + 1
    year = year_of_era + era * 400

    if month < 10, do: {year, month + 3, day}, else: {year + 1, month - 9, day}
  end

  defp interval({months, days, microseconds}) when is_integer(microseconds) do
    %{
      __struct__: Postgrex.Interval,
      months: months,
      days: days,
      secs: div(microseconds, 1_000_000),
      microsecs: rem(microseconds, 1_000_000)
    }
  end

  defp interval(other), do: other

  ## Identifiers and addresses

  defp uuid(<<_::16-bytes>> = bytes) do
    <<a::8-bytes, b::4-bytes, c::4-bytes, d::4-bytes, e::12-bytes>> =
      Base.encode16(bytes, case: :lower)

    <<a::binary, ?-, b::binary, ?-, c::binary, ?-, d::binary, ?-, e::binary>>
  end

  defp uuid(other), do: other

  defp inet({<<a, b, c, d>>, netmask}), do: inet({a, b, c, d}, netmask)

  defp inet({<<a::16, b::16, c::16, d::16, e::16, f::16, g::16, h::16>>, netmask}) do
    inet({a, b, c, d, e, f, g, h}, netmask)
  end

  defp inet(other), do: other

  defp inet(address, netmask) do
    %{__struct__: Postgrex.INET, address: address, netmask: netmask}
  end

  defp macaddr(bytes) when byte_size(bytes) in [6, 8] do
    %{__struct__: Postgrex.MACADDR, address: List.to_tuple(:binary.bin_to_list(bytes))}
  end

  defp macaddr(other), do: other

  ## Geometry

  # Besides floats a coordinate may be one of :NaN, :inf and :"-inf".
  defguardp is_coordinate(x) when is_float(x) or x in [:NaN, :inf, :"-inf"]

  defp point({x, y}) when is_coordinate(x) and is_coordinate(y) do
    %{__struct__: Postgrex.Point, x: x, y: y}
  end

  defp point(other), do: other

  defp line({a, b, c}), do: %{__struct__: Postgrex.Line, a: a, b: b, c: c}
  defp line(other), do: other

  defp line_segment({{_, _} = point1, {_, _} = point2}) do
    %{__struct__: Postgrex.LineSegment, point1: point(point1), point2: point(point2)}
  end

  defp line_segment(other), do: other

  defp box({{_, _} = upper_right, {_, _} = bottom_left}) do
    %{
      __struct__: Postgrex.Box,
      upper_right: point(upper_right),
      bottom_left: point(bottom_left)
    }
  end

  defp box(other), do: other

  defp path({state, points}) when state in [:open, :closed] do
    %{__struct__: Postgrex.Path, open: state == :open, points: Enum.map(points, &point/1)}
  end

  defp path(other), do: other

  defp polygon([{_, _} | _] = points) do
    %{__struct__: Postgrex.Polygon, vertices: Enum.map(points, &point/1)}
  end

  defp polygon(other), do: other

  defp circle({{_, _} = center, radius}) do
    %{__struct__: Postgrex.Circle, center: point(center), radius: radius}
  end

  defp circle(other), do: other

  ## Text search

  defp lexeme({word, positions}) when is_binary(word) do
    %{__struct__: Postgrex.Lexeme, word: word, positions: positions}
  end

  defp lexeme(other), do: other
end
