defmodule PgEtf.Debezium.Text do
  @moduledoc false
  # Values as PostgreSQL's output functions write them, in UTC and ISO style.

  ## Dates and times

  @doc "Days since 1970 of a date of any year."
  @spec days(integer, 1..12, 1..31) :: integer
  def days(year, month, day) do
    {year, month} = if month <= 2, do: {year - 1, month + 9}, else: {year, month - 3}
    era = Integer.floor_div(year, 400)
    year = year - era * 400
    of_year = div(153 * month + 2, 5) + day - 1
    era * 146_097 + year * 365 + div(year, 4) - div(year, 100) + of_year - 719_468
  end

  @spec date(integer, 1..12, 1..31) :: String.t()
  def date(year, month, day) do
    sign = if year < 0, do: "-", else: ""
    "#{sign}#{pad(abs(year), 4)}-#{pad(month, 2)}-#{pad(day, 2)}"
  end

  @doc "As many digits as there have to be."
  @spec digits(non_neg_integer) :: 0..6
  def digits(us), do: digits(rem(us, 1_000_000), 6)

  defp digits(fraction, count) when count > 0 and rem(fraction, 10) == 0 do
    digits(div(fraction, 10), count - 1)
  end

  defp digits(_fraction, count), do: count

  @spec time(non_neg_integer, 0..6 | nil) :: String.t()
  def time(us, digits \\ nil) do
    digits = digits || digits(us)
    seconds = div(us, 1_000_000)
    fraction = us |> rem(1_000_000) |> pad(6) |> binary_part(0, digits)
    clock = [div(seconds, 3600), div(rem(seconds, 3600), 60), rem(seconds, 60)]
    Enum.map_join(clock, ":", &pad(&1, 2)) <> if(digits > 0, do: "." <> fraction, else: "")
  end

  defp pad(number, width), do: number |> Integer.to_string() |> String.pad_leading(width, "0")

  # The era stands at the end.
  defp with_era(%{year: year} = date, rest) when year <= 0 do
    date(1 - year, date.month, date.day) <> rest <> " BC"
  end

  defp with_era(date, rest), do: date(date.year, date.month, date.day) <> rest

  defp clock(%{hour: hour, minute: minute, second: second, microsecond: {us, _}}) do
    " " <> time(((hour * 60 + minute) * 60 + second) * 1_000_000 + us)
  end

  ## Numbers

  @doc "A Decimal with all its digits."
  @spec decimal(map) :: String.t()
  def decimal(%{coef: :NaN}), do: "NaN"
  def decimal(%{coef: :inf, sign: sign}), do: sign(sign) <> "Infinity"

  def decimal(%{sign: sign, coef: coef, exp: exp}) when exp >= 0 do
    sign(sign) <>
      Integer.to_string(coef) <> if(coef == 0, do: "", else: String.duplicate("0", exp))
  end

  def decimal(%{sign: sign, coef: coef, exp: exp}) do
    digits = pad(coef, 1 - exp)
    {whole, fraction} = String.split_at(digits, exp)
    sign(sign) <> whole <> "." <> fraction
  end

  defp sign(1), do: ""
  defp sign(-1), do: "-"

  ## Ranges

  @spec range(term) :: term
  def range(%{ranges: ranges}), do: "{" <> Enum.map_join(ranges, ",", &range/1) <> "}"
  def range(%{lower: :empty}), do: "empty"

  def range(%{lower: lower, upper: upper, lower_inclusive: from, upper_inclusive: to}) do
    open = if from, do: "[", else: "("
    open <> quoted(lower) <> "," <> quoted(upper) <> if(to, do: "]", else: ")")
  end

  def range(other), do: PgEtf.Debezium.Value.plain(other)

  defp quoted(:unbound), do: ""

  defp quoted(value) do
    text = bound(value)

    if text == "" or text =~ ~r/["\\()\[\], \t\n\r\v\f]/,
      do: ~s("#{double(text, [?", ?\\])}"),
      else: text
  end

  defp bound(:inf), do: "infinity"
  defp bound(:"-inf"), do: "-infinity"
  defp bound(%Date{} = date), do: with_era(date, "")
  defp bound(%NaiveDateTime{} = time), do: with_era(time, clock(time))
  defp bound(%DateTime{} = time), do: with_era(time, clock(time) <> "+00")
  defp bound(%{coef: _} = decimal), do: decimal(decimal)
  defp bound(value), do: to_string(value)

  defp double(text, characters) do
    for <<char <- text>>, into: "" do
      if char in characters, do: <<char, char>>, else: <<char>>
    end
  end

  ## Network addresses

  @spec inet(map) :: String.t()
  def inet(%{address: address, netmask: nil}), do: address(address)
  def inet(%{address: address, netmask: netmask}), do: "#{address(address)}/#{netmask}"

  defp address({_, _, _, _} = ipv4), do: ipv4 |> Tuple.to_list() |> Enum.join(".")

  defp address(ipv6) do
    groups = Tuple.to_list(ipv6)

    case longest_zeros(groups) do
      {start, length} -> compressed(groups, start, length)
      nil -> hex(groups)
    end
  end

  # The first of the longest runs of zeros, of two at least.
  defp longest_zeros(groups) do
    runs =
      for start <- 0..7, length = groups |> Enum.drop(start) |> zeros(), length > 1 do
        {start, length}
      end

    Enum.max_by(runs, &elem(&1, 1), fn -> nil end)
  end

  defp zeros(groups), do: groups |> Enum.take_while(&(&1 == 0)) |> length()

  # An address of IPv4 within, as the server's own function sees it.
  defp compressed(groups, 0, length)
       when length == 6 or (length == 5 and hd(tl(tl(tl(tl(tl(groups)))))) == 0xFFFF) do
    {before, [high, low]} = Enum.split(groups, 6)
    ipv4 = address({div(high, 256), rem(high, 256), div(low, 256), rem(low, 256)})
    Enum.join(["::" | Enum.map(Enum.drop(before, length), &(hex([&1]) <> ":"))]) <> ipv4
  end

  defp compressed(groups, start, length) do
    hex(Enum.take(groups, start)) <> "::" <> hex(Enum.drop(groups, start + length))
  end

  defp hex(groups),
    do: Enum.map_join(groups, ":", &(&1 |> Integer.to_string(16) |> String.downcase()))

  @spec macaddr(tuple) :: String.t()
  def macaddr(bytes) do
    bytes |> Tuple.to_list() |> Enum.map_join(":", &Base.encode16(<<&1>>, case: :lower))
  end

  ## Text search, hstore

  @spec tsvector([map]) :: String.t()
  def tsvector(lexemes), do: Enum.map_join(lexemes, " ", &lexeme/1)

  defp lexeme(%{word: word, positions: positions}) do
    ~s('#{double(word, [?', ?\\])}') <>
      if(positions == [], do: "", else: ":" <> Enum.map_join(positions, ",", &position/1))
  end

  defp position({place, nil}), do: Integer.to_string(place)
  defp position({place, weight}), do: "#{place}#{weight}"

  # In the order in which the server keeps them.
  @spec hstore(map) :: String.t()
  def hstore(map) do
    pairs =
      for {key, value} <- Enum.sort_by(map, fn {key, _} -> {byte_size(key), key} end) do
        json(key) <> ":" <> if(value == nil, do: "null", else: json(value))
      end

    "{" <> Enum.join(pairs, ",") <> "}"
  end

  @escapes %{?" => ~S(\"), ?\\ => ~S(\\), ?\n => ~S(\n), ?\t => ~S(\t), ?\r => ~S(\r)}

  defp json(text) do
    escaped =
      for <<char::utf8 <- text>>, into: "" do
        case @escapes do
          %{^char => escape} -> escape
          _ when char < 0x20 -> "\\u" <> String.downcase(hex4(char))
          _ -> <<char::utf8>>
        end
      end

    ~s("#{escaped}")
  end

  defp hex4(char), do: char |> Integer.to_string(16) |> String.pad_leading(4, "0")
end
