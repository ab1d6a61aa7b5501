defmodule PgEtf.Integration.SandboxTest do
  # Nothing stays behind, however the one who started a sandbox ends.
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.Sandbox

  @moduletag :integration
  # Virtual machines and servers start here, and the machine may be busy.
  @moduletag timeout: 600_000

  # A virtual machine of its own, whose output is ours; its temporary directory tells
  # what it leaves.
  defp start(args, tmp) do
    Port.open({:spawn_executable, System.find_executable("mix")}, [
      :binary,
      :exit_status,
      :stderr_to_stdout,
      args: ["pg_etf.sandbox" | args],
      env: [{~c"TMPDIR", to_charlist(tmp)}, {~c"MIX_ENV", ~c"dev"}]
    ])
  end

  # A Unix socket's path must be short.
  defp tmp do
    path = Path.join(System.tmp_dir!(), "pg_#{Base.encode16(:rand.bytes(4))}")
    File.mkdir!(path)
    File.chmod!(path, 0o777)
    on_exit(fn -> clean(path) end)
    path
  end

  # Whatever a failed test has left.
  defp clean(path) do
    for file <- Path.wildcard("#{path}/*/data/postmaster.pid"),
        [pid | _] = file |> File.read!() |> String.split("\n"),
        do: System.cmd("kill", ["-QUIT", pid])

    File.rm_rf!(path)
  end

  defp output_until(port, pattern, text \\ "") do
    if text =~ pattern do
      text
    else
      receive do
        {^port, {:data, data}} -> output_until(port, pattern, text <> data)
        {^port, {:exit_status, status}} -> flunk("ended with #{status}: #{text}")
      after
        180_000 -> flunk("no #{inspect(pattern)}: #{text}")
      end
    end
  end

  defp postmasters(tmp) do
    for path <- Path.wildcard("/proc/[0-9]*/cmdline"),
        {:ok, command} <- [File.read(path)],
        command =~ tmp,
        do: String.replace(command, "\0", " ")
  end

  # Mix has a lock of its own there since Elixir 1.18.
  defp made(tmp), do: Enum.reject(File.ls!(tmp), &String.starts_with?(&1, "mix_"))

  defp gone!(tmp) do
    eventually(fn -> made(tmp) == [] and postmasters(tmp) == [] end, 120_000)
  end

  defp os_pid(port), do: port |> Port.info(:os_pid) |> elem(1)

  test "mix pg_etf.sandbox: psql connects, the end of its input ends it" do
    tmp = tmp()
    port = start(["--database", "shop", "--username", "me"], tmp)
    output = output_until(port, ~r/Elixir .*\n/)
    [command, dir] = Regex.run(~r/psql -h (\S+) -U me shop/, output)
    assert Path.dirname(dir) == tmp
    [psql | args] = String.split(command)
    psql = Path.join(bindir(), psql)
    sql = "SELECT current_user, current_database(), count(*) FROM pg_available_extensions"
    assert {"me|shop|" <> _, 0} = System.cmd(psql, args ++ ["-Atc", sql])
    Port.command(port, "\n")
    assert_receive {^port, {:exit_status, 0}}, 120_000
    gone!(tmp)
  end

  test "mix pg_etf.sandbox without a server says so" do
    port = start(["--bindir", "/nowhere"], tmp())
    output = output_until(port, "** (Mix)")
    assert output =~ "there is no PostgreSQL server in /nowhere"
    assert_receive {^port, {:exit_status, 1}}, 120_000
  end

  test "options that are none are refused" do
    assert_raise ArgumentError, ~r/:databse/, fn -> Sandbox.start_link(databse: "shop") end
  end

  test "the virtual machine is killed" do
    tmp = tmp()
    port = start([], tmp)
    output_until(port, ~r/Elixir .*\n/)
    assert [_ | _] = postmasters(tmp)
    System.cmd("sh", ["-c", "kill -KILL #{os_pid(port)}"])
    gone!(tmp)
  end

  test "the virtual machine is killed while the server is made" do
    for pause <- [0, 200, 700] do
      tmp = tmp()
      port = start([], tmp)
      eventually(fn -> made(tmp) != [] end, 120_000)
      Process.sleep(pause)
      System.cmd("sh", ["-c", "kill -KILL #{os_pid(port)}"])
      gone!(tmp)
    end
  end

  defp bindir do
    sandbox = start_supervised!(Sandbox)
    Sandbox.info(sandbox).bindir
  end
end
