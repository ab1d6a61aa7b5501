defmodule PgEtf.Eventually do
  @moduledoc false
  # Waits for a condition, not for a moment.

  import ExUnit.Assertions

  @doc "Asks again and again, for so many milliseconds."
  def eventually(fun, timeout \\ 15_000), do: ask(fun, now() + timeout)

  defp ask(fun, until) do
    cond do
      fun.() -> :ok
      now() > until -> flunk("it did not happen in time")
      true -> Process.sleep(10) && ask(fun, until)
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
