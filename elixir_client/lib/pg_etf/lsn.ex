defmodule PgEtf.Lsn do
  @moduledoc """
  Positions in the write-ahead log.

  A position is a 64-bit integer everywhere in this library, so that it can be compared,
  sorted and stored as a number. PostgreSQL writes the same number as two hexadecimal
  halves; `parse/1` and `to_string/1` convert.

      iex> PgEtf.Lsn.parse("16/B374D848")
      {:ok, 97_500_059_720}

      iex> PgEtf.Lsn.to_string(97_500_059_720)
      "16/B374D848"

  A store that has no unsigned 64-bit integer can keep the text, or PostgreSQL's own
  `pg_lsn`; a signed `bigint` covers the first 8 EiB of WAL.
  """

  @typedoc "A position in the write-ahead log."
  @type t :: 0..0xFFFFFFFFFFFFFFFF

  defguard is_lsn(value) when is_integer(value) and value >= 0 and value <= 0xFFFFFFFFFFFFFFFF

  @doc """
  Reads PostgreSQL's notation.

      iex> PgEtf.Lsn.parse("0/0")
      {:ok, 0}

      iex> PgEtf.Lsn.parse("somewhere")
      :error
  """
  @spec parse(String.t()) :: {:ok, t} | :error
  def parse(text) when is_binary(text) do
    with [high, low] <- String.split(text, "/"),
         {:ok, high} <- parse_half(high),
         {:ok, low} <- parse_half(low) do
      {:ok, high * 0x100000000 + low}
    else
      _ -> :error
    end
  end

  @doc """
  Writes PostgreSQL's notation.

      iex> PgEtf.Lsn.to_string(4_294_967_296)
      "1/0"
  """
  @spec to_string(t) :: String.t()
  def to_string(lsn) when is_lsn(lsn) do
    Integer.to_string(div(lsn, 0x100000000), 16) <>
      "/" <> Integer.to_string(rem(lsn, 0x100000000), 16)
  end

  # Integer.parse/2 would also take a sign.
  defp parse_half(<<first, _::binary>> = half)
       when byte_size(half) <= 8 and first not in [?+, ?-] do
    case Integer.parse(half, 16) do
      {value, ""} -> {:ok, value}
      _ -> :error
    end
  end

  defp parse_half(_), do: :error
end
