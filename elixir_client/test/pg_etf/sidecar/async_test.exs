defmodule PgEtf.Sidecar.AsyncTest do
  use ExUnit.Case, async: true

  import PgEtf.{Backend, Eventually}

  @priced "PgEtf.Priced."

  setup_all do
    Code.ensure_loaded!(PgEtf.Priced)
    :ok
  end

  setup context do
    {_name, path} = start_sidecar(context[:sidecar] || [])
    {:ok, path: path}
  end

  describe "an asynchronous call" do
    test "may be one of many, each of which is tried", %{path: path} do
      socket = connect(path)
      call = fn n, name -> {<<n::128>>, @priced <> name, [n, 1], []} end
      assert {7, :ok, true} = ask(socket, {:batch, 7, [call.(1, "add"), call.(2, "add")]})

      assert {8, :raise, "42883", _, _, _, _} =
               ask(socket, {:batch, 8, [call.(3, "none"), call.(4, "add")]})

      for n <- [1, 2, 4] do
        assert {^n, :ok, %{"status" => "done", "result" => sum}} =
                 ask(socket, {:result, n, <<n::128>>, 5_000, []})

        assert sum == n + 1
      end
    end

    @uuid <<1::128>>

    test "keeps what it returns for the role that asked", %{path: path} do
      socket = connect(path)
      assert {7, :ok, true} = ask(socket, {:async, 7, @uuid, @priced <> "add", [1, 2], []})

      assert {8, :ok, %{"status" => "done", "result" => 3}} =
               ask(socket, {:result, 8, @uuid, 10_000, []})

      assert {8, :ok, %{"status" => "done"}} = ask(connect(path), {:result, 8, @uuid, 0, []})
      assert {8, :ok, lost} = ask(socket, {:result, 8, @uuid, 0, user: "other"})
      assert %{"status" => "lost", "since" => since} = lost
      assert {:ok, _, 0} = DateTime.from_iso8601(since)

      assert {8, :ok, %{"status" => "done"}} =
               ask(socket, {:result, 8, @uuid, 0, user: "other", superuser: true})
    end

    test "says how it failed", %{path: path} do
      socket = connect(path)
      assert {7, :ok, true} = ask(socket, {:async, 7, @uuid, @priced <> "fail", ["raise"], []})

      assert {8, :ok, %{"status" => "failed", "error" => error}} =
               ask(socket, {:result, 8, @uuid, 10_000, []})

      assert %{"sqlstate" => "38000", "message" => "PgEtf.Priced.fail/1 raised" <> _} = error
    end

    test "outlives its backend and is pending meanwhile, until its time is over", %{path: path} do
      Process.register(self(), :sidecar_test_async)
      socket = connect(path)

      request = {:async, 7, @uuid, @priced <> "wait", ["sidecar_test_async"], timeout: 500}
      assert {7, :ok, true} = ask(socket, request)
      assert_receive {:waiting, pid}
      :gen_tcp.close(socket)
      socket = connect(path)
      assert {8, :ok, %{"status" => "pending"}} = ask(socket, {:result, 8, @uuid, 0, []})
      assert Process.alive?(pid)

      assert {8, :ok, %{"status" => "failed", "error" => %{"sqlstate" => "57014"}}} =
               ask(socket, {:result, 8, @uuid, 10_000, []})

      refute Process.alive?(pid)
    end

    test "is waited for so long and no longer", %{path: path} do
      Process.register(self(), :sidecar_test_long)
      socket = connect(path)
      request = {:async, 7, @uuid, @priced <> "wait", ["sidecar_test_long"], []}
      assert {7, :ok, true} = ask(socket, request)
      assert {8, :ok, %{"status" => "pending"}} = ask(socket, {:result, 8, @uuid, 50, []})
    end

    @tag sidecar: [max_results: 2]
    test "is refused when too many are kept", %{path: path} do
      socket = connect(path)
      assert {7, :ok, true} = ask(socket, {:async, 7, <<1::128>>, @priced <> "add", [1, 2], []})
      assert {7, :ok, true} = ask(socket, {:async, 7, <<2::128>>, @priced <> "add", [1, 2], []})

      assert {7, :raise, "53400", _, _, _, _} =
               ask(socket, {:async, 7, <<3::128>>, @priced <> "add", [1, 2], []})
    end

    @tag sidecar: [max_result_bytes: 1_000]
    test "whose result finds no room has failed", %{path: path} do
      socket = connect(path)
      text = String.duplicate("x", 2_000)
      assert {7, :ok, true} = ask(socket, {:async, 7, @uuid, @priced <> "echo", [text], []})

      assert {8, :ok, %{"status" => "failed", "error" => %{"sqlstate" => "53400"}}} =
               ask(socket, {:result, 8, @uuid, 10_000, []})
    end

    @tag sidecar: [result_ttl: 0]
    test "is forgotten after its time", %{path: path} do
      socket = connect(path)
      assert {7, :ok, true} = ask(socket, {:async, 7, @uuid, @priced <> "add", [1, 2], []})

      eventually(fn ->
        {8, :ok, result} = ask(socket, {:result, 8, @uuid, 0, []})
        result["status"] == "lost"
      end)

      assert {9, :ok, %{"results" => 0, "pending" => 0}} = ask(socket, {:health, 9})
    end

    test "of which nobody keeps the result leaves nothing behind", %{path: path} do
      socket = connect(path)
      assert {7, :ok, true} = ask(socket, {:async, 7, nil, @priced <> "add", [1, 2], []})

      eventually(fn ->
        match?({9, :ok, %{"results" => 0, "pending" => 0}}, ask(socket, {:health, 9}))
      end)
    end

    test "of an unknown function is refused at once", %{path: path} do
      assert {7, :raise, "42883", _, _, _, _} =
               path |> connect() |> ask({:async, 7, @uuid, "nothing", [], []})
    end
  end
end
