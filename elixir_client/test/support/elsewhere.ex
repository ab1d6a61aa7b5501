defmodule PgEtf.Elsewhere do
  @moduledoc false
  # What runs in a node of its own, and tells what it saw.

  alias PgEtf.{FakeSlot, Producer, Stage, StreamCase}

  import PgEtf.Eventually

  @doc "A stream that reads, in a process that stays; gives the pid of the virtual machine."
  def read do
    spawn(fn ->
      Process.flag(:trap_exit, true)
      opts = StreamCase.opts(FakeSlot.start([2]), name: :there)
      {:ok, stage} = Stage.start_link(Producer, opts)
      Stage.take(stage, 2)
      Process.sleep(:infinity)
    end)

    :os.getpid()
  end

  @doc "What the page of this node says of the others: their streams, by state."
  def nodes(other) do
    Node.connect(other)

    for node <- PgEtf.Web.Status.read(300_000).nodes do
      %{node | streams: Enum.map(node.streams, & &1.state)}
    end
  end

  @doc "A producer whose messages are acknowledged on another node."
  def run(other) do
    Process.flag(:trap_exit, true)
    slot = FakeSlot.start([1, 1, 2])
    {:ok, stage} = Stage.start_link(Producer, StreamCase.opts(slot))
    {now, late} = stage |> Stage.take(4) |> Enum.split(2)

    :ok = ack(other, now)
    eventually(fn -> StreamCase.done?(slot, 2) end)
    FakeSlot.kill(slot)
    again = Stage.take(stage, 2)
    :ok = ack(other, late)
    open = Stage.info(stage).in_flight
    :ok = ack(other, again)
    eventually(fn -> StreamCase.done?(slot, 3) end)

    %{
      again: Enum.map(again, & &1.data.record["id"]),
      open: open,
      breaches: FakeSlot.breaches(slot)
    }
  end

  defp ack(node, messages), do: :erpc.call(node, PgEtf, :ack, [messages])
end
