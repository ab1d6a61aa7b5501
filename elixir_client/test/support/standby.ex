defmodule PgEtf.Standby do
  @moduledoc false
  # A standby of a sandbox's server, in a directory beside it: a Unix socket's path must be
  # short, so it cannot be below the test's own. It ends with the test.

  import ExUnit.Assertions

  alias PgEtf.Sandbox

  @doc "Starts one, with these lines in its configuration."
  def start(sandbox, settings \\ "") do
    %{dir: primary, bindir: bindir} = Sandbox.info(sandbox)
    standby = %{dir: primary <> "_2", bindir: bindir, owner: owner(primary)}

    ExUnit.Callbacks.on_exit(fn ->
      pg_ctl(standby, ["-m", "immediate", "stop"])
      File.rm_rf!(standby.dir)
    end)

    superuser(sandbox, "SELECT pg_create_physical_replication_slot('standby', true)")
    copy(standby, primary, settings)
    assert {_, 0} = pg_ctl(standby, ["-l", Path.join(standby.dir, "log"), "start"])
    standby
  end

  defp copy(%{dir: dir} = standby, primary, settings) do
    File.mkdir!(dir)
    File.chown!(dir, standby.owner)
    args = ["-h", primary, "-U", "postgres", "-D", "#{dir}/data", "-S", "standby", "-c", "fast"]
    assert {_, 0} = run(standby, "pg_basebackup", args)
    File.write!("#{dir}/data/standby.signal", "")
    File.chown!("#{dir}/data/standby.signal", standby.owner)

    File.write!(
      "#{dir}/data/postgresql.conf",
      """
      unix_socket_directories = '#{dir}'
      primary_conninfo = 'host=#{primary} user=postgres dbname=postgres'
      primary_slot_name = standby
      hot_standby_feedback = on
      #{settings}
      """,
      [:append]
    )
  end

  @doc "On the primary."
  def superuser(sandbox, sql), do: Sandbox.psql!(sandbox, sql, username: "postgres")

  @doc "On the standby."
  def psql!(sandbox, standby, sql, opts \\ []),
    do: Sandbox.psql!(sandbox, sql, [dir: standby.dir] ++ opts)

  defp owner(path), do: File.stat!(path).uid

  def pg_ctl(standby, args),
    do: run(standby, "pg_ctl", ["-w", "-D", "#{standby.dir}/data" | args])

  # As the server's user, whom a test of root's is not.
  defp run(%{bindir: bindir, owner: owner}, program, args) do
    command = [Path.join(bindir, program) | args]
    as_owner = ["setpriv", "--reuid=#{owner}", "--regid=#{owner}", "--clear-groups", "--"]
    [command | args] = if owner("/proc/self") == owner, do: command, else: as_owner ++ command
    System.cmd(command, args, stderr_to_stdout: true)
  end
end
