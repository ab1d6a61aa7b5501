defmodule PgEtf.Web.JSON do
  @moduledoc false
  # JSON of maps, lists, text, numbers and atoms: OTP has it from 27 on.

  @spec encode(term) :: iodata
  def encode(nil), do: "null"
  def encode(true), do: "true"
  def encode(false), do: "false"
  def encode(value) when is_atom(value), do: value |> Atom.to_string() |> encode()
  def encode(value) when is_integer(value), do: Integer.to_string(value)
  def encode(value) when is_float(value), do: :erlang.float_to_binary(value, [:short])
  def encode(value) when is_binary(value), do: [?", value |> valid() |> escape(), ?"]

  def encode(values) when is_list(values) do
    [?[, values |> Enum.map(&encode/1) |> Enum.intersperse(?,), ?]]
  end

  def encode(%{} = map) do
    pairs = for {key, value} <- Enum.sort(map), do: [encode(to_string(key)), ?:, encode(value)]
    [?{, Enum.intersperse(pairs, ?,), ?}]
  end

  @doc "Text without bytes that are no UTF-8."
  @spec valid(binary) :: String.t()
  def valid(text) do
    if String.valid?(text), do: text, else: replace(text, "")
  end

  defp replace(<<char::utf8, rest::binary>>, done),
    do: replace(rest, <<done::binary, char::utf8>>)

  defp replace(<<_, rest::binary>>, done), do: replace(rest, <<done::binary, 0xFFFD::utf8>>)
  defp replace(<<>>, done), do: done

  defp escape(text), do: for(<<char::utf8 <- text>>, do: char(char))

  defp char(?"), do: ~S(\")
  defp char(?\\), do: ~S(\\)
  defp char(char) when char < 0x20, do: :io_lib.format(~c"\\u~4.16.0b", [char])
  # Legal, but not in what a page may embed.
  defp char(char) when char in [?<, ?>, ?&, 0x2028, 0x2029],
    do: :io_lib.format(~c"\\u~4.16.0b", [char])

  defp char(char), do: <<char::utf8>>
end
