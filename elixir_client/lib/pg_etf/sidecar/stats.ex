defmodule PgEtf.Sidecar.Stats do
  @moduledoc false
  # What elixir_health() and the heartbeat say of this BEAM.

  alias PgEtf.Sidecar.{Config, Results}

  @spec count(Config.t()) :: :ok
  def count(config), do: :counters.add(config.requests, 1, 1)

  @spec all(Config.t()) :: map
  def all(config) do
    Map.merge(Results.counts(config), %{
      "uptime_seconds" => div(System.monotonic_time(:millisecond) - config.started, 1_000),
      "memory_mb" => div(:erlang.memory(:total), 1_048_576),
      "request_count" => :counters.get(config.requests, 1),
      "connections" => connections(config),
      "run_queue" => :erlang.statistics(:total_run_queue_lengths),
      "processes" => :erlang.system_info(:process_count),
      "otp" => List.to_string(:erlang.system_info(:otp_release)),
      "boot" => config.boot
    })
  end

  @doc "The answer to a heartbeat: it waits for no other process."
  @spec pulse(Config.t()) :: map
  def pulse(config) do
    %{
      memory: :erlang.memory(:total),
      request_count: :counters.get(config.requests, 1),
      run_queue: :erlang.statistics(:total_run_queue_lengths)
    }
  end

  defp connections(config), do: DynamicSupervisor.count_children(config.connections).active
end
