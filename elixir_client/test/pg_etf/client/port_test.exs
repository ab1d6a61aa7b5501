defmodule PgEtf.PortClientTest do
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.{Client, Error}

  test "a program that is not there is named, with what to do" do
    assert {:error, %Error{class: :config} = error} = Client.Port.find("/no/such/program")
    assert Exception.message(error) =~ "/no/such/program does not exist"
    assert error.hint =~ "PG_ETF_CLIENT"
    assert {:error, _} = Client.Port.open(%{}, client_path: __DIR__)
  end

  # In a machine of its own, which has no file left to open.
  test "a program that cannot be started for now is tried again" do
    code = """
    # Modules are files, too.
    struct(PgEtf.Error)
    IO.puts("\#{:warm}")
    path = System.find_executable("true")
    open = fn -> :file.open("/dev/null", [:raw, :read]) end
    {:ok, _} = PgEtf.Client.Port.find(path)
    files = Stream.repeatedly(open) |> Enum.take_while(&match?({:ok, _}, &1))
    {:error, %{class: class, message: message}} = PgEtf.Client.Port.open(%{}, client_path: path)
    for {:ok, file} <- files, do: :file.close(file)
    IO.puts("\#{class}: \#{message}")
    """

    args = ["-c", ~s(ulimit -n 256; exec elixir -pa "$1" -e "$2"), "sh"]
    args = args ++ [Mix.Project.compile_path(), code]
    assert {output, 0} = System.cmd("sh", args, stderr_to_stdout: true)
    assert output =~ ~r"port: .*true cannot be started: emfile"
  end

  describe "a program that misbehaves" do
    @describetag :tmp_dir

    setup %{tmp_dir: dir} do
      Process.flag(:trap_exit, true)

      %{
        script: fn body ->
          path = Path.join(dir, "script")
          File.write!(path, "#!/bin/sh\n" <> body)
          File.chmod!(path, 0o755)
          path
        end
      }
    end

    # After it has read its settings: before that the pipe would break as well.
    test "exits at once: the status tells the class", %{script: script} do
      for {status, class} <- [
            {4, :auth},
            {7, :slot_lost},
            {13, :network},
            {99, :port},
            {126, :config},
            {127, :config}
          ] do
        path = script.("head -c 4 > /dev/null; exit #{status}")
        {:ok, conn} = Client.Port.open(%{}, client_path: path)
        assert {:down, %Error{class: ^class}} = Client.Port.handle_message(conn, next(conn))
      end
    end

    test "cannot run, as where libpq is missing: the hint names it" do
      error = Error.from_exit_status(127)
      refute Error.transient?(error)
      assert Exception.message(error) =~ "libpq5"
    end

    test "is killed by a signal", %{script: script} do
      {:ok, conn} = Client.Port.open(%{}, client_path: script.("kill -SEGV $$"))
      assert {:down, %Error{class: :port} = error} = Client.Port.handle_message(conn, next(conn))
      assert error.message =~ "signal 11"
      assert Exception.message(Error.from_exit_status(128 + 9)) =~ "out of memory"
    end

    test "does not read: commands are refused, nobody is suspended", %{script: script} do
      {:ok, conn} = Client.Port.open(%{}, client_path: script.("exec sleep 60"))
      big = {:start, %{"x" => String.duplicate("x", 1_000_000)}}
      results = for _ <- 1..5, do: Client.Port.command(conn, big)
      assert :busy in results
      Client.Port.close(conn, 0)
    end

    test "does not end: it is killed", %{script: script} do
      path = script.("trap '' TERM INT; exec sleep 60 <&-")
      {:ok, conn} = Client.Port.open(%{}, client_path: path)
      assert File.exists?("/proc/#{conn.os_pid}")
      assert :ok = Client.Port.close(conn, 50)
      eventually(fn -> not File.exists?("/proc/#{conn.os_pid}") end)
    end

    defp next(%{port: port}) do
      receive do
        {^port, _} = message -> message
        {:EXIT, ^port, _} = message -> message
      after
        5_000 -> flunk("no word from the program")
      end
    end
  end

  test "messages that are not its own are left alone" do
    conn = %Client.Port{port: make_ref(), os_pid: nil}
    assert Client.Port.handle_message(conn, :anything) == :unknown
    assert Client.Port.handle_message(conn, {make_ref(), {:data, "x"}}) == :unknown
  end
end
