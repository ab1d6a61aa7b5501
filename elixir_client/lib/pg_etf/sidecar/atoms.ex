defmodule PgEtf.Sidecar.Atoms do
  @moduledoc false
  # Backends' packets are decoded without making an atom, so those that the encoders
  # of pg_etf_beam write must be there, Postgrex and Decimal loaded or not.

  @protocol ~w(hello pid database user server_version heap call stream async batch result check
               functions health load eval more superuser timeout)a
  @triggers ~w(op when level name table schema args new old insert update delete truncate
               before after instead_of row statement)a
  @structs [
    Calendar.ISO,
    Date,
    DateTime,
    Decimal,
    Duration,
    NaiveDateTime,
    Postgrex.Box,
    Postgrex.Circle,
    Postgrex.INET,
    Postgrex.Interval,
    Postgrex.Lexeme,
    Postgrex.Line,
    Postgrex.LineSegment,
    Postgrex.MACADDR,
    Postgrex.Multirange,
    Postgrex.Path,
    Postgrex.Point,
    Postgrex.Polygon,
    Postgrex.Range,
    Time
  ]
  @fields ~w(a address b bottom_left c calendar center coef day days exp hour lower
             lower_inclusive microsecond microsecs minute month months netmask open point1 point2
             points positions radius ranges second secs sign std_offset time_zone upper
             upper_inclusive upper_right utc_offset vertices week word x y year zone_abbr)a
  @values ~w(NaN inf -inf unbound empty oversized unconverted unparsed unchanged_toast A B C)a

  @all @protocol ++ @triggers ++ @structs ++ @fields ++ @values

  @doc "Loads this module, and so its atoms."
  @spec ensure :: :ok
  def ensure, do: :ok

  @doc "All of them."
  @spec all :: [atom]
  def all, do: @all
end
