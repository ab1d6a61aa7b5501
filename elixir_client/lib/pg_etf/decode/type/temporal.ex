defmodule PgEtf.Decode.Type.Temporal do
  @moduledoc false
  # Dates, times and intervals: days and microseconds since 1970.
  #
  # PostgreSQL's years reach beyond what Calendar.ISO accepts, and its days have
  # a 24:00:00; the structs are built from their fields, which cannot raise.

  @behaviour PgEtf.Decode.Type.Family

  import Bitwise

  @microseconds_per_day 86_400_000_000

  @impl true
  def oids do
    [
      date: {1082, 1182},
      time: {1083, 1183},
      timestamp: {1114, 1115},
      timestamptz: {1184, 1185},
      interval: {1186, 1187},
      timetz: {1266, 1270}
    ]
  end

  @impl true
  def finisher(:date, _typmod), do: &date/1
  def finisher(:time, typmod), do: &time(&1, precision(typmod))
  def finisher(:timetz, typmod), do: &timetz(&1, precision(typmod))
  def finisher(:timestamp, typmod), do: &timestamp(&1, precision(typmod))
  def finisher(:timestamptz, typmod), do: &timestamptz(&1, precision(typmod))
  def finisher(:interval, _typmod), do: &interval/1

  defp precision(typmod) when typmod in 0..6, do: typmod
  defp precision(_typmod), do: 6

  defp date(days) when is_integer(days) do
    {year, month, day} = civil(days)
    %Date{year: year, month: month, day: day}
  end

  defp date(other), do: other

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

  defp timestamp(microseconds, precision) when is_integer(microseconds) do
    days = floor_div(microseconds, @microseconds_per_day)
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

  defp timestamp(other, _precision), do: other

  @doc "A point in time, as a DateTime in UTC; what is none passes."
  @spec timestamptz(term, 0..6) :: term
  def timestamptz(microseconds, precision) when is_integer(microseconds) do
    days = floor_div(microseconds, @microseconds_per_day)
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

  # Days since 1970-01-01 to the proleptic Gregorian calendar, with few divisions, which are
  # what it costs. Years begin in March here, so that a leap day is the last of its year, and
  # days are counted in quarters, of which a year has a whole number. Months have 30.6 days,
  # 65,536 / 2,141.
  defp civil(days) do
    quarters = 4 * (days + 719_468) + 3
    century = floor_div(quarters, 146_097)
    quarters = quarters - century * 146_097 ||| 3
    year_of_century = div(quarters, 1461)
    day_of_year = (quarters - year_of_century * 1461) >>> 2

    month_and_day = 2141 * day_of_year + 197_913
    month = month_and_day >>> 16
    day = div(month_and_day &&& 0xFFFF, 2141) + 1
    year = 100 * century + year_of_century

    if month <= 12, do: {year, month, day}, else: {year + 1, month - 12, day}
  end

  # That of Integer multiplies both, which is a bignum for microseconds.
  defp floor_div(dividend, divisor) when dividend >= 0, do: div(dividend, divisor)
  defp floor_div(dividend, divisor), do: div(dividend + 1, divisor) - 1

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
end
