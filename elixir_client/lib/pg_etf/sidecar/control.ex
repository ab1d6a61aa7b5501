defmodule PgEtf.Sidecar.Control do
  @moduledoc false
  # The channel to the worker of PostgreSQL that started this BEAM: descriptors 3 and 4.
  # Its settings come first; then heartbeats; its end is the end of this BEAM.

  use GenServer

  alias PgEtf.Sidecar.Stats

  require Logger

  @variable "PG_ETF_SIDECAR"

  @doc "Whether PostgreSQL started this BEAM."
  @spec present? :: boolean
  def present?, do: System.get_env(@variable) != nil

  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(opts), do: GenServer.start_link(__MODULE__, opts, name: opts[:name])

  @doc "What the worker wants this BEAM to be started with."
  @spec settings(GenServer.server()) :: keyword
  def settings(control), do: GenServer.call(control, :settings, 10_000)

  @doc "Backends may connect."
  @spec ready(GenServer.server(), PgEtf.Sidecar.Config.t()) :: :ok
  def ready(control, config), do: GenServer.cast(control, {:ready, config})

  @impl GenServer
  def init(opts) do
    port = Port.open({:fd, opts[:in] || 3, opts[:out] || 4}, [:binary, :eof, packet: 4])
    {:ok, %{port: port, settings: nil, waiting: nil, config: nil}}
  end

  @impl GenServer
  def handle_call(:settings, from, %{settings: nil} = state) do
    {:noreply, %{state | waiting: from}}
  end

  def handle_call(:settings, _from, state), do: {:reply, state.settings, state}

  @impl GenServer
  def handle_cast({:ready, config}, state) do
    ready = %{pid: String.to_integer(System.pid()), otp: otp(), boot: config.boot}
    tell(state, {:ready, ready})
    {:noreply, %{state | config: config}}
  end

  @impl GenServer
  def handle_info({port, {:data, packet}}, %{port: port} = state) do
    {:noreply, obey(:erlang.binary_to_term(packet), state)}
  end

  def handle_info({port, :eof}, %{port: port}), do: System.halt(1)

  defp obey({:start, settings}, state) do
    settings = Enum.to_list(settings)
    if state.waiting, do: GenServer.reply(state.waiting, settings)
    %{state | settings: settings, waiting: nil}
  end

  defp obey({:ping, n}, state) do
    tell(state, {:pong, n, if(state.config, do: Stats.pulse(state.config), else: %{})})
    state
  end

  defp obey(:stop, state) do
    Logger.info("PostgreSQL stops: so does its sidecar")
    System.stop(0)
    state
  end

  defp tell(state, term), do: Port.command(state.port, :erlang.term_to_binary(term))

  defp otp, do: List.to_string(:erlang.system_info(:otp_release))
end
