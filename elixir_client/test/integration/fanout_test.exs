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

  # Kilobytes of the virtual machine: what it has, and the most that it ever had.
  defp kilobytes(node, name) do
    status = File.read!("/proc/#{call(node, :os, :getpid, [])}/status")
    [_, kilobytes] = Regex.run(~r/^#{name}:\s+(\d+) kB$/m, status)
    String.to_integer(kilobytes)
  end

  test "a node that stops taking costs the reader its window, and little more", context do
    %{sandbox: sandbox} = context
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, body text")
    {reader, port} = first("reads")
    {:ok, _} = call(reader, Agent, :start, [Function, :identity, [[]], [name: :recorder]])
    slow = another("slow", 2, port, reader)
    window = [window_bytes: 4_194_304, max_in_flight: 1_000_000]
    opts = options(sandbox, slot, [name: :feed, recorder: reader.node, workers: 2] ++ window)
    opts = Keyword.put(opts, :connection, Sandbox.connection(sandbox))
    for node <- [reader, slow], do: :ok = call(node, :start, [opts])
    eventually(fn -> status(reader) == :connected end)
    eventually(fn -> map_size(call(reader, Fanout, :nodes, [:feed])) == 2 end)

    before = kilobytes(reader, "VmRSS")
    fill(sandbox, table, 1, 2_000)
    eventually(fn -> length(ids(reader)) == 2_000 end, 60_000)
    call(slow, :slow, [:infinity])
    fill(sandbox, table, 2_001, 20_000)
    eventually(fn -> call(reader, PgEtf, :info, [:feed]).credit_bytes <= 0 end, 60_000)
    eventually(fn -> call(reader, Fanout, :nodes, [:feed])[reader.node].in_flight == 0 end)
    assert length(ids(reader)) > 2_100
    assert kilobytes(reader, "VmHWM") - before < (4 + 16) * 1024

    call(slow, :slow, [0])
    eventually(fn -> reader |> ids() |> Enum.uniq() |> length() == 20_000 end, 60_000)
  end

  defp fill(sandbox, table, from, to) do
    body = "repeat('x', 4000)"

    Sandbox.psql!(
      sandbox,
      "INSERT INTO #{table} SELECT g, #{body} FROM generate_series(#{from}, #{to}) g"
    )
  end
end
