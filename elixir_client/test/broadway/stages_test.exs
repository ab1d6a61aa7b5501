if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.StagesTest do
    # A producer connects when all stages of its pipeline are there.
    use ExUnit.Case, async: true

    import ExUnit.CaptureLog

    alias PgEtf.{FakeSlot, Producer}

    defmodule Pipeline do
      use Broadway

      @impl true
      def handle_message(_, message, _), do: message
    end

    defmodule Elsewhere do
      @moduledoc false
      # Stages of other names than Broadway has given.
      def process_name(name, base), do: :"#{name}.elsewhere.#{base}"
    end

    defp opts(slot, more) do
      [connection: [], slot: slot, client: FakeSlot] ++ more
    end

    # What is logged for a slot while its producer looks for the stages so many
    # times: what other tests log meanwhile is captured, too.
    defp log_of(opts, looks) do
      {:producer, state, _} = Producer.init(opts)

      log =
        capture_log(fn ->
          for look <- looks do
            {:noreply, [], ^state} = Producer.handle_info({Producer, :connect, look}, state)
          end
        end)

      for line <- String.split(log, "\n"), line =~ "(slot #{opts[:slot]})", into: "", do: line
    end

    test "the log tells once which stages are waited for" do
      slot = FakeSlot.start([])
      producer = {Producer, opts(slot, [])}

      {:ok, pipeline} =
        Broadway.start_link(Pipeline,
          name: :waited_for,
          producer: [module: producer],
          processors: [default: [concurrency: 1]],
          batchers: [late: [concurrency: 1]]
        )

      opts = opts(slot, broadway: [name: :waited_for], broadway_module: Elsewhere)
      refute log_of(opts, 1..499) =~ "waiting for"
      log = log_of(opts, 1..5000)

      assert log =~
               "PgEtf :waited_for (slot #{slot}): waiting for " <>
                 ":\"waited_for.elsewhere.Processor_default_0\", " <>
                 ":\"waited_for.elsewhere.Batcher_late\", " <>
                 ":\"waited_for.elsewhere.BatchProcessor_late_0\" to start"

      assert length(String.split(log, "waiting for")) == 2
      Broadway.stop(pipeline)
    end

    test "the log tells that the pipeline itself is waited for" do
      opts = opts("s", broadway: [name: :not_there])
      assert log_of(opts, 1..1000) =~ "PgEtf :not_there (slot s): waiting for :not_there to start"
    end
  end
end
