defmodule PgEtf.Client.Settings do
  @moduledoc false
  # The start settings of the C program, from the options of a stream.

  alias PgEtf.Client.{Connection, PluginOptions}

  @doc "The settings of the `start` command: see docs/port.md."
  @spec start(keyword) :: map
  def start(opts) do
    {credit_events, credit_bytes} = credit(opts)

    opts[:connection]
    |> Connection.settings!()
    |> Map.merge(%{
      slot: opts[:slot],
      create: create(opts[:create_slot]),
      failover: opts[:failover],
      plugin: opts[:plugin],
      format: opts[:format],
      backfills: opts[:backfill_store] == :server,
      create_publication: opts[:create_publication],
      two_phase: opts[:two_phase],
      streaming: opts[:streaming],
      spool_bytes: opts[:spool_bytes],
      standby: opts[:standby] and opts[:create_slot] != :temporary,
      takeover_timeout: opts[:takeover_timeout],
      options: PluginOptions.options(opts),
      credit_events: credit_events,
      credit_bytes: credit_bytes,
      status_interval: opts[:status_interval],
      liveness_timeout: opts[:liveness_timeout],
      max_stall: opts[:max_stall],
      reconnect_min: opts[:backoff_min],
      reconnect_max: opts[:backoff_max],
      stop_timeout: opts[:shutdown_timeout]
    })
    |> put_unless_nil(:spool_dir, opts[:spool_dir])
    |> put_start_position(opts[:start_position])
    |> Map.put(:ack_positions, opts[:start_position] != nil)
  end

  @doc "The events and bytes that the program may send at first."
  @spec credit(keyword) :: {pos_integer, pos_integer}
  def credit(opts), do: {opts[:prefetch], min(opts[:window_bytes], opts[:ahead_bytes])}

  defp create(false), do: :none
  defp create(create) when create in [true, :once], do: :if_missing
  defp create(:temporary), do: :temporary

  defp put_unless_nil(settings, _key, nil), do: settings
  defp put_unless_nil(settings, key, value), do: Map.put(settings, key, value)

  defp put_start_position(settings, fun) when is_function(fun) do
    put_start_position(settings, fun.())
  end

  defp put_start_position(settings, lsn), do: put_unless_nil(settings, :startpos, lsn)
end
