# Our Elixir text against inspect/2, and that it evaluates to the same term.
defmodule Oracle do
  @elixir 1
  @terms 1500
  @invisible ~r/[\x{A0}\x{34F}\x{61C}\x{2000}-\x{200F}\x{2028}-\x{202E}\x{205F}-\x{2064}\x{2066}-\x{2069}\x{FFF9}-\x{FFFC}]/u

  # Where what we print departs from inspect/2.
  @departures [
    {:été, ":\"été\""},
    {:"\u0080", ":\"\\u0080\""},
    {%{__struct__: Some.Unknown, a: 1}, "%Some.Unknown{a: 1}"},
    {%{~D[2026-01-01] | year: 10_000},
     "%Date{calendar: Calendar.ISO, day: 1, month: 1, year: 10000}"},
    {%{~T[00:00:00] | hour: 24},
     "%Time{calendar: Calendar.ISO, hour: 24, microsecond: {0, 0}, minute: 0, second: 0}"},
    {%{__struct__: Date, year: 2026}, "%Date{year: 2026}"},
    {%{__struct__: Decimal, sign: -1, coef: 150, exp: -2}, ~S|Decimal.new("-1.50")|},
    {%{__struct__: Decimal, sign: 1, coef: 12, exp: -9}, ~S|Decimal.new("1.2E-8")|},
    {%{__struct__: Decimal, sign: 1, coef: 12, exp: -7}, ~S|Decimal.new("0.0000012")|},
    {%{__struct__: Decimal, sign: 1, coef: 1, exp: -7}, ~S|Decimal.new("1E-7")|},
    {%{__struct__: Decimal, sign: 1, coef: 5, exp: 3}, ~S|Decimal.new("5E+3")|},
    {%{__struct__: Decimal, sign: 1, coef: 0, exp: -2}, ~S|Decimal.new("0.00")|},
    {%{__struct__: Decimal, sign: -1, coef: :inf, exp: 0}, ~S|Decimal.new("-Infinity")|}
  ]

  def main([program]) do
    :rand.seed(:exsss, {20, 26, 1})
    port = Port.open({:spawn_executable, program}, [:binary, packet: 4])
    terms = fixed() ++ Enum.map(1..@terms, &term(rem(&1, 5)))
    failed = Enum.count(terms, &(not same?(port, &1)))
    strange = Enum.count(@departures, &(not shown?(port, &1)))
    passed = length(terms) + length(@departures) - failed - strange
    IO.puts("#{passed} passed, #{failed + strange} failed")
    System.halt(min(failed + strange, 1))
  end

  defp same?(port, term) do
    text = show(port, term)

    inspected =
      inspect(term,
        limit: :infinity,
        printable_limit: :infinity,
        width: :infinity,
        charlists: :as_lists
      )

    good = text == escape(inspected) and reads_back?(text, term)
    unless good, do: IO.puts(:stderr, "#{text}\n  not\n#{inspected}")
    good
  end

  # Fields in the order of their names, which is the bytes' order only if asked.
  defp shown?(port, {term, expected}) do
    text = show(port, term, [:deterministic])
    unless text == expected, do: IO.puts(:stderr, "#{text}\n  not\n#{expected}")
    text == expected
  end

  # What is invisible is escaped by newer versions of Elixir only.
  defp escape(inspected) do
    Regex.replace(@invisible, inspected, fn <<code::utf8>> ->
      "\\u" <> String.pad_leading(Integer.to_string(code, 16), 4, "0")
    end)
  end

  defp reads_back?(text, term), do: match?({^term, _}, Code.eval_string(text))

  defp show(port, term, options \\ []) do
    Port.command(port, [@elixir, :erlang.term_to_binary(term, options)])

    receive do
      {^port, {:data, text}} -> text
    after
      30_000 -> raise "no answer"
    end
  end

  defp fixed do
    days = for y <- [-9999, -1, 0, 1970, 9999], do: Date.new!(y, 12, 31)
    times = for p <- 0..6, do: Time.new!(23, 59, 59, {120_345 - rem(120_345, 10 ** (6 - p)), p})

    naive = for d <- days, t <- times, do: struct(NaiveDateTime, Map.merge(bare(d), bare(t)))

    utc = for n <- naive, do: DateTime.from_naive!(n, "Etc/UTC")
    floats = for e <- -30..30, do: String.to_float("1.0e#{e}")
    # From 80 on \x.. would be a byte, and Elixir itself prints what it cannot read.
    characters =
      for c <- Enum.concat([1..0x7E, 0xA0..0x3FF, 0x2000..0x2070, 0xFFF0..0xFFFD]),
          do: <<c::utf8>>

    atoms = for c <- 1..0x7E, s <- ["", "a"], do: String.to_atom(s <> <<c>>)

    operators =
      ~w(** ++ -- .. ... ..// <> +++ --- ^ |> <<< >>> <<~ ~>> <~ ~> <~> <= >= == != =~ ===) ++
        ~w(!== && &&& || ||| <- -> \\ . % %{} {} <<>> a? a! a?! a@b Elixir Elixir. nil) ++
        ~w(Elixir.A Elixir.A.B Elixir.A.b Elixir.Elixir.A Elixir.Elixirs _ _a 1a A not in)

    names = Enum.map(operators, &String.to_atom/1)

    days ++
      times ++
      naive ++
      utc ++
      floats ++
      characters ++
      atoms ++
      names ++
      Enum.map(names ++ atoms, &[{&1, 1}]) ++
      Enum.map(names ++ atoms, &%{&1 => [{&1, &1}]}) ++
      ["\uFEFF", "a\#{b}", "#", [a: 1, b: 2], [{:a, 1} | 2], [{Foo, 1}], [1, {:a, 2}]] ++
      [%{:a => 1, "b" => 2}, %{a: [b: {:c, [d: 1]}]}, &Enum.map/2, &:lists.map/2]
  end

  defp bare(struct), do: Map.delete(Map.from_struct(struct), :calendar)

  defp term(0), do: scalar(:rand.uniform(6))

  defp term(depth) do
    case :rand.uniform(6) do
      1 -> terms(depth)
      2 -> List.to_tuple(terms(depth))
      3 -> for k <- terms(depth), v <- terms(1), into: %{}, do: {k, v}
      4 -> for _ <- terms(depth), do: {scalar(1), term(depth - 1)}
      5 -> for _ <- terms(depth), into: %{}, do: {scalar(1), term(depth - 1)}
      6 -> [term(depth - 1) | scalar(2)]
    end
  end

  defp terms(depth), do: for(_ <- 2..:rand.uniform(5)//1, do: term(depth - 1))

  defp scalar(1), do: Enum.random([:a, :b, nil, true, :"a b", Foo.Bar, :c?, :+, :Foo])
  defp scalar(2), do: :rand.uniform(Bitwise.bsl(1, 200)) - Bitwise.bsl(1, 199)
  defp scalar(3), do: (:rand.uniform(2_000_000) - 1_000_000) / Enum.random([1, 7, 1000, 1.0e9])

  defp scalar(4),
    do: for(_ <- 2..:rand.uniform(20)//1, into: "", do: <<:rand.uniform(767)::utf8>>)

  defp scalar(5), do: :rand.bytes(:rand.uniform(10) - 1)

  defp scalar(6) do
    size = :rand.uniform(60) - 1
    <<:rand.uniform(Bitwise.bsl(1, size)) - 1::size(size)>>
  end
end

Oracle.main(System.argv())
