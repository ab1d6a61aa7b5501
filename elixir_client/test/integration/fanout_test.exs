defmodule PgEtf.Integration.FanoutTest do
  # Two nodes that read or stand by, and both handle; then the one that reads is killed.
  use PgEtf.Integration, async: true

  alias PgEtf.{Beam, Fanout, FanoutNode}
  import FanoutNode, only: [another: 4, call: 3, call: 4, first: 1, handled: 1]

  defp status(node), do: call(node, PgEtf, :info, [:feed]).status

  defp ids(watcher), do: Enum.map(handled(watcher), &elem(&1, 1))

  test "the other node takes over, and nothing is lost", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    {watcher, port} = first("watches")
    {:ok, _} = call(watcher, Agent, :start, [Function, :identity, [[]], [name: :recorder]])
    opts = options(sandbox, slot, name: :feed, recorder: watcher.node, workers: 2)
    opts = Keyword.put(opts, :connection, Sandbox.connection(sandbox))

    [a, b] =
      for {name, n} <- [{"a", 2}, {"b", 3}] do
        node = another(name, n, port, watcher)
        :ok = call(node, :start, [opts])
        eventually(fn -> status(node) in [:connected, :standby] end)
        node
      end

    call(a, :net_kernel, :connect_node, [b.node])
    [reader, other] = if status(a) == :connected, do: [a, b], else: [b, a]
    eventually(fn -> map_size(call(reader, Fanout, :nodes, [:feed])) == 2 end)
    assert call(other, Fanout, :nodes, [:feed]) == %{}

    writer = write(sandbox, table, 4_000)
    eventually(fn -> length(ids(watcher)) > 500 end)
    pid = reader |> call(:os, :getpid, []) |> List.to_integer()
    Beam.signal("KILL", [pid])
    Task.await(writer, 60_000)
    written = current(sandbox)
    eventually(fn -> confirmed(sandbox, slot) >= written end, 60_000)
    eventually(fn -> watcher |> ids() |> Enum.uniq() |> length() == 4_000 end)
    nodes = for {node, _id} <- handled(watcher), uniq: true, do: node
    assert Enum.sort(nodes) == Enum.sort([a.node, b.node])
    assert status(other) == :connected
  end
end
