defmodule PgEtf.RelayTest do
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.Relay

  test "data behind the end of the other side leaves the relay alive" do
    path = Path.join(System.tmp_dir!(), "relay_#{System.unique_integer([:positive])}")
    on_exit(fn -> File.rm(path) end)
    {:ok, listen} = :gen_tcp.listen(0, [:binary, ifaddr: {:local, path}, active: false])
    relay = start_supervised!({Relay, path}, restart: :temporary)
    {:ok, client} = :gen_tcp.connect({127, 0, 0, 1}, Relay.port(relay), [:binary, active: false])
    {:ok, server} = :gen_tcp.accept(listen, 5_000)
    :ok = :gen_tcp.send(server, "carried")
    {:ok, "carried"} = :gen_tcp.recv(client, 7, 5_000)

    Relay.swallow(relay)
    :gen_tcp.close(server)
    kept(relay, 1)
    :ok = :gen_tcp.send(client, "late")
    kept(relay, 2)
    Relay.carry(relay)

    assert {:error, :closed} = :gen_tcp.recv(client, 0, 5_000)
    assert Relay.port(relay)
  end

  defp kept(relay, count) do
    eventually(fn -> length(:sys.get_state(relay).kept) == count end)
  end
end
