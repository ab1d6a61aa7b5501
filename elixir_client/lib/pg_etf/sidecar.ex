defmodule PgEtf.Sidecar do
  @moduledoc """
  Serves calls from PostgreSQL: the other end of `LANGUAGE elixir` and `elixir_call`.

  Either PostgreSQL runs the BEAM beside itself, or the BEAM is yours and PostgreSQL
  connects to it.

  ## Run by PostgreSQL

  In `postgresql.conf`:

      shared_preload_libraries = 'pg_etf_beam'
      elixir.command = 'elixir -pa /opt/shop/ebin -e PgEtf.Sidecar.boot --no-halt'

  or the start command of a release that has `PgEtf.Sidecar` among its children:

      elixir.command = '/opt/shop/bin/shop start'

  All settings are PostgreSQL's; of the options given here only those about Elixir
  (`:modules`, `:apps`) have an effect. The BEAM stops with the server.

  ## Run by you

      children = [
        {PgEtf.Sidecar, socket: "/run/shop/sidecar.sock"}
      ]

  and `elixir.socket = '/run/shop/sidecar.sock'`, with `elixir.command` empty. Where the
  two run as different users of the operating system, give `:allowed_uids` and `:mode`.

  In a release that is started both ways the same child does for both.

  ## Options

    * `:socket` - path of the unix socket; required, unless PostgreSQL started this BEAM
    * `:mode` - its permissions; `0o600`
    * `:allowed_uids` - users that may connect, beside the one that owns the socket and
      root (Linux)
    * `:modules` - modules to load at the start, for those that use `PgEtf.Functions`
    * `:apps` - applications whose modules to load; by default those that depend on
      `:pg_etf`. A release has all its code loaded anyway
    * `:code_path` - directories or files with Elixir source, separated by `:`, compiled
      at the start
    * `:call_memory_mb` - memory of one call, whose process is killed beyond it; 128
    * `:max_message_bytes` - longest request and answer; 16 MiB
    * `:max_connections` - 2048, and 96 less than the files that the BEAM may open
    * `:result_ttl` - seconds for which a result of an asynchronous call is kept; 600
    * `:max_results`, `:max_result_bytes` - how many are kept, pending calls included;
      10,000 and 64 MiB. Beyond, new calls are rejected
    * `:allow_load_code` - whether superusers may send code; `false`
    * `:name` - of the supervisor; `PgEtf.Sidecar`

  ## Processes

      PgEtf.Sidecar
      ├── Control       only when PostgreSQL started this BEAM
      └── Server
          ├── Results      asynchronous calls
          ├── Connections  one process per backend, and one for each call that runs
          └── Listener     the socket

  A call runs in a process of its own, linked to that of its connection. It is killed
  when the backend cancels, times out or ends, and when it takes too much memory;
  processes that it linked to itself die with it.
  """

  use Supervisor

  alias PgEtf.Sidecar.{Config, Control, Server}

  @doc """
  Starts a sidecar. For a supervision tree, use `{PgEtf.Sidecar, opts}`.
  """
  @spec start_link(keyword) :: Supervisor.on_start()
  def start_link(opts \\ []) do
    name = Keyword.get(opts, :name, __MODULE__)
    Supervisor.start_link(__MODULE__, {name, opts}, name: name)
  end

  @doc """
  Starts a sidecar in a BEAM that PostgreSQL started: for `elixir -e PgEtf.Sidecar.boot`.

  The BEAM ends when the sidecar does.
  """
  @spec boot(keyword) :: :ok
  def boot(opts \\ []) do
    {:ok, _} = Application.ensure_all_started(:pg_etf, :permanent)

    case Supervisor.start_child(PgEtf.Supervisor, {__MODULE__, opts}) do
      {:ok, _} ->
        :ok

      {:error, reason} ->
        IO.puts(:stderr, "the sidecar cannot start: #{explain(reason)}")
        System.halt(1)
    end
  end

  # What supervisors put around the reason hides it.
  defp explain({reason, child}) when elem(child, 0) == :child, do: explain(reason)
  defp explain({:shutdown, reason}), do: explain(reason)
  defp explain({:failed_to_start_child, _id, reason}), do: explain(reason)

  defp explain({error, stack}) when is_exception(error),
    do: Exception.format(:error, error, stack)

  defp explain(reason), do: Exception.format_exit(reason)

  @impl Supervisor
  def init({name, opts}) do
    if Control.present?() do
      control = Module.concat(name, Control)
      given = Keyword.take(opts, [:modules, :apps, :name])
      start = {Server, :start_controlled, [control, given]}

      Supervisor.init(
        [{Control, name: control}, %{id: Server, start: start, type: :supervisor}],
        strategy: :one_for_all,
        max_restarts: 0
      )
    else
      Supervisor.init([{Server, Config.new(opts)}], strategy: :one_for_one)
    end
  end
end
