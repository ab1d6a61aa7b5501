defmodule PgEtf.ElsewhereTest do
  # A processor may run on another node: its acknowledgements arrive all the same,
  # and those of an earlier life are known there, too.
  use ExUnit.Case, async: true

  alias PgEtf.Elsewhere

  # Two nodes that find each other without a daemon: one listens at a port that the
  # other was told.
  defp start_node(name, port, args) do
    paths = Enum.flat_map(:code.get_path(), &[~c"-pa", &1])

    options = %{
      name: :"#{name}_#{port}",
      host: ~c"127.0.0.1",
      longnames: true,
      connection: :standard_io,
      args: args ++ [~c"-erl_epmd_port", ~c"#{port}", ~c"-setcookie", ~c"pg_etf"] ++ paths
    }

    with {:ok, peer, node} <- :peer.start_link(options) do
      {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:logger])
      {peer, node}
    end
  end

  # Somebody else may take the port meanwhile.
  defp listening_node(name, attempts \\ 5) do
    port = free_port()

    case start_node(name, port, []) do
      {:error, _} when attempts > 1 -> listening_node(name, attempts - 1)
      {_peer, node} -> {node, port}
    end
  end

  defp free_port do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    port
  end

  test "acknowledgements from another node" do
    Process.flag(:trap_exit, true)
    {other, port} = listening_node("processors")
    {reader, _} = start_node("reader", port, [~c"-dist_listen", ~c"false"])

    assert :peer.call(reader, Elsewhere, :run, [other], 30_000) ==
             %{confirmed?: [true, true], again: [2, 3], open: 2, breaches: []}
  end
end
