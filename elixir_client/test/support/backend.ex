defmodule PgEtf.Backend do
  @moduledoc false
  # Talks to a sidecar as a backend of PostgreSQL does: docs/sidecar-protocol.md.

  import ExUnit.Assertions
  import ExUnit.Callbacks

  @doc "A sidecar of its own, and the path of its socket."
  def start_sidecar(opts \\ []) do
    path = Path.join(System.tmp_dir!(), "pg_etf_#{System.unique_integer([:positive])}.sock")
    name = Module.concat(__MODULE__, "S#{System.unique_integer([:positive])}")
    start_supervised!({PgEtf.Sidecar, [socket: path, name: name] ++ opts}, id: name)
    {name, path}
  end

  @doc "A connection that has said hello."
  def connect(path, who \\ %{}) do
    socket = open(path)
    who = Map.merge(%{pid: 1, database: "shop", user: "app", server_version: 150_000}, who)
    tell(socket, {:hello, 1, who})
    assert {:hello, 1, %{boot: _, otp: _, max_bytes: _}} = hear(socket)
    socket
  end

  def open(path) do
    {:ok, socket} = :gen_tcp.connect({:local, path}, 0, [:binary, packet: 4, active: false])
    socket
  end

  def ask(socket, request) do
    tell(socket, request)
    hear(socket)
  end

  def call(socket, name, args, meta \\ []), do: ask(socket, {:call, 7, name, args, meta})

  def tell(socket, term), do: :ok = :gen_tcp.send(socket, :erlang.term_to_binary(term))

  def hear(socket) do
    with {:ok, packet} <- :gen_tcp.recv(socket, 0, 15_000), do: :erlang.binary_to_term(packet)
  end
end
