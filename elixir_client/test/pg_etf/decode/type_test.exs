defmodule PgEtf.TypeTest do
  use ExUnit.Case, async: true

  alias PgEtf.Gen
  alias PgEtf.Decode.Type

  defp finish(shape, typmod \\ -1, value) do
    case Type.finisher(shape, typmod) do
      nil -> value
      finish -> finish.(value)
    end
  end

  defp struct_of(module, fields), do: fields |> Map.new() |> Map.put(:__struct__, module)

  describe "numeric" do
    test "becomes a Decimal with the sign apart" do
      assert finish(1700, {-1050, -2}) == struct_of(Decimal, sign: -1, coef: 1050, exp: -2)
      assert finish(1700, {0, -3}) == struct_of(Decimal, sign: 1, coef: 0, exp: -3)
      assert finish(1700, :NaN) == struct_of(Decimal, sign: 1, coef: :NaN, exp: 0)
      assert finish(1700, :inf) == struct_of(Decimal, sign: 1, coef: :inf, exp: 0)
      assert finish(1700, :"-inf") == struct_of(Decimal, sign: -1, coef: :inf, exp: 0)
    end

    if Code.ensure_loaded?(Decimal) do
      test "is what Decimal itself reads" do
        for {text, pair} <- [{"10.50", {1050, -2}}, {"-0.001", {-1, -3}}, {"7", {7, 0}}] do
          assert finish(1700, pair) == apply(Decimal, :new, [text])
        end

        assert finish(1700, :NaN) == apply(Decimal, :new, ["NaN"])
        assert finish(1700, :"-inf") == apply(Decimal, :new, ["-Infinity"])
      end
    end
  end

  describe "dates and times" do
    test "dates are those of Calendar.ISO" do
      Gen.run(Gen.integer(-4_371_587..2_932_896), 2000, fn days ->
        assert finish(1082, days) == Date.add(~D[1970-01-01], days)
      end)
    end

    test "dates beyond Calendar.ISO keep their fields" do
      assert finish(1082, 2_932_897) == %Date{year: 10_000, month: 1, day: 1}
      assert finish(1082, 106_751_982) == %Date{year: 294_247, month: 1, day: 1}
      assert finish(1082, :inf) == :inf
      assert finish(1082, :"-inf") == :"-inf"
    end

    test "timestamps are those of Calendar.ISO" do
      range = -62_135_596_800_000_000..253_402_300_799_999_999

      Gen.run(Gen.integer(range), 2000, fn us ->
        assert finish(1184, us) == DateTime.from_unix!(us, :microsecond)
        assert finish(1114, us) == us |> DateTime.from_unix!(:microsecond) |> DateTime.to_naive()
      end)
    end

    test "the modifier is the precision" do
      assert finish(1184, 3, 1_500_000) == ~U[1970-01-01 00:00:01.500Z]
      assert finish(1114, 0, -1_000_000) == ~N[1969-12-31 23:59:59]
      assert finish(1083, 2, 45_296_120_000) == ~T[12:34:56.12]
      assert finish(1083, 45_296_000_000) == ~T[12:34:56.000000]
    end

    test "a day's end is 24:00:00" do
      assert finish(1083, 86_400_000_000) ==
               %Time{hour: 24, minute: 0, second: 0, microsecond: {0, 6}}
    end

    test "timetz is moved to UTC, over midnight too" do
      assert finish(1266, {3_600_000_000, 7200}) == ~T[23:00:00.000000]
      assert finish(1266, {82_800_000_000, -7200}) == ~T[01:00:00.000000]
    end

    test "an interval keeps months, days and seconds apart" do
      assert finish(1186, {14, -3, -1_500_000}) ==
               struct_of(Postgrex.Interval, months: 14, days: -3, secs: -1, microsecs: -500_000)

      assert finish(1186, :inf) == :inf
    end
  end

  test "identifiers and addresses" do
    uuid = <<0xA0EEBC999C0B4EF8BB6D6BB9BD380A11::128>>
    assert finish(2950, uuid) == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"

    assert finish(869, {<<10, 0, 0, 1>>, nil}) ==
             struct_of(Postgrex.INET, address: {10, 0, 0, 1}, netmask: nil)

    assert finish(650, {<<0x2001::16, 0xDB8::16, 0::96>>, 32}) ==
             struct_of(Postgrex.INET, address: {0x2001, 0xDB8, 0, 0, 0, 0, 0, 0}, netmask: 32)

    assert finish(829, <<8, 0, 43, 1, 2, 3>>) ==
             struct_of(Postgrex.MACADDR, address: {8, 0, 43, 1, 2, 3})
  end

  test "geometry" do
    point = struct_of(Postgrex.Point, x: 1.0, y: 2.0)
    pair = {1.0, 2.0}

    assert finish(600, pair) == point
    assert finish(600, {:NaN, :inf}) == struct_of(Postgrex.Point, x: :NaN, y: :inf)
    assert finish(628, {1.0, 2.0, 3.0}) == struct_of(Postgrex.Line, a: 1.0, b: 2.0, c: 3.0)

    assert finish(601, {pair, pair}) ==
             struct_of(Postgrex.LineSegment, point1: point, point2: point)

    assert finish(603, {pair, pair}) ==
             struct_of(Postgrex.Box, upper_right: point, bottom_left: point)

    assert finish(602, {:open, [pair]}) == struct_of(Postgrex.Path, open: true, points: [point])

    assert finish(604, [pair, pair]) == struct_of(Postgrex.Polygon, vertices: [point, point])
    assert finish(718, {pair, 3.0}) == struct_of(Postgrex.Circle, center: point, radius: 3.0)
  end

  test "a tsvector is a list of lexemes" do
    assert finish(3614, [{"cat", [{3, nil}]}, {"fat", [{2, :A}]}]) == [
             struct_of(Postgrex.Lexeme, word: "cat", positions: [{3, nil}]),
             struct_of(Postgrex.Lexeme, word: "fat", positions: [{2, :A}])
           ]

    assert finish(3614, []) == []
  end

  describe "ranges" do
    defp range(lower, upper, lower_inclusive, upper_inclusive) do
      struct_of(Postgrex.Range,
        lower: lower,
        upper: upper,
        lower_inclusive: lower_inclusive,
        upper_inclusive: upper_inclusive
      )
    end

    test "have their bounds finished" do
      assert finish(3904, {1, 10, 1}) == range(1, 10, true, false)
      assert finish(3912, {0, 1, 3}) == range(~D[1970-01-01], ~D[1970-01-02], true, true)
      assert finish({:range, 1082}, {0, :inf, 1}) == range(~D[1970-01-01], :inf, true, false)
    end

    test "may be empty or have no bound" do
      assert finish(3904, {nil, nil, 16}) == range(:empty, :empty, false, false)
      assert finish(3904, {nil, 5, 4}) == range(:unbound, 5, false, false)
      assert finish(3904, {nil, nil, 12}) == range(:unbound, :unbound, false, false)
    end

    test "make up multiranges" do
      assert finish(4451, [{1, 2, 1}]) ==
               struct_of(Postgrex.Multirange, ranges: [range(1, 2, true, false)])

      assert finish(4451, []) == struct_of(Postgrex.Multirange, ranges: [])
    end
  end

  describe "nested types" do
    test "arrays of any depth, with NULL inside" do
      assert finish(1182, [0, nil, 1]) == [~D[1970-01-01], nil, ~D[1970-01-02]]
      assert finish(1182, [[0], [1]]) == [[~D[1970-01-01]], [~D[1970-01-02]]]
      assert finish(1182, []) == []
      assert finish({:array, 1184}, 0, [0]) == [~U[1970-01-01 00:00:00Z]]
      assert Type.finisher(1007, -1) == nil
      assert Type.finisher({:array, 25}, -1) == nil
    end

    test "arrays of types that are lists themselves" do
      lexeme = struct_of(Postgrex.Lexeme, word: "a", positions: [])
      assert finish(3643, [[{"a", []}], []]) == [[lexeme], []]
      assert finish(3643, [[[{"a", []}]]]) == [[[lexeme]]]

      polygon = struct_of(Postgrex.Polygon, vertices: [finish(600, {0.0, 1.0})])
      assert finish(1027, [[{0.0, 1.0}], nil]) == [polygon, nil]
      assert finish(1027, [[[{0.0, 1.0}]]]) == [[polygon]]

      multirange = struct_of(Postgrex.Multirange, ranges: [range(1, 2, true, false)])
      none = struct_of(Postgrex.Multirange, ranges: [])
      assert finish(6150, [[{1, 2, 1}], [], nil]) == [multirange, none, nil]
      assert finish(6150, [[[{1, 2, 1}], []]]) == [[multirange, none]]
      assert finish(6150, []) == []
    end

    test "composites, down to their own composites" do
      inner = {:composite, [{"day", 1082, -1}, {"n", 23, -1}]}
      outer = {:composite, [{"at", 1114, 0}, {"in", inner, -1}, {"all", {:array, inner}, -1}]}

      assert finish(outer, {0, {1, 7}, [{0, 8}, nil]}) ==
               {~N[1970-01-01 00:00:00], {~D[1970-01-02], 7}, [{~D[1970-01-01], 8}, nil]}

      assert finish(outer, {nil, nil, nil}) == {nil, nil, nil}
      assert Type.finisher({:composite, [{"a", 23, -1}, {"b", 25, -1}]}, -1) == nil
    end
  end

  test "NULL and markers pass through every type" do
    two_days = {:composite, [{"a", 1082, -1}, {"b", 1082, -1}]}
    oids = [600, 601, 602, 603, 604, 628, 650, 718, 774, 829, 869] ++ [1082, 1083, 1114]
    oids = oids ++ [1184, 1186, 1266, 1700, 2950, 3614, 3904, 4451, 1231, {:array, 1700}]

    for shape <- [two_days | oids],
        value <- [nil, {:oversized, 2_000_000_000}, {:unconverted, "é"}, {:unparsed, "[1,"}] do
      assert finish(shape, value) == value
    end
  end
end
