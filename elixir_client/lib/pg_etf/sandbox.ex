defmodule PgEtf.Sandbox do
  @moduledoc """
  A private, disposable PostgreSQL.

  For development, demonstrations and tests: a new cluster in a temporary directory,
  reachable only through a Unix socket, with logical decoding set up, the plugin loaded, a
  role and a database. It stops with this process, and its directory is removed, even if the
  whole virtual machine is killed.

      {:ok, sandbox} = PgEtf.Sandbox.start_link(database: "shop")
      PgEtf.Sandbox.psql!(sandbox, "CREATE TABLE orders (id int PRIMARY KEY)")

      Broadway.start_link(Orders,
        producer: [
          module: {PgEtf.Producer,
                   connection: PgEtf.Sandbox.connection(sandbox),
                   slot: "orders",
                   create_slot: true}
        ],
        ...
      )

  Any client can connect; Postgrex accepts `connection/1` as well. There is no password, but
  only the user who started it and root can reach the socket. If root starts it, the server
  runs as `postgres` or `nobody`, since PostgreSQL refuses to run as root.

  Snapshots and backfills need the extension as well, whose files only `make install` puts where
  the server finds them; then `psql!(sandbox, "CREATE EXTENSION pg_etf_decoding")`.

  ## Options

    * `:database`, `:username` - the names of the database (`"sandbox"`) and of its owner
      (`"sandbox"`), a role with REPLICATION.
    * `:bindir` - the directory of the server's programs. The default is that of `pg_config`
      (or of the environment variable `PG_CONFIG`), or the newest under
      `/usr/lib/postgresql`.
    * `:plugin` - the path of `pg_etf_decoding.so`. The default is that of the checkout, or
      the one installed in the server. With `false` the server does not let it in.
    * `:settings` - further server settings, a keyword list.
    * `:keep` - leaves the server running and keeps its directory (`false`).
    * `:name` - registers the process.
  """

  use GenServer

  alias PgEtf.Sandbox.{Cluster, Janitor, Programs}

  @timeout 60_000
  @options [:database, :username, :bindir, :plugin, :settings, :keep]

  # janitor  nil when the sandbox is to be kept
  defstruct [:cluster, :janitor]

  @doc "Starts a server, which is ready when this returns."
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(opts \\ []) do
    {server_opts, opts} = Keyword.split(opts, [:name])
    opts = Keyword.validate!(opts, @options)
    GenServer.start_link(__MODULE__, opts, [timeout: @timeout] ++ server_opts)
  end

  @doc "Whether a server and the plugin are available."
  @spec available?(keyword) :: boolean
  def available?(opts \\ []) do
    match?({:ok, _, _}, Programs.find(opts))
  end

  @doc "Where to connect: options for `PgEtf.Producer`, and for Postgrex."
  @spec connection(GenServer.server()) :: keyword
  def connection(sandbox), do: GenServer.call(sandbox, :connection, @timeout)

  @doc "A map of `dir`, `database`, `username`, `version` (such as 150020), `bindir`."
  @spec info(GenServer.server()) :: map
  def info(sandbox), do: GenServer.call(sandbox, :info, @timeout)

  @doc """
  Runs SQL with psql, and returns its output: one line for each row, columns separated by
  `|`. Raises if a statement fails.

  Runs as the owner of the database; as a superuser with `username: "postgres"`.
  """
  @spec psql!(GenServer.server(), iodata, keyword) :: String.t()
  def psql!(sandbox, sql, opts \\ []) do
    # In the caller's process, so that a long statement blocks nobody else.
    cluster = GenServer.call(sandbox, :cluster, @timeout)
    cluster |> struct!(opts) |> Cluster.psql!(sql)
  end

  @doc "Stops the server and starts it again. Modes are those of `pg_ctl`."
  @spec restart(GenServer.server(), :smart | :fast | :immediate) :: :ok
  def restart(sandbox, mode \\ :fast), do: GenServer.call(sandbox, {:restart, mode}, @timeout)

  ## Callbacks

  @impl true
  def init(opts) do
    Process.flag(:trap_exit, true)

    with {:ok, bindir, plugin} <- Programs.find(opts) do
      cluster = Cluster.new(bindir, opts)
      janitor = unless opts[:keep], do: Janitor.start(cluster.dir)
      cluster = Cluster.create(cluster, plugin, opts[:settings] || [])
      {:ok, %__MODULE__{cluster: cluster, janitor: janitor}}
    else
      {:error, text} -> {:stop, %PgEtf.Error{class: :config, message: text}}
    end
  end

  @impl true
  def handle_call(:cluster, _from, state), do: {:reply, state.cluster, state}

  def handle_call(:connection, _from, %{cluster: cluster} = state) do
    connection = [
      socket_dir: cluster.dir,
      username: cluster.username,
      database: cluster.database
    ]

    {:reply, connection, state}
  end

  def handle_call(:info, _from, state) do
    info = Map.take(state.cluster, [:dir, :database, :username, :version, :bindir])
    {:reply, info, state}
  end

  def handle_call({:restart, mode}, _from, state) do
    Cluster.stop!(state.cluster, mode)
    Cluster.start(state.cluster)
    {:reply, :ok, state}
  end

  @impl true
  def handle_info(_message, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, %__MODULE__{janitor: nil}), do: :ok
  def terminate(_reason, state), do: Cluster.remove(state.cluster)
end
