defmodule PgEtf.Peers do
  @moduledoc false
  # Nodes that find each other without a daemon: all listen at one port, each at an
  # address of its own.

  @doc "A first node; gives its peer, its name and the port for others."
  def first(name, attempts \\ 5) do
    port = free_port()

    case start(name, {127, 0, 0, 1}, port) do
      # Somebody else may have taken the port meanwhile.
      {:error, _} when attempts > 1 -> first(name, attempts - 1)
      {peer, node} -> {peer, node, port}
    end
  end

  @doc "Another one: 127.0.0.2, say."
  def start(name, ip, port, paths \\ :code.get_path()) do
    interface = ~c"~w" |> :io_lib.format([ip]) |> List.flatten()
    distribution = [~c"-erl_epmd_port", ~c"#{port}", ~c"-setcookie", ~c"pg_etf"]
    listen = [~c"-kernel", ~c"inet_dist_use_interface", interface]

    options = %{
      name: :"#{name}_#{port}",
      host: :inet.ntoa(ip),
      longnames: true,
      connection: :standard_io,
      args: distribution ++ listen ++ Enum.flat_map(paths, &[~c"-pa", &1])
    }

    with {:ok, peer, node} <- :peer.start_link(options), do: {peer, node}
  end

  defp free_port do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    port
  end
end
