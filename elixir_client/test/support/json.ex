defmodule PgEtf.Json do
  @moduledoc false
  # As much of JSON as rows of tests need, where no library for it is: Postgrex asks for one.

  def encode_to_iodata!(term), do: encode(term)

  defp encode(nil), do: "null"
  defp encode(value) when is_boolean(value) or is_integer(value), do: to_string(value)
  defp encode(value) when is_float(value), do: Float.to_string(value)
  defp encode(value) when is_atom(value), do: value |> Atom.to_string() |> encode()
  defp encode(text) when is_binary(text), do: [?", escape(text), ?"]
  defp encode(list) when is_list(list), do: [?[, list |> Enum.map(&encode/1) |> comma(), ?]]
  defp encode(%_{} = struct), do: struct |> to_string() |> encode()

  defp encode(%{} = map) do
    [?{, map |> Enum.map(fn {k, v} -> [encode(to_string(k)), ?:, encode(v)] end) |> comma(), ?}]
  end

  defp comma(items), do: Enum.intersperse(items, ?,)
  defp escape(text), do: String.replace(text, ["\\", "\""], &"\\#{&1}")

  def decode!(json) do
    {term, ""} = json |> IO.iodata_to_binary() |> value()
    term
  end

  defp value(<<c, rest::binary>>) when c in ' \n\t', do: value(rest)
  defp value("null" <> rest), do: {nil, rest}
  defp value("true" <> rest), do: {true, rest}
  defp value("false" <> rest), do: {false, rest}
  defp value("\"" <> rest), do: text(rest, "")
  defp value("[" <> rest), do: items(rest, "]", &value/1, [])

  defp value("{" <> rest) do
    {pairs, rest} = items(rest, "}", &pair/1, [])
    {Map.new(pairs), rest}
  end

  defp value(number) do
    [digits] = Regex.run(~r/^[-+.eE0-9]+/, number)
    rest = String.replace_prefix(number, digits, "")
    if digits =~ ~r/[.eE]/, do: {String.to_float(digits), rest}, else: Integer.parse(number)
  end

  defp pair(json) do
    {key, rest} = value(json)
    {value, rest} = rest |> String.trim_leading() |> String.replace_prefix(":", "") |> value()
    {{key, value}, rest}
  end

  defp items(json, close, item, items) do
    case String.trim_leading(json) do
      <<^close::binary-size(1), rest::binary>> ->
        {Enum.reverse(items), rest}

      rest ->
        {next, rest} = rest |> String.replace_prefix(",", "") |> item.()
        items(rest, close, item, [next | items])
    end
  end

  defp text("\\" <> <<c, rest::binary>>, text), do: text(rest, <<text::binary, c>>)
  defp text("\"" <> rest, text), do: {text, rest}
  defp text(<<c, rest::binary>>, text), do: text(rest, <<text::binary, c>>)
end
