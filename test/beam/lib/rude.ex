defmodule Rude do
  @moduledoc "Functions that do what no function should."

  use PgEtf.Functions

  @doc "Runs a piece of Elixir in the process of the call."
  @sql true
  def run(source), do: source |> Code.eval_string() |> elem(0)

  @doc "Needs a processor until it is killed."
  @sql true
  def spin(_) do
    Process.register(self(), :"spinner#{System.unique_integer([:positive])}")
    spin()
  end

  defp spin, do: spin()

  @doc "How many of them there are."
  @sql true
  def spinning(_) do
    Enum.count(Process.registered(), &String.starts_with?(to_string(&1), "spinner"))
  end

  @doc "No scheduler of the BEAM runs anything for so long."
  @sql true
  def block(ms) do
    :erts_debug.set_internal_state(:available_internal_state, true)
    :erts_debug.set_internal_state(:block, ms)
  end

  @doc "The BEAM does not end when it is asked."
  @sql true
  def stay(_) do
    :ok = :os.set_signal(:sigterm, :ignore)
    {:ok, _} = Supervisor.start_child(:kernel_safe_sup, %{
      id: Rude,
      start: {Task, :start_link, [&unwilling/0]},
      shutdown: :infinity
    })

    true
  end

  defp unwilling do
    Process.flag(:trap_exit, true)
    forever()
  end

  defp forever do
    receive do
      _ -> forever()
    end
  end

  @doc "Processes of the BEAM."
  @sql true
  def processes(_), do: :erlang.system_info(:process_count)

  @doc "Messages that wait for processes of connections, at most."
  @sql true
  def waiting(_) do
    PgEtf.Sidecar
    |> Module.concat(Connections)
    |> Task.Supervisor.children()
    |> Enum.map(&elem(Process.info(&1, :message_queue_len), 1))
    |> Enum.max()
  end
end
