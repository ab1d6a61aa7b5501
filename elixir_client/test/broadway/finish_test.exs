# Rows that processors finish, against those that the producer has.
if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.FinishTest do
    use PgEtf.StreamCase, async: false

    alias PgEtf.{Change, FakeSlot, Transaction}
    alias PgEtf.Decode.Deferred

    defmodule Plain do
      use Broadway

      @impl true
      def handle_message(_, message, test) do
        {:registered_name, name} = Process.info(self(), :registered_name)
        send(test, {:handled, message.data, message.metadata, String.last(to_string(name))})
        message
      end
    end

    defmodule Finishing do
      use Broadway
      use PgEtf.Pipeline

      @impl true
      defdelegate handle_message(processor, message, test), to: Plain
    end

    defmodule Prepared do
      use Broadway
      use PgEtf.Pipeline

      @impl true
      def prepare_messages(messages, test) do
        for %{data: change} = message <- messages do
          Broadway.Message.put_data(message, {:prepared, change})
        end
        |> tap(fn _ -> send(test, :prepared) end)
      end

      @impl true
      defdelegate handle_message(processor, message, test), to: Plain
    end

    defmodule Raising do
      use Broadway
      use PgEtf.Pipeline

      @impl true
      def prepare_messages(_messages, _test), do: raise("not today")

      @impl true
      def handle_message(_, message, _test), do: message

      @impl true
      def handle_failed(messages, test) do
        for message <- messages, do: send(test, {:handled, message.data, message.metadata, "0"})
        messages
      end
    end

    defmodule Failing do
      use Broadway
      use PgEtf.Pipeline

      @impl true
      def handle_message(_, message, _test), do: Broadway.Message.failed(message, "no")
    end

    defp start(module, slot, producer, processors \\ [], more \\ []) do
      {:ok, pipeline} =
        Broadway.start_link(module,
          name: :"#{module}_#{slot}",
          producer: [module: {PgEtf.Producer, opts(slot, producer)}] ++ more,
          processors: [default: Keyword.merge([concurrency: 1], processors)],
          context: self()
        )

      pipeline
    end

    defp handled(count) do
      for _ <- 1..count do
        assert_receive {:handled, data, metadata, processor}, 5_000
        {data, metadata, processor}
      end
    end

    # What a pipeline of a module handles.
    defp run(module, count, producer \\ [], processors \\ [], more \\ []) do
      slot = FakeSlot.start([1, 3, 2])
      pipeline = start(module, slot, producer, processors, more)
      handled = handled(count)
      eventually(fn -> done?(slot, 3) end)
      Broadway.stop(pipeline)
      handled
    end

    test "a handler receives the same" do
      for {opts, count} <- [
            {[], 6},
            {[types: true], 6},
            {[unit: :transaction], 3},
            {[unit: :transaction, max_transaction_changes: 2], 4}
          ] do
        assert run(Finishing, count, opts) == run(Plain, count, opts)
      end
    end

    test "it is the processor that finishes" do
      test = self()
      :telemetry.attach(:finish, [:broadway, :processor, :start], &__MODULE__.seen/4, test)
      run(Finishing, 6)
      assert_received {:seen, %Deferred{}}
      run(Finishing, 3, unit: :transaction)
      assert_received {:seen, %Transaction{changes: [%Deferred{} | _]}}
      run(Plain, 6)
      assert_received {:seen, %Change{}}
      :telemetry.detach(:finish)
    end

    def seen(_event, _measurements, %{messages: messages}, test) do
      send(test, {:seen, List.last(messages).data})
    end

    test "the module's own function sees finished changes" do
      for {data, _, _} <- run(Prepared, 6), do: assert({:prepared, %Change{op: :insert}} = data)
      assert_received :prepared
    end

    test "so does its function for what has failed" do
      assert [{%Change{}, metadata, _} | _] = failed = run(Raising, 6, on_failure: :ack)
      assert Enum.sort(failed) == Enum.sort(run(Plain, 6))
      assert metadata.table
    end

    test "another partition_by than that of PgEtf has it, too: rows are finished before" do
      test = self()

      by = fn message ->
        send(test, {:by, message.data, message.metadata})
        0
      end

      changes = run(Finishing, 6, [], partition_by: by)
      assert_received {:by, %Change{} = change, metadata}
      assert {change, metadata, "0"} == hd(changes)
    end

    test "rows go to the same processor, finished or not" do
      by = [partition_by: &PgEtf.partition_by/1, concurrency: 4]

      processors = fn module ->
        module |> run(6, [], by) |> Map.new(&{elem(&1, 0), elem(&1, 2)})
      end

      assert processors.(Finishing) == processors.(Plain)
    end

    test "a transformer gets what it knows" do
      transformer = {__MODULE__, :keep, [self()]}
      run(Finishing, 6, [], [], transformer: transformer)
      assert_received {:kept, %Change{}}
    end

    def keep(message, [test]) do
      send(test, {:kept, message.data})
      message
    end

    test "what is set aside after its attempts is finished" do
      for {unit, kind} <- [change: Change, transaction: Transaction] do
        test = self()
        aside = fn data, _reason -> send(test, {:aside, data}) && :ok end
        opts = [on_failure: :requeue, max_attempts: 1, after_attempts: aside, unit: unit]
        slot = FakeSlot.start([2])
        pipeline = start(Failing, slot, opts)
        eventually(fn -> done?(slot, 1) end)
        assert_received {:aside, %{__struct__: ^kind} = data}
        changes = Map.get(data, :changes, [data])
        assert Enum.all?(changes, &match?(%Change{record: %{"id" => _}}, &1))
        Broadway.stop(pipeline)
      end
    end

    test "Broadway's tests may hand in changes" do
      pipeline = start(Finishing, "s", testing: :manual)
      name = Process.info(pipeline)[:registered_name]
      change = PgEtf.Testing.insert("orders", %{"id" => 1})
      ref = Broadway.test_message(name, change, metadata: PgEtf.Testing.metadata(change))
      assert_receive {:ack, ^ref, [%{data: ^change}], []}, 5_000
      assert_received {:handled, ^change, %{op: :insert}, _}
      Broadway.stop(pipeline)
    end
  end
end
