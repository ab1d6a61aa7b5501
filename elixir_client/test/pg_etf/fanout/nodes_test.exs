defmodule PgEtf.Fanout.NodesTest do
  # Nodes of Erlang's that share a slot's changes; one reads.
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.{FakeSlot, Fanout, FanoutNode}
  import FanoutNode, only: [another: 4, call: 3, call: 4, first: 1, handled: 1]

  @moduletag timeout: 120_000

  setup do
    Process.flag(:trap_exit, true)
    {reader, port} = first("reads")
    %{reader: reader, port: port}
  end

  defp opts(reader, more) do
    base = [name: :feed, recorder: reader.node, workers: 2, partition_by: &FanoutNode.key/1]
    Keyword.merge(base, more)
  end

  defp read(reader, sizes, more \\ []) do
    slot = call(reader, :slot, [sizes])
    stream = [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2]
    :ok = call(reader, :start, [opts(reader, stream ++ more)])
    slot
  end

  defp join(reader, name, n, port) do
    node = another(name, n, port, reader)
    :ok = call(node, :start, [opts(reader, reader: false)])
    node
  end

  defp nodes(reader), do: call(reader, Fanout, :nodes, [:feed])
  defp takes_part?(reader, node), do: get_in(nodes(reader), [node.node, :workers]) == 2
  defp confirmed(reader, slot), do: call(reader, FakeSlot, :confirmed, [slot])
  defp append(reader, slot, sizes), do: call(reader, FakeSlot, :append, [slot, sizes])

  defp complete(reader, slot, transactions) do
    eventually(fn -> confirmed(reader, slot) == FakeSlot.end_lsn(transactions) end)
    assert call(reader, FakeSlot, :breaches, [slot]) == []
  end

  # Of a key the first time, and the last.
  defp in_order(handled) do
    for {_key, ids} <- handled |> Enum.map(&elem(&1, 1)) |> Enum.group_by(&rem(&1, 64)) do
      first = Enum.uniq(ids)
      assert first == Enum.sort(first)
      last = ids |> Enum.reverse() |> Enum.uniq() |> Enum.reverse()
      assert last == Enum.sort(last)
    end
  end

  defp by(handled, node), do: for({name, id} <- handled, name == node.node, do: id)

  test "a node joins, and another one dies with changes in its hands", context do
    %{reader: reader, port: port} = context
    slot = read(reader, List.duplicate(10, 40))
    complete(reader, slot, 40)
    assert length(handled(reader)) == 400

    a = join(reader, "a", 2, port)
    eventually(fn -> takes_part?(reader, a) end)
    append(reader, slot, List.duplicate(10, 40))
    complete(reader, slot, 80)
    assert length(handled(reader)) == 800
    assert length(by(handled(reader), a)) > 50

    # It takes what it is given, and handles none of it.
    call(a, :slow, [:infinity])
    append(reader, slot, List.duplicate(10, 40))
    eventually(fn -> nodes(reader)[a.node].in_flight > 0 end)
    eventually(fn -> length(handled(reader)) > 850 end)
    handled = for {_, id} <- handled(reader), do: id
    lost = Enum.find(800..1199, &(&1 not in handled))
    # Nothing is confirmed that was not handled.
    assert confirmed(reader, slot) <= FakeSlot.end_lsn(div(lost, 10))

    b = join(reader, "b", 3, port)
    eventually(fn -> takes_part?(reader, b) end)
    :peer.stop(a.peer)
    complete(reader, slot, 120)
    handled = handled(reader)
    assert handled |> Enum.map(&elem(&1, 1)) |> Enum.uniq() |> length() == 1200
    in_order(handled)
    assert length(by(handled, b)) > 0
    refute is_map_key(nodes(reader), a.node)
    assert :peer.call(reader.peer, PgEtf, :info, [:feed]).in_flight == 0
  end

  test "a slow node holds up nobody until the window is full", context do
    %{reader: reader, port: port} = context
    slow = join(reader, "slow", 2, port)
    call(slow, :slow, [:infinity])
    slot = read(reader, [], max_in_flight: 2_000)
    eventually(fn -> takes_part?(reader, slow) end)
    append(reader, slot, List.duplicate(10, 1_000))

    # The window counts from the oldest change that the slow one has.
    ids = fn -> Enum.map(handled(reader), &elem(&1, 1)) end
    eventually(fn -> Enum.max(ids.(), fn -> 0 end) > 1_500 end)
    eventually(fn -> nodes(reader)[reader.node].in_flight == 0 end)
    assert Enum.max(ids.()) < 2_200
    assert by(handled(reader), slow) == []
    assert :peer.call(reader.peer, PgEtf, :info, [:feed]).received_events < 3_000

    call(slow, :slow, [0])
    complete(reader, slot, 1_000)
    handled = handled(reader)
    assert length(handled) == 10_000
    in_order(handled)
  end
end
