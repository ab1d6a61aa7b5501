if Code.ensure_loaded?(GenStage) do
  defmodule PgEtf.GenStageTest do
    use ExUnit.Case, async: true

    import PgEtf.Eventually

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

    test "a child of a supervisor, which prints no password" do
      slot = FakeSlot.start([1])
      opts = [connection: [password: "sesame"], slot: slot, client: FakeSlot, name: __MODULE__]
      start_supervised!({Producer, opts})
      {:ok, consumer} = Consumer.start_link(self())
      {:ok, _} = GenStage.sync_subscribe(consumer, to: __MODULE__)
      assert_receive {:row, 0}
      assert PgEtf.info(__MODULE__).slot == slot
      refute inspect(Producer.child_spec(opts)) =~ "sesame"
      {:ok, supervisor} = ExUnit.fetch_test_supervisor()
      refute inspect(:sys.get_status(supervisor), limit: :infinity) =~ "sesame"
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    end

    # Takes messages and keeps them, as one that dies over its work.
    defmodule Keeper do
      use GenStage

      def start(test), do: GenStage.start(__MODULE__, test)

      @impl true
      def init(test), do: {:consumer, test}

      @impl true
      def handle_events(messages, _from, test) do
        for message <- messages, do: send(test, {:kept, message.data.record["id"]})
        {:noreply, [], test}
      end
    end

    # With all that it asked for, and with a part of it.
    for {title, sizes, more} <- [{"all", [30], []}, {"some", [7], [23]}] do
      test "a consumer that dies with #{title} of what it asked for holds nothing up" do
        slot = FakeSlot.start(unquote(sizes))
        opts = [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2]
        {:ok, producer} = GenStage.start_link(Producer, opts)
        {:ok, keeper} = Keeper.start(self())
        subscription = [to: producer, max_demand: 20, min_demand: 0, cancel: :temporary]
        {:ok, _} = GenStage.sync_subscribe(keeper, subscription)
        kept = min(20, Enum.sum(unquote(sizes)))
        for id <- 0..(kept - 1), do: assert_receive({:kept, ^id})
        Process.exit(keeper, :kill)
        FakeSlot.append(slot, unquote(more))

        {:ok, consumer} = Consumer.start_link(self())
        {:ok, _} = GenStage.sync_subscribe(consumer, to: producer, max_demand: 10)
        for id <- 0..29, do: assert_receive({:row, ^id})
        last = length(unquote(sizes ++ more))
        eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(last) end)
        assert PgEtf.info(producer).in_flight == 0
        GenStage.stop(producer)
        assert FakeSlot.breaches(slot) == []
      end
    end
  end
end
