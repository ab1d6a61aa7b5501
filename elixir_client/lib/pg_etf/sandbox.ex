defmodule PgEtf.Sandbox do
  @moduledoc """
  A private PostgreSQL that is thrown away.

  For development, demonstrations and tests: a new cluster in a temporary
  directory, reached through a Unix socket only, with logical decoding set up, the
  plugin loaded, a role and a database. It runs under this process and ends with
  it, and its directory is removed; also when the whole virtual machine is killed.

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

  Any client can connect; `connection/1` is also what Postgrex takes. There is no
  password, but nobody else can reach the socket: only the user who started it
  and root. Started by root, which PostgreSQL refuses, the server runs as
  `postgres` or `nobody`.

  ## Options

    * `:database`, `:username` - the names of the database (`"sandbox"`) and of its
      owner (`"sandbox"`), a role that may replicate.
    * `:bindir` - the directory of the server's programs. Otherwise that of
      `pg_config` (or of the environment variable `PG_CONFIG`), or the newest under
      `/usr/lib/postgresql`.
    * `:plugin` - the path of `pg_etf_decoding.so`. Otherwise that of the checkout,
      or what is installed in the server.
    * `:settings` - further settings of the server, a keyword list.
    * `:keep` - leaves server and directory behind at the end (`false`).
    * `:name` - registers the process.
  """

  use GenServer

  @timeout 60_000
  @plugin "pg_etf_decoding"
  @checkout Path.expand("../../..", __DIR__)

  # The janitor outlives the virtual machine: the end of its stdin tells that
  # nobody will clean up. An initdb or a server on its way may still make files,
  # so it goes on until the directory has stayed away for a while.
  @janitor """
  echo ready
  cat > /dev/null
  quiet=0
  while test "$quiet" -lt 20
  do
    pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
    for i in $(seq 100)
    do
      kill -QUIT "$pid" 2> /dev/null || break
      sleep 0.1
    done
    if test -e "$1"
    then
      rm -rf "$1" 2> /dev/null
      quiet=0
    fi
    quiet=$((quiet + 1))
    sleep 0.1
  done
  """

  defstruct [:dir, :bindir, :user, :database, :username, :janitor, :keep, version: 0]

  @doc "Starts a server; ready when this returns."
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(opts \\ []) do
    {server_opts, opts} = Keyword.split(opts, [:name])
    GenServer.start_link(__MODULE__, opts, [timeout: @timeout] ++ server_opts)
  end

  @doc "Whether a server and the plugin are there to be started."
  @spec available?(keyword) :: boolean
  def available?(opts \\ []) do
    match?({:ok, _, _}, find(opts))
  end

  @doc "Where to connect: options for `PgEtf.Producer`, and for Postgrex."
  @spec connection(GenServer.server()) :: keyword
  def connection(sandbox), do: GenServer.call(sandbox, :connection, @timeout)

  @doc "What there is: `dir`, `database`, `username`, `version` (such as 150020), `bindir`."
  @spec info(GenServer.server()) :: map
  def info(sandbox), do: GenServer.call(sandbox, :info, @timeout)

  @doc """
  Runs SQL with psql, and returns what it prints: one line for each row, columns
  separated by `|`. Raises when a statement fails.

  Runs as the owner of the database; as a superuser with `username: "postgres"`.
  """
  @spec psql!(GenServer.server(), iodata, keyword) :: String.t()
  def psql!(sandbox, sql, opts \\ []) do
    # In the caller's process, so that a long statement blocks nobody else.
    state = GenServer.call(sandbox, :state, @timeout)
    run_psql!(struct!(state, opts), sql)
  end

  @doc "Stops the server and starts it again. Modes are those of `pg_ctl`."
  @spec restart(GenServer.server(), :smart | :fast | :immediate) :: :ok
  def restart(sandbox, mode \\ :fast), do: GenServer.call(sandbox, {:restart, mode}, @timeout)

  ## Callbacks

  @impl true
  def init(opts) do
    Process.flag(:trap_exit, true)

    with {:ok, bindir, plugin} <- find(opts) do
      dir = Path.join(System.tmp_dir!(), "pg_etf_#{random()}")

      state = %__MODULE__{
        dir: dir,
        bindir: bindir,
        user: user(),
        database: opts[:database] || "sandbox",
        username: opts[:username] || "sandbox",
        keep: Keyword.get(opts, :keep, false),
        janitor: unless(opts[:keep], do: janitor(dir))
      }

      File.mkdir!(dir)
      File.chmod!(dir, 0o700)

      {:ok,
       state |> create_cluster(plugin, opts[:settings] || []) |> start_server() |> populate()}
    else
      {:error, text} -> {:stop, %PgEtf.Error{class: :config, message: text}}
    end
  end

  @impl true
  def handle_call(:state, _from, state), do: {:reply, state, state}

  def handle_call(:connection, _from, state) do
    {:reply, [socket_dir: state.dir, username: state.username, database: state.database], state}
  end

  def handle_call(:info, _from, state) do
    {:reply, Map.take(state, [:dir, :database, :username, :version, :bindir]), state}
  end

  def handle_call({:restart, mode}, _from, state) do
    pg_ctl!(state, ["stop", "-m", Atom.to_string(mode)])
    {:reply, :ok, start_server(state)}
  end

  @impl true
  def handle_info(_message, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, %__MODULE__{keep: true}), do: :ok

  def terminate(_reason, state) do
    run(state, "pg_ctl", ["-D", data(state), "-m", "immediate", "-w", "stop"])
    File.rm_rf!(state.dir)
  end

  ## The cluster

  defp create_cluster(state, plugin, settings) do
    if plugin, do: File.cp!(plugin, Path.join(state.dir, @plugin <> ".so"))
    own(state)

    run!(state, "initdb", [
      ["-D", data(state)],
      ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    ])

    File.write!(
      Path.join(data(state), "postgresql.conf"),
      Enum.map(settings(state, settings), fn {name, value} -> "#{name} = '#{value}'\n" end),
      [:append]
    )

    state
  end

  defp settings(state, more) do
    [
      listen_addresses: "",
      unix_socket_directories: state.dir,
      unix_socket_permissions: "0700",
      wal_level: "logical",
      max_wal_senders: 20,
      max_replication_slots: 20,
      fsync: "off",
      dynamic_library_path: "#{state.dir}:$libdir"
    ] ++ plugin_setting(state) ++ more
  end

  # Newer minor releases load only the plugins named here, older ones do not start
  # when they meet a name that they do not know.
  defp plugin_setting(state) do
    {description, 0} = run(state, "postgres", ["--describe-config"])

    if description =~ ~r/^output_plugin_libraries\t/m do
      [output_plugin_libraries: "pgoutput, test_decoding, #{@plugin}"]
    else
      []
    end
  end

  defp start_server(state) do
    log = Path.join(state.dir, "log")

    case run(state, "pg_ctl", ["-D", data(state), "-l", log, "-w", "start"]) do
      {_, 0} -> state
      {output, _} -> raise "the server does not start: #{output}#{File.read!(log)}"
    end
  end

  defp populate(state) do
    run_psql!(%{state | database: "postgres", username: "postgres"}, """
    CREATE ROLE "#{state.username}" LOGIN REPLICATION;
    CREATE DATABASE "#{state.database}" OWNER "#{state.username}";
    """)

    version = run_psql!(state, "SHOW server_version_num")
    %{state | version: version |> String.trim() |> String.to_integer()}
  end

  defp run_psql!(state, sql) do
    path = Path.join(state.dir, "#{random()}.sql")
    File.write!(path, sql)
    File.chmod!(path, 0o644)

    try do
      run!(state, "psql", [
        ["-h", state.dir, "-U", state.username, "-d", state.database],
        ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", path]
      ])
    after
      File.rm(path)
    end
  end

  defp pg_ctl!(state, args), do: run!(state, "pg_ctl", ["-D", data(state), "-w" | args])

  defp data(state), do: Path.join(state.dir, "data")

  ## Programs

  defp run!(state, program, args) do
    case run(state, program, List.flatten(args)) do
      {output, 0} -> output
      {output, status} -> raise "#{program} ended with status #{status}: #{output}"
    end
  end

  defp run(state, program, args) do
    [command | args] = as_user(state.user) ++ [Path.join(state.bindir, program) | args]
    env = [{"LC_ALL", "C"}, {"PGOPTIONS", nil}, {"PGDATABASE", nil}, {"PGPORT", nil}]
    System.cmd(command, args, stderr_to_stdout: true, env: env, cd: state.dir)
  end

  defp as_user(nil), do: []

  defp as_user(user) do
    ["setpriv", "--reuid=#{user}", "--regid=#{user}", "--clear-groups", "--"]
  end

  # Who the server runs as, where it cannot be who started it.
  defp user do
    with {"0\n", 0} <- System.cmd("id", ["-u"]) do
      Enum.find_value(["postgres", "nobody"], fn name ->
        case System.cmd("id", ["-u", name], stderr_to_stdout: true) do
          {id, 0} -> String.trim(id)
          _ -> nil
        end
      end)
    else
      _ -> nil
    end
  end

  defp own(%__MODULE__{user: nil}), do: :ok

  defp own(%__MODULE__{user: user, dir: dir}) do
    {_, 0} = System.cmd("chown", ["-R", "#{user}", dir])
    :ok
  end

  # Waits for it: what is made before it is there has nobody to remove it.
  defp janitor(dir) do
    port =
      Port.open({:spawn_executable, "/bin/sh"}, [:hide, args: ["-c", @janitor, "janitor", dir]])

    receive do
      {^port, {:data, _}} -> port
    end
  end

  # The plugin is nil where the server has it.
  defp find(opts) do
    with {:ok, bindir} <- bindir(opts[:bindir]),
         {:ok, plugin} <- plugin(opts[:plugin], bindir),
         do: {:ok, bindir, plugin}
  end

  defp bindir(nil) do
    [configured() | Enum.sort_by(Path.wildcard("/usr/lib/postgresql/*/bin"), &version/1, :desc)]
    |> Enum.find(&server?/1)
    |> case do
      nil -> {:error, "no PostgreSQL server found: install one, or give :bindir"}
      dir -> {:ok, dir}
    end
  end

  defp bindir(dir) do
    if server?(dir), do: {:ok, dir}, else: {:error, "there is no PostgreSQL server in #{dir}"}
  end

  defp configured do
    pg_config = System.get_env("PG_CONFIG") || System.find_executable("pg_config")

    case pg_config && System.cmd(pg_config, ["--bindir"]) do
      {dir, 0} -> String.trim(dir)
      _ -> nil
    end
  end

  defp version(dir) do
    case dir |> Path.dirname() |> Path.basename() |> Integer.parse() do
      {version, _} -> version
      :error -> 0
    end
  end

  defp server?(nil), do: false
  defp server?(dir), do: Enum.all?(["initdb", "postgres", "pg_ctl"], &exists?(dir, &1))

  defp exists?(dir, name), do: dir |> Path.join(name) |> File.regular?()

  defp installed?(bindir) do
    case System.cmd(Path.join(bindir, "pg_config"), ["--pkglibdir"]) do
      {dir, 0} -> dir |> String.trim() |> exists?(@plugin <> ".so")
      _ -> false
    end
  rescue
    ErlangError -> false
  end

  defp plugin(nil, bindir) do
    built = Path.join(@checkout, @plugin <> ".so")

    cond do
      File.regular?(built) -> {:ok, built}
      installed?(bindir) -> {:ok, nil}
      true -> {:error, "#{built} is not built: run `make` at the top of the checkout"}
    end
  end

  defp plugin(path, _bindir) do
    if File.regular?(path), do: {:ok, path}, else: {:error, "there is no plugin at #{path}"}
  end

  defp random, do: Base.encode32(:rand.bytes(5), case: :lower, padding: false)
end
