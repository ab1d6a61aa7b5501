defmodule PgEtf.Sandbox.Cluster do
  @moduledoc false
  # The cluster of a sandbox: its directory, its server and the commands that make, run
  # and remove them.

  alias __MODULE__

  @plugin "pg_etf_decoding"

  @enforce_keys [:dir, :bindir]
  defstruct [:dir, :bindir, :user, :database, :username, version: 0]

  @type t :: %Cluster{}

  @doc "One that is not made yet: a directory of its own, and who its server runs as."
  @spec new(Path.t(), keyword) :: t
  def new(bindir, opts) do
    %Cluster{
      dir: Path.join(System.tmp_dir!(), "pg_etf_#{random()}"),
      bindir: bindir,
      user: user(),
      database: opts[:database] || "sandbox",
      username: opts[:username] || "sandbox"
    }
  end

  @doc "Makes and starts a cluster in a new directory."
  @spec create(t, plugin :: Path.t() | nil | false, settings :: keyword) :: t
  def create(%Cluster{} = cluster, plugin, settings) do
    File.mkdir!(cluster.dir)
    File.chmod!(cluster.dir, 0o700)
    if plugin, do: File.cp!(plugin, Path.join(cluster.dir, @plugin <> ".so"))
    own(cluster)
    cluster |> initdb(plugin_setting(cluster, plugin) ++ settings) |> start() |> populate()
  end

  defp initdb(cluster, settings) do
    run!(cluster, "initdb", [
      ["-D", data(cluster)],
      ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    ])

    File.write!(
      Path.join(data(cluster), "postgresql.conf"),
      Enum.map(settings(cluster, settings), fn {name, value} -> "#{name} = '#{value}'\n" end),
      [:append]
    )

    cluster
  end

  defp settings(cluster, more) do
    [
      listen_addresses: "",
      unix_socket_directories: cluster.dir,
      unix_socket_permissions: "0700",
      wal_level: "logical",
      max_wal_senders: 20,
      max_replication_slots: 20,
      fsync: "off"
    ] ++ more
  end

  # Newer minor releases load only the plugins named here, older ones do not start
  # when they meet a name that they do not know.
  defp plugin_setting(cluster, plugin) do
    {description, 0} = run(cluster, "postgres", ["--describe-config"])
    {path, ours} = if plugin == false, do: {"", ""}, else: {"#{cluster.dir}:", ", #{@plugin}"}

    [dynamic_library_path: path <> "$libdir"] ++
      if description =~ ~r/^output_plugin_libraries\t/m do
        [output_plugin_libraries: "pgoutput, test_decoding" <> ours]
      else
        []
      end
  end

  @doc "Starts the server."
  @spec start(t) :: t
  def start(cluster) do
    log = Path.join(cluster.dir, "log")

    case run(cluster, "pg_ctl", ["-D", data(cluster), "-l", log, "-w", "start"]) do
      {_, 0} -> cluster
      {output, _} -> raise "the server does not start: #{output}#{File.read!(log)}"
    end
  end

  defp populate(cluster) do
    psql!(%{cluster | database: "postgres", username: "postgres"}, """
    CREATE ROLE "#{cluster.username}" LOGIN REPLICATION;
    CREATE DATABASE "#{cluster.database}" OWNER "#{cluster.username}";
    """)

    version = psql!(cluster, "SHOW server_version_num")
    %{cluster | version: version |> String.trim() |> String.to_integer()}
  end

  @doc "Runs SQL with psql; what it prints."
  @spec psql!(t, iodata) :: String.t()
  def psql!(cluster, sql) do
    path = Path.join(cluster.dir, "#{random()}.sql")
    File.write!(path, sql)
    File.chmod!(path, 0o644)

    try do
      run!(cluster, "psql", [
        ["-h", cluster.dir, "-U", cluster.username, "-d", cluster.database],
        ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", path]
      ])
    after
      File.rm(path)
    end
  end

  @doc "Stops the server. Modes are those of pg_ctl."
  @spec stop!(t, atom) :: String.t()
  def stop!(cluster, mode) do
    run!(cluster, "pg_ctl", ["-D", data(cluster), "-w", "stop", "-m", Atom.to_string(mode)])
  end

  @doc "Stops the server if it runs, and removes the directory."
  @spec remove(t) :: term
  def remove(cluster) do
    run(cluster, "pg_ctl", ["-D", data(cluster), "-m", "immediate", "-w", "stop"])
    File.rm_rf!(cluster.dir)
  end

  defp data(cluster), do: Path.join(cluster.dir, "data")

  ## Programs

  defp run!(cluster, program, args) do
    case run(cluster, program, List.flatten(args)) do
      {output, 0} -> output
      {output, status} -> raise "#{program} ended with status #{status}: #{output}"
    end
  end

  defp run(cluster, program, args) do
    [command | args] = as_user(cluster.user) ++ [Path.join(cluster.bindir, program) | args]
    env = [{"LC_ALL", "C"}, {"PGOPTIONS", nil}, {"PGDATABASE", nil}, {"PGPORT", nil}]
    System.cmd(command, args, stderr_to_stdout: true, env: env, cd: cluster.dir)
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

  defp own(%Cluster{user: nil}), do: :ok

  defp own(%Cluster{user: user, dir: dir}) do
    {_, 0} = System.cmd("chown", ["-R", "#{user}", dir])
    :ok
  end

  defp random, do: Base.encode32(:rand.bytes(5), case: :lower, padding: false)
end
