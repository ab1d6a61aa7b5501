defmodule PgEtf.Eventually do
  @moduledoc false
  # Waits for a condition, not for a moment.

  import ExUnit.Assertions

  @doc "Asks again and again, for so many milliseconds."
  def eventually(fun, timeout \\ 15_000), do: ask(fun, now() + timeout)

  defp ask(fun, until) do
    if fun.(), do: :ok, else: ask_again(fun, until)
  end

  defp ask_again(fun, until) do
    if now() > until, do: flunk("it did not happen in time")
    Process.sleep(10)
    ask(fun, until)
  end

  defp now, do: System.monotonic_time(:millisecond)
end
