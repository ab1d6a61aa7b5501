defmodule PgEtf.WebNodesTest do
  # One node shows the others of its cluster: what their streams do, that one does not
  # answer, and nothing of those that have no streams to show.
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.{Beam, Elsewhere, Peers}
  alias PgEtf.Web.Status

  test "other nodes, silent ones, and those of other applications" do
    Process.flag(:trap_exit, true)
    {peer, other, port} = Peers.first("reads")
    {looker, _} = Peers.start("looks", {127, 0, 0, 2}, port)
    {:ok, _} = :peer.call(looker, :application, :ensure_all_started, [:pg_etf])
    nodes = fn -> :peer.call(looker, Elsewhere, :nodes, [other], 30_000) end

    # It has the library, and no stream yet.
    assert [%{node: ^other, health: :waiting, streams: []}] = nodes.()

    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:logger])
    os_pid = peer |> :peer.call(Elsewhere, :read, []) |> List.to_integer()
    assert eventually(fn -> match?([%{health: :ok, streams: [:streaming]}], nodes.()) end)

    # One that is stopped does not see the end of this test. And a thread of it may
    # still answer.
    on_exit(fn -> Beam.signal("KILL", [os_pid]) end)
    Beam.signal("STOP", [os_pid])
    assert eventually(fn -> match?([%{node: ^other, silent: true, streams: []}], nodes.()) end)
    Beam.signal("CONT", [os_pid])
    assert eventually(fn -> match?([%{streams: [:streaming]}], nodes.()) end)
  end

  test "a node without the library is not shown" do
    Process.flag(:trap_exit, true)
    without = Enum.reject(:code.get_path(), &(to_string(&1) =~ "pg_etf/ebin"))
    {peer, node, port} = Peers.first("looks_alone")
    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:pg_etf])
    {stranger, _} = Peers.start("stranger", {127, 0, 0, 2}, port, without)
    assert :peer.call(stranger, :net_kernel, :connect_node, [node])
    assert [_] = :peer.call(peer, :erlang, :nodes, [:connected])
    assert %{nodes: []} = :peer.call(peer, Status, :read, [300_000])
  end
end
