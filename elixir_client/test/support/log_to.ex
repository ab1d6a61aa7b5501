defmodule PgEtf.LogTo do
  @moduledoc false
  # Sends what is logged to the test, whoever logs it: each event as a term with
  # nothing hidden, which is the most that any formatter could show.

  import ExUnit.Assertions
  import ExUnit.Callbacks

  def start do
    id = :"log_to_#{System.unique_integer([:positive])}"
    :ok = :logger.add_handler(id, __MODULE__, %{config: %{to: self()}})
    on_exit(fn -> :logger.remove_handler(id) end)
  end

  @doc false
  # The level before the rest: keys of a map come in any order.
  def log(%{level: level} = event, %{config: %{to: to}}) do
    send(to, {__MODULE__, "level: #{inspect(level)} " <> show(Map.delete(event, :level))})
  end

  @doc "A term in full, structs and long binaries too."
  def show(term), do: inspect(term, structs: false, limit: :infinity, printable_limit: :infinity)

  @doc "Waits until something is logged that matches, and returns all that came until then."
  def wait_for(pattern, timeout \\ 10_000) do
    assert_receive {__MODULE__, text}, timeout, "nothing logged like #{inspect(pattern)}"
    if text =~ pattern, do: text, else: text <> wait_for(pattern, timeout)
  end
end
