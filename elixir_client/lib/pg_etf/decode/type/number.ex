defmodule PgEtf.Decode.Type.Number do
  @moduledoc false
  # numeric, as Decimal: a coefficient and an exponent of ten.

  @behaviour PgEtf.Decode.Type.Family

  @impl true
  def oids, do: [numeric: {1700, 1231}]

  @impl true
  def finisher(:numeric, _typmod), do: &numeric/1

  defp numeric({coef, exp}) when is_integer(coef) and coef >= 0, do: decimal(1, coef, exp)
  defp numeric({coef, exp}) when is_integer(coef), do: decimal(-1, -coef, exp)
  defp numeric(:NaN), do: decimal(1, :NaN, 0)
  defp numeric(:inf), do: decimal(1, :inf, 0)
  defp numeric(:"-inf"), do: decimal(-1, :inf, 0)
  defp numeric(other), do: other

  defp decimal(sign, coef, exp) do
    %{__struct__: Decimal, sign: sign, coef: coef, exp: exp}
  end
end
