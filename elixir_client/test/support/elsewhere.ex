defmodule PgEtf.Elsewhere do
  @moduledoc false
  # A producer whose messages are acknowledged on another node. Runs in a node of its
  # own, and tells what it saw.

  alias PgEtf.{FakeSlot, Producer, Stage}

  def run(other) do
    Process.flag(:trap_exit, true)
    slot = FakeSlot.start([1, 1, 2])
    opts = [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2]
    {:ok, stage} = Stage.start_link(Producer, opts)
    {now, late} = stage |> Stage.take(4) |> Enum.split(2)

    :ok = ack(other, now)
    first = confirmed?(slot, 2)
    FakeSlot.kill(slot)
    again = Stage.take(stage, 2)
    :ok = ack(other, late)
    open = Stage.info(stage).in_flight
    :ok = ack(other, again)

    %{
      confirmed?: [first, confirmed?(slot, 3)],
      again: Enum.map(again, & &1.data.record["id"]),
      open: open,
      breaches: FakeSlot.breaches(slot)
    }
  end

  defp ack(node, messages), do: :erpc.call(node, PgEtf, :ack, [messages])

  defp confirmed?(slot, transaction, attempts \\ 500) do
    cond do
      FakeSlot.confirmed(slot) == FakeSlot.end_lsn(transaction) -> true
      attempts == 0 -> false
      true -> Process.sleep(10) && confirmed?(slot, transaction, attempts - 1)
    end
  end
end
