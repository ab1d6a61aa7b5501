defmodule PgEtf.SidecarTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog
  import PgEtf.Backend

  alias PgEtf.Functions.Registry, as: Functions

  @priced "PgEtf.Priced."

  setup_all do
    Code.ensure_loaded!(PgEtf.Priced)
    :ok
  end

  setup context do
    {_name, path} = start_sidecar(context[:sidecar] || [])
    {:ok, path: path}
  end

  describe "a call" do
    test "returns what the function returns, again and again", %{path: path} do
      socket = connect(path)

      for n <- 1..100 do
        assert {^n, :ok, sum} = ask(socket, {:call, n, @priced <> "add", [n, 1], []})
        assert sum == n + 1
      end
    end

    test "names the function, the exception and where it was", %{path: path} do
      socket = connect(path)

      assert {7, :raise, "38000", message, detail, "", context} =
               call(socket, @priced <> "fail", ["raise"])

      assert message == "PgEtf.Priced.fail/1 raised ArgumentError: no such"
      assert detail == "** (ArgumentError) no such\nprice"
      assert context =~ ~r"test/support/priced.ex:\d+: PgEtf.Priced.fail/1"
      refute context =~ "PgEtf.Sidecar"
      assert {7, :raise, "38000", message, _, _, _} = call(socket, @priced <> "fail", ["throw"])
      assert message == ~s|PgEtf.Priced.fail/1 threw {:too, "far"}|
      assert {7, :raise, "38000", message, _, _, _} = call(socket, @priced <> "fail", ["exit"])
      assert message == "PgEtf.Priced.fail/1 exited with :tired"
    end

    test "may choose its SQLSTATE", %{path: path} do
      assert {7, :raise, "23514", "negative", "", "be positive", _} =
               path |> connect() |> call(@priced <> "fail", ["sql"])
    end

    test "is refused where nothing is registered, and makes no atom", %{path: path} do
      socket = connect(path)
      name = "Nowhere.to_be_found_#{System.unique_integer([:positive])}"
      assert {7, :raise, "42883", message, "", hint, ""} = call(socket, name, [])
      assert message == "Elixir function #{name} is not registered"
      assert hint =~ "elixir_functions()"
      assert_raise ArgumentError, fn -> String.to_existing_atom(name) end
      assert {7, :raise, "42883", _, _, _, _} = call(socket, "Elixir.System.halt", [])

      assert {7, :raise, "42883", message, "Registered: PgEtf.Priced.add/2, PgEtf.Priced.add/3.",
              "", ""} = call(socket, @priced <> "add", [1])

      assert message == "Elixir function PgEtf.Priced.add does not take 1 arguments"
    end

    test "that takes too much memory is killed alone", %{path: path} do
      socket = connect(path, %{heap: 1_000_000})
      other = connect(path)

      capture_log(fn ->
        assert {7, :raise, "53200", "PgEtf.Priced.memory/1 was killed", _, hint, _} =
                 call(socket, @priced <> "memory", [10_000])

        assert hint =~ "elixir.call_memory_mb"

        assert {7, :raise, "53200", _, _, _, _} =
                 call(other, @priced <> "memory", [10_000], heap: 1_000_000)
      end)

      assert {7, :ok, 3} = call(socket, @priced <> "add", [1, 2])
      assert {7, :ok, 3} = call(other, @priced <> "add", [1, 2])
    end

    test "that is ended by a process linked to it says so", %{path: path} do
      assert {7, :raise, "38000", message, detail, _, _} =
               path |> connect() |> call(@priced <> "linked", [])

      assert message == "PgEtf.Priced.linked/0 was ended by a process linked to it"
      assert detail =~ ":ouch"
    end

    test "ends when its backend goes away", %{path: path} do
      Process.register(self(), :sidecar_test_waits)
      socket = connect(path)
      tell(socket, {:call, 1, @priced <> "wait", ["sidecar_test_waits"], []})
      assert_receive {:waiting, pid}
      ref = Process.monitor(pid)
      :gen_tcp.close(socket)
      assert_receive {:DOWN, ^ref, :process, ^pid, :killed}
    end

    test "that kills its connection is closed on, and others go on", %{path: path} do
      other = connect(path)
      assert {:error, :closed} = path |> connect() |> call(@priced <> "kill_connection", [])
      assert {7, :ok, 3} = call(other, @priced <> "add", [1, 2])
    end

    test "knows who calls", %{path: path} do
      socket = connect(path)

      assert {7, :ok, %{user: "app", database: "shop", pid: 1}} =
               call(socket, @priced <> "who", [])

      assert {7, :ok, %{user: "boss"}} = call(socket, @priced <> "who", [], user: "boss")
      assert {7, :ok, %{user: "app"}} = call(socket, @priced <> "who", [])
    end

    test "sends notices before its answer", %{path: path} do
      socket = connect(path)
      tell(socket, {:call, 3, @priced <> "noisy", ["a\0b\xFF"], []})
      assert {3, :notice, :notice, "a\uFFFDb\uFFFD"} = hear(socket)
      assert {3, :notice, :warning, "again"} = hear(socket)
      assert {3, :ok, :ok} = hear(socket)
    end

    @tag sidecar: [max_message_bytes: 10_000]
    test "cannot answer more than a packet holds", %{path: path} do
      socket = connect(path)
      :ok = Functions.put("large", fn n -> String.duplicate("x", n) end)

      assert {7, :raise, "54000", "the result of large is too large", _, _, _} =
               call(socket, "large", [10_000])

      assert {7, :ok, text} = call(socket, "large", [9_000])
      assert byte_size(text) == 9_000
    end
  end

  describe "a set" do
    test "arrives in parts, each asked for", %{path: path} do
      socket = connect(path)
      assert {7, :more, first} = ask(socket, {:stream, 7, @priced <> "numbers", [2_500], []})
      assert first == Enum.to_list(1..1_000)
      assert {7, :more, second} = ask(socket, {:more, 7})
      assert {7, :more, third} = ask(socket, {:more, 7})
      assert {7, :ok, nil} = ask(socket, {:more, 7})
      assert first ++ second ++ third == Enum.to_list(1..2_500)
    end

    test "may be empty", %{path: path} do
      socket = connect(path)
      assert {7, :ok, nil} = ask(socket, {:stream, 7, @priced <> "numbers", [0], []})
      assert {7, :ok, nil} = ask(socket, {:stream, 7, @priced <> "numbers", [nil], []})
    end

    test "of large rows has less of them in a part", %{path: path} do
      :ok =
        Functions.put("wide rows", fn -> List.duplicate(String.duplicate("x", 200_000), 5) end)

      assert {7, :more, rows} = path |> connect() |> ask({:stream, 7, "wide rows", [], []})
      assert length(rows) == 2
    end

    test "ends with its caller", %{path: path} do
      test = self()
      rows = Stream.resource(fn -> self() end, &{[1], &1}, fn _ -> :ok end)
      :ok = Functions.put("endless", fn -> send(test, {:runs, self()}) && rows end)
      socket = connect(path)
      assert {7, :more, _} = ask(socket, {:stream, 7, "endless", [], []})
      assert_receive {:runs, pid}
      ref = Process.monitor(pid)
      :gen_tcp.close(socket)
      assert_receive {:DOWN, ^ref, :process, ^pid, :killed}
    end

    test "of nothing that can be enumerated is an error of the function", %{path: path} do
      assert {7, :raise, "38000", message, _, _, _} =
               path |> connect() |> ask({:stream, 7, @priced <> "echo", ["x"], []})

      assert message =~ "PgEtf.Priced.echo/1 raised Protocol.UndefinedError"
    end
  end

  describe "what there is to know" do
    test "health", %{path: path} do
      socket = connect(path)
      call(socket, @priced <> "add", [1, 2])
      assert {9, :ok, health} = ask(socket, {:health, 9})
      assert %{"request_count" => 1, "connections" => 1, "memory_mb" => mb, "otp" => otp} = health
      assert mb > 0 and otp == to_string(:erlang.system_info(:otp_release))
    end

    test "functions and whether there is one", %{path: path} do
      socket = connect(path)
      assert {9, :ok, rows} = ask(socket, {:functions, 9, "PgEtf.Priced"})
      assert {@priced <> "echo", 1, "PgEtf.Priced", nil, "echo(value text) RETURNS text"} in rows
      assert {9, :ok, true} = ask(socket, {:check, 9, @priced <> "echo", 1})
      assert {9, :ok, true} = ask(socket, {:check, 9, @priced <> "echo", -1})
      assert {9, :raise, "42883", _, _, _, _} = ask(socket, {:check, 9, @priced <> "echo", 2})
      assert {9, :raise, "42883", _, _, _, _} = ask(socket, {:check, 9, "echo", -1})
    end
  end

  test "a socket that is in use is not taken; one that was left behind is", %{path: path} do
    Process.flag(:trap_exit, true)

    capture_log(fn ->
      assert {:error, reason} =
               PgEtf.Sidecar.start_link(socket: path, name: PgEtf.SidecarTest.Twice)

      assert inspect(reason) =~ "eaddrinuse"
    end)

    left = path <> ".left"
    {:ok, listener} = :gen_tcp.listen(0, ifaddr: {:local, left})
    :gen_tcp.close(listener)
    assert File.exists?(left)
    start_supervised!({PgEtf.Sidecar, socket: left, name: PgEtf.SidecarTest.Left}, id: :left)
    assert {7, :ok, 3} = left |> connect() |> call(@priced <> "add", [1, 2])
    assert Bitwise.band(File.stat!(left).mode, 0o777) == 0o600
    stop_supervised!(:left)
    refute File.exists?(left)
  end

  test "an option that is none is refused" do
    assert_raise ArgumentError, ~r/unknown keys/, fn ->
      PgEtf.Sidecar.init({__MODULE__, [socket: "x", nonsense: 1]})
    end

    assert_raise ArgumentError, ~r/:socket is required/, fn ->
      PgEtf.Sidecar.init({__MODULE__, []})
    end
  end

  test "many connect at once", %{path: path} do
    1..200
    |> Task.async_stream(fn n -> {connect(path), n} end, max_concurrency: 200)
    |> Enum.each(fn {:ok, {_socket, n}} -> assert n > 0 end)

    tasks =
      for n <- 1..100 do
        Task.async(fn -> path |> connect() |> call(@priced <> "add", [n, n]) end)
      end

    assert for({7, :ok, sum} <- Task.await_many(tasks, 30_000), do: sum) ==
             for(n <- 1..100, do: 2 * n)
  end
end
