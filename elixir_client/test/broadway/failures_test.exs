# What failures of messages and of the stream do to a pipeline.
if Code.ensure_loaded?(Broadway) do
  Code.require_file("pipeline.exs", __DIR__)

  defmodule PgEtf.FailuresTest do
    use PgEtf.StreamCase, async: false

    import PgEtf.TestPipeline, only: [drained: 0, name: 1, rows: 1]

    alias Broadway.Message
    alias PgEtf.{Error, FakeSlot}
    alias PgEtf.TestPipeline, as: Pipeline

    setup do
      Process.flag(:trap_exit, true)
      :ok
    end

    test "failures go the way that each message chose" do
      slot = FakeSlot.start([1, 1, 1])
      tries = :counters.new(1, [])

      handle = fn message ->
        case message.data.record["id"] do
          0 ->
            message |> Message.configure_ack(on_failure: :ack) |> Message.failed("no")

          1 ->
            :counters.add(tries, 1, 1)
            if :counters.get(tries, 1) < 3, do: raise("not yet"), else: message

          2 ->
            message
        end
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot)
      eventually(fn -> done?(slot, 3) end)
      assert :counters.get(tries, 1) == 3
      Broadway.stop(pipeline)
    end

    test "a reason that does not pass ends the pipeline, where asked for" do
      slot = FakeSlot.start([1])
      {:ok, pipeline} = Pipeline.start(self(), slot, producer: [on_error: :stop])
      rows(1)
      monitor = Process.monitor(pipeline)

      # Each new life of the producer is told the same.
      teller =
        spawn_link(fn ->
          for _ <- 1..10_000 do
            Process.sleep(5)

            try do
              FakeSlot.inject(
                slot,
                {:fatal, :slot_lost, %{message: "gone", hint: "", sqlstate: ""}}
              )
            catch
              :exit, _ -> :ok
            end
          end
        end)

      assert_receive {:DOWN, ^monitor, _, _, _}, 60_000
      Process.unlink(teller)
      Process.exit(teller, :kill)
    end

    test "a large transaction with 1 % failures is done with on_failure: :requeue" do
      slot = FakeSlot.start([1_000], frame: 100)
      test = self()

      handle = fn message ->
        if :rand.uniform(100) == 1, do: raise("no sink")
        send(test, {:row, message.data.record["id"]})
        Message.put_data(message, :something_else)
      end

      producer = [on_failure: :requeue, backoff_min: 10, backoff_max: 100]
      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot, producer: producer)
      eventually(fn -> done?(slot, 1) end)
      assert Enum.sort(drained()) == Enum.to_list(0..999)
      assert FakeSlot.runs(slot) == 1
      Broadway.stop(pipeline)
    end

    test "a message that fails for good is put aside" do
      slot = FakeSlot.start([10])
      test = self()

      handle = fn
        %{data: %{record: %{"id" => 3}}} = message -> Message.failed(message, :poison)
        message -> message
      end

      put_aside = fn change, reason ->
        send(test, {:dead, change.record["id"], reason})
        :ok
      end

      producer = [on_failure: :requeue, max_attempts: 3, after_attempts: put_aside]
      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot, producer: producer)
      eventually(fn -> done?(slot, 1) end)
      assert_receive {:dead, 3, :poison}
      refute_received {:dead, _, _}
      Broadway.stop(pipeline)
    end

    test "a reason that does not pass ends nothing else" do
      slot = FakeSlot.start([1])
      {:ok, pipeline} = Pipeline.start(self(), slot)
      rows(1)
      producer = Process.whereis(hd(Broadway.producer_names(name(slot))))

      for _ <- 1..20 do
        FakeSlot.inject(slot, {:fatal, :slot_lost, %{message: "gone", hint: "", sqlstate: ""}})
        eventually(fn -> PgEtf.info(name(slot)).status == :halted end)
        assert %Error{class: :slot_lost} = PgEtf.info(name(slot)).error
        PgEtf.resume(name(slot))
        eventually(fn -> PgEtf.info(name(slot)).status == :connected end)
      end

      assert Process.whereis(hd(Broadway.producer_names(name(slot)))) == producer
      Broadway.stop(pipeline)
    end
  end
end
