defmodule PgEtf.Sidecar.StrangerTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog
  import PgEtf.Backend

  @priced "PgEtf.Priced."

  setup_all do
    Code.ensure_loaded!(PgEtf.Priced)
    :ok
  end

  setup context do
    {_name, path} = start_sidecar(context[:sidecar] || [])
    {:ok, path: path}
  end

  describe "a stranger" do
    test "of another version is told ours", %{path: path} do
      socket = open(path)
      assert {:hello, 1, %{}} = ask(socket, {:hello, 2, %{}})
      assert {:error, :closed} = hear(socket)
    end

    @tag sidecar: [max_connections: 1]
    test "beyond the limit is refused, until another one leaves", %{path: path} do
      first = connect(path)
      hello = {:hello, 1, %{pid: 1, database: "shop", user: "app", server_version: 150_000}}
      socket = open(path)
      assert {0, :raise, "53300", _, _, _, _} = ask(socket, hello)
      assert {:error, :closed} = hear(socket)
      :gen_tcp.close(first)
      assert Enum.any?(1..500, fn _ -> match?({:hello, 1, _}, ask(open(path), hello)) end)
    end

    test "who says anything else first is closed on", %{path: path} do
      for packet <- [:erlang.term_to_binary({:health, 1}), "garbage", ""] do
        socket = open(path)
        :ok = :gen_tcp.send(socket, packet)
        assert {:error, :closed} = hear(socket)
      end
    end

    test "who sends what is no request has that said and is closed on", %{path: path} do
      log =
        capture_log(fn ->
          for packet <- ["garbage", :erlang.term_to_binary(:atom), <<131, 100, 0, 3, "zyx">>] do
            socket = connect(path)
            :ok = :gen_tcp.send(socket, packet)
            assert {0, :raise, "08P01", _, _, _, _} = hear(socket)
            assert {:error, :closed} = hear(socket)
          end
        end)

      assert log =~ "its connection is closed"
      assert {7, :ok, 3} = path |> connect() |> call(@priced <> "add", [1, 2])
    end

    test "who sends an atom that nobody knows is told so, for its request", %{path: path} do
      name = "unknown_#{System.unique_integer([:positive])}"
      atom = <<?w, byte_size(name), name::binary>>
      kind = <<?w, 4, "call">>
      # {call, 7, "f", [Atom], []}
      packet = <<131, ?h, 5, kind::binary, 97, 7, ?m, 1::32, "f", ?l, 1::32>> <> atom <> "jj"

      capture_log(fn ->
        socket = connect(path)
        :ok = :gen_tcp.send(socket, packet)
        assert {7, :raise, "08P01", _, detail, _, _} = hear(socket)
        assert detail =~ "an atom that Elixir does not know"
      end)

      assert_raise ArgumentError, fn -> String.to_existing_atom(name) end
    end

    @tag sidecar: [max_message_bytes: 1_000]
    test "who announces a giant is closed on before it comes", %{path: path} do
      {:ok, socket} = :gen_tcp.connect({:local, path}, 0, [:binary, packet: 0, active: false])
      :ok = :gen_tcp.send(socket, <<0x7FFFFFFF::32>>)
      assert {:error, :closed} = :gen_tcp.recv(socket, 0, 15_000)
    end
  end
end
