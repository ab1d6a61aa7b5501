defmodule PgEtf.Testing.Forward do
  @moduledoc false
  # Sends each change to the process of a test.

  use PgEtf.Consumer, create_slot: :temporary, on_error: :stop

  @impl true
  def handle_changes(changes, test) do
    for change <- changes, do: send(test, {:pg_etf, change})
    {:ok, test}
  end

  # Milliseconds in which a server makes a slot, while other transactions are in progress.
  @patience 30_000

  @doc "Starts one, and waits until what is written from now on will come."
  @spec start(keyword) :: pid
  def start(opts) do
    slot = "pg_etf_test_#{System.os_time()}_#{System.unique_integer([:positive])}"
    {:ok, consumer} = [slot: slot, arg: self()] |> Keyword.merge(opts) |> start_link()
    wait(consumer, System.monotonic_time(:millisecond) + @patience)
  end

  defp wait(consumer, until) do
    info = PgEtf.info(consumer)

    cond do
      info.status == :connected ->
        consumer

      System.monotonic_time(:millisecond) > until ->
        raise "not connected in #{div(@patience, 1000)} s: #{inspect(info.error)}"

      true ->
        Process.sleep(10)
        wait(consumer, until)
    end
  end
end
