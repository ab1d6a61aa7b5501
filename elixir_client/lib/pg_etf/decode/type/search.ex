defmodule PgEtf.Decode.Type.Search do
  @moduledoc false
  # tsvector, as the lexemes of Postgrex.

  @behaviour PgEtf.Decode.Type.Family

  alias PgEtf.Decode.Type.Array

  @impl true
  def oids, do: [tsvector: {3614, 3643}]

  # A vector is a list of lexemes: finishing one is finishing an array of them.
  @impl true
  def finisher(:tsvector, _typmod), do: Array.finisher(&lexeme/1)

  defp lexeme({word, positions}) when is_binary(word) do
    %{__struct__: Postgrex.Lexeme, word: word, positions: positions}
  end

  defp lexeme(other), do: other
end
