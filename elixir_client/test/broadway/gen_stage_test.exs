if Code.ensure_loaded?(GenStage) do
  defmodule PgEtf.GenStageTest do
    use ExUnit.Case, async: true

    alias PgEtf.{FakeSlot, Producer}

    @moduletag :capture_log

    defmodule Consumer do
      use GenStage

      def start_link(test), do: GenStage.start_link(__MODULE__, test)

      @impl true
      def init(test), do: {:consumer, test}

      @impl true
      def handle_events(messages, _from, test) do
        for message <- messages, do: send(test, {:row, message.data.record["id"]})
        PgEtf.ack(messages)
        {:noreply, [], test}
      end
    end

    test "a producer of its own: every row, and the slot at the end" do
      slot = FakeSlot.start(List.duplicate(10, 100))
      opts = [connection: [], slot: slot, client: FakeSlot]
      {:ok, producer} = GenStage.start_link(Producer, opts)
      {:ok, consumer} = Consumer.start_link(self())
      {:ok, _} = GenStage.sync_subscribe(consumer, to: producer, max_demand: 50)

      ids = for _ <- 1..1000, do: assert_receive({:row, _}) |> elem(1)
      assert ids == Enum.to_list(0..999)
      assert PgEtf.info(producer).slot == slot
      GenStage.stop(producer)
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(100)
      assert FakeSlot.breaches(slot) == []
    end
  end
end
