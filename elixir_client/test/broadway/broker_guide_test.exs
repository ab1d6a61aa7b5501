# The pipeline of the guide "To a message broker".
if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.BrokerGuideTest do
    use PgEtf.StreamCase, async: false

    alias PgEtf.{FakeSlot, Published}

    defmodule Broker do
      # Refuses what it gets first.
      def publish(changes) do
        tries = :persistent_term.get(__MODULE__)
        :counters.add(tries, 1, 1)

        if :counters.get(tries, 1) > 2 do
          for change <- changes, do: send(:published, change.record["id"])
          :ok
        else
          {:error, :full}
        end
      end
    end

    test "a batch that is refused comes again" do
      Process.register(self(), :published)
      :persistent_term.put(Broker, :counters.new(1, []))
      [_event, _publisher, pipeline] = Published.blocks("To a message broker", "elixir")
      Code.eval_string(pipeline)
      slot = FakeSlot.start([3])
      opts = [broker: Broker, create_slot: false] ++ opts(slot)

      start_supervised!(%{
        id: :pipeline,
        start: {Module.concat([Shop.Pipeline]), :start_link, [opts]}
      })

      for id <- 0..2, do: assert_receive(^id)
      eventually(fn -> done?(slot, 1) end)
      assert FakeSlot.breaches(slot) == []
    end
  end
end
