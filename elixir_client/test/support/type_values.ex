defmodule PgEtf.TypeValues do
  @moduledoc false
  # A value of each type, and the term that it is in a change.

  @doc "The types that are not the server's own."
  def types_ddl do
    """
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE DOMAIN moment AS timestamptz(2);
    CREATE TYPE place AS (day date, size numeric, note text);
    CREATE TYPE trip AS (first place, stops timestamp[]);
    CREATE TYPE moments AS RANGE (subtype = timestamp);
    """
  end

  @doc "`{type, SQL of the value, the term that Postgrex returns for it}`"
  def type_values(version) do
    scalars() ++ if(version >= 140_000, do: since_14(), else: [])
  end

  defp of(module, fields), do: fields |> Map.new() |> Map.put(:__struct__, module)
  @doc "A `Decimal`, which need not be loaded."
  def decimal(sign, coef, exp), do: of(Decimal, sign: sign, coef: coef, exp: exp)

  defp range(lower, upper, lower_inclusive, upper_inclusive) do
    of(Postgrex.Range,
      lower: lower,
      upper: upper,
      lower_inclusive: lower_inclusive,
      upper_inclusive: upper_inclusive
    )
  end

  defp point(x, y), do: of(Postgrex.Point, x: x, y: y)

  defp scalars do
    [
      {"int2", "'-32768'", -32_768},
      {"int4", "'2147483647'", 2_147_483_647},
      {"int8", "'-9223372036854775808'", -9_223_372_036_854_775_808},
      {"oid", "'4294967295'", 4_294_967_295},
      {"float4", "'0.1'", 0.10000000149011612},
      {"float8", "'1e308'", 1.0e308},
      {"float8", "'NaN'", :NaN},
      {"float8", "'Infinity'", :inf},
      {"float8", "'-Infinity'", :"-inf"},
      {"numeric", "'12.50'", decimal(1, 1250, -2)},
      {"numeric", "'-0.000012345'", decimal(-1, 12_345, -9)},
      {"numeric", "'0.00'", decimal(1, 0, -2)},
      {"numeric", "'1e40'", decimal(1, 10 ** 40, 0)},
      {"numeric(10,4)", "'7'", decimal(1, 70_000, -4)},
      {"numeric", "'NaN'", decimal(1, :NaN, 0)},
      {"bool", "true", true},
      {"text", "'é€😀'", "é€😀"},
      {"text", "''", ""},
      {"varchar(3)", "'abc'", "abc"},
      {"char(3)", "'a'", "a  "},
      {"bytea", "'\\x00ff0a'", <<0, 255, 10>>},
      {"bit(5)", "B'10101'", <<21::5>>},
      {"varbit", "B''", <<>>},
      {"date", "'2024-02-29'", ~D[2024-02-29]},
      {"date", "'0044-03-15 BC'", ~D[-0043-03-15]},
      {"date", "'5874897-12-31'", %Date{year: 5_874_897, month: 12, day: 31}},
      {"date", "'infinity'", :inf},
      {"time", "'12:34:56.789'", ~T[12:34:56.789000]},
      {"time(0)", "'12:34:56.789'", ~T[12:34:57]},
      {"time", "'24:00:00'", %Time{hour: 24, minute: 0, second: 0, microsecond: {0, 6}}},
      {"timetz", "'12:00:00+02'", ~T[10:00:00.000000]},
      {"timetz(1)", "'00:30:00.5+05:30'", ~T[19:00:00.5]},
      {"timestamp", "'1969-12-31 23:59:59.000001'", ~N[1969-12-31 23:59:59.000001]},
      {"timestamp(3)", "'2024-01-02 03:04:05'", ~N[2024-01-02 03:04:05.000]},
      {"timestamp", "'-infinity'", :"-inf"},
      {"timestamptz", "'2024-01-02 03:04:05+02'", ~U[2024-01-02 01:04:05.000000Z]},
      {"timestamptz(0)", "'4000-01-01 00:00:00+00'", ~U[4000-01-01 00:00:00Z]},
      {"interval", "'1 year 2 mons 3 days -04:05:06.7'",
       of(Postgrex.Interval, months: 14, days: 3, secs: -14_706, microsecs: -700_000)},
      {"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"json", ~s('{"a": [1, 2.5, null, true, "x"]}'), %{"a" => [1, 2.5, nil, true, "x"]}},
      {"jsonb", ~s('{"n": 12345678901234567890, "o": {}}'),
       %{"n" => 12_345_678_901_234_567_890, "o" => %{}}},
      {"inet", "'10.0.0.1'", of(Postgrex.INET, address: {10, 0, 0, 1}, netmask: nil)},
      {"inet", "'2001:db8::1/64'",
       of(Postgrex.INET, address: {0x2001, 0xDB8, 0, 0, 0, 0, 0, 1}, netmask: 64)},
      {"cidr", "'10.0.0.0/8'", of(Postgrex.INET, address: {10, 0, 0, 0}, netmask: 8)},
      {"macaddr", "'08:00:2b:01:02:03'", of(Postgrex.MACADDR, address: {8, 0, 43, 1, 2, 3})},
      {"macaddr8", "'08:00:2b:01:02:03:04:05'",
       of(Postgrex.MACADDR, address: {8, 0, 43, 1, 2, 3, 4, 5})},
      {"point", "'(1.5,-2)'", point(1.5, -2.0)},
      {"line", "'{1,2,3}'", of(Postgrex.Line, a: 1.0, b: 2.0, c: 3.0)},
      {"lseg", "'[(0,1),(2,3)]'",
       of(Postgrex.LineSegment, point1: point(0.0, 1.0), point2: point(2.0, 3.0))},
      {"box", "'(0,0),(2,3)'",
       of(Postgrex.Box, upper_right: point(2.0, 3.0), bottom_left: point(0.0, 0.0))},
      {"path", "'[(0,0),(1,1)]'",
       of(Postgrex.Path, open: true, points: [point(0.0, 0.0), point(1.0, 1.0)])},
      {"path", "'((0,0),(1,1))'",
       of(Postgrex.Path, open: false, points: [point(0.0, 0.0), point(1.0, 1.0)])},
      {"polygon", "'((0,0),(1,1))'",
       of(Postgrex.Polygon, vertices: [point(0.0, 0.0), point(1.0, 1.0)])},
      {"circle", "'<(1,2),3>'", of(Postgrex.Circle, center: point(1.0, 2.0), radius: 3.0)},
      {"tsvector", "'a:1A fat:2,4C'",
       [
         of(Postgrex.Lexeme, word: "a", positions: [{1, :A}]),
         of(Postgrex.Lexeme, word: "fat", positions: [{2, nil}, {4, :C}])
       ]},
      {"tsquery", "'fat & rat'", "'fat' & 'rat'"},
      {"pg_lsn", "'1/2'", 4_294_967_298},
      {"tid", "'(3,4)'", {3, 4}},
      {"mood", "'happy'", "happy"},
      {"positive", "7", 7},
      {"moment", "'2024-01-02 03:04:05+00'", ~U[2024-01-02 03:04:05.00Z]},
      {"place", "ROW('2024-01-02', 1.5, NULL)", {~D[2024-01-02], decimal(1, 15, -1), nil}},
      {"trip", "ROW(ROW('2024-01-02', NULL, 'x'), '{2024-01-02 03:04:05}')",
       {{~D[2024-01-02], nil, "x"}, [~N[2024-01-02 03:04:05.000000]]}},
      {"int4range", "'[1,5]'", range(1, 6, true, false)},
      {"int4range", "'empty'", range(:empty, :empty, false, false)},
      {"numrange", "'(,2.5]'", range(:unbound, decimal(1, 25, -1), false, true)},
      {"daterange", "'[2024-01-01,infinity)'", range(~D[2024-01-01], :inf, true, false)},
      {"tstzrange", "'[2024-01-01 00:00+00,)'",
       range(~U[2024-01-01 00:00:00.000000Z], :unbound, true, false)},
      {"moments", "'[2024-01-01,2024-01-02)'",
       range(~N[2024-01-01 00:00:00.000000], ~N[2024-01-02 00:00:00.000000], true, false)},
      {"numrange[]", "ARRAY['[1,2)'::numrange]",
       [range(decimal(1, 1, 0), decimal(1, 2, 0), true, false)]}
    ]
  end

  defp since_14 do
    [
      {"numeric", "'Infinity'", decimal(1, :inf, 0)},
      {"numeric", "'-Infinity'", decimal(-1, :inf, 0)},
      {"datemultirange", "'{[2024-01-01,2024-01-03)}'",
       of(Postgrex.Multirange, ranges: [range(~D[2024-01-01], ~D[2024-01-03], true, false)])},
      {"int4multirange", "'{}'", of(Postgrex.Multirange, ranges: [])},
      {"moments_multirange", "'{[2024-01-01,)}'",
       of(Postgrex.Multirange,
         ranges: [range(~N[2024-01-01 00:00:00.000000], :unbound, true, false)]
       )}
    ]
  end
end
