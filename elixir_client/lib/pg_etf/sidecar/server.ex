defmodule PgEtf.Sidecar.Server do
  @moduledoc false
  # What serves backends, once it is known with which settings.

  use Supervisor

  alias PgEtf.Sidecar.{Config, Control, Listener, Loader, Results}

  # Connections that are there for as long as it takes to refuse them.
  @refused 32

  @spec start_link(Config.t()) :: Supervisor.on_start()
  def start_link(config), do: Supervisor.start_link(__MODULE__, config)

  @doc "Starts with the settings of the worker at the other end of the control channel."
  @spec start_controlled(GenServer.server(), keyword) :: Supervisor.on_start()
  def start_controlled(control, opts) do
    settings = Control.settings(control)
    start_link(Config.new(settings ++ [control: control] ++ opts))
  end

  @impl Supervisor
  def init(config) do
    Loader.prepare(config)

    Supervisor.init(
      [
        {Results, config},
        {Task.Supervisor,
         name: config.connections, max_children: config.max_connections + @refused},
        {Listener, config}
      ],
      strategy: :rest_for_one
    )
  end
end
