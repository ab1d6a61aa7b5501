# The same producer under the real Broadway, where it is on the code path:
# `make check-broadway` says how.
if Code.ensure_loaded?(Broadway) do
  Code.require_file("pipeline.exs", __DIR__)

  defmodule PgEtf.BroadwayTest do
    use PgEtf.StreamCase, async: false

    import PgEtf.TestPipeline, only: [name: 1, rows: 1]

    alias Broadway.Message
    alias PgEtf.{Error, FakeSlot}
    alias PgEtf.TestPipeline, as: Pipeline

    setup do
      Process.flag(:trap_exit, true)
      :ok
    end

    test "every row arrives and the slot ends at the end" do
      slot = FakeSlot.start(List.duplicate(10, 100))
      {:ok, pipeline} = Pipeline.start(self(), slot)
      assert Enum.sort(rows(1000)) == Enum.to_list(0..999)
      eventually(fn -> done?(slot, 100) end)
      assert PgEtf.info(name(slot)).status == :connected
      Broadway.stop(pipeline)
      assert FakeSlot.breaches(slot) == []
    end

    test "no processor is idle while another has what it could do" do
      test = self()
      slot = FakeSlot.start([40])

      handle = fn message ->
        send(test, {:busy, self()})
        receive(do: (:continue -> message))
      end

      context = %{handle: handle}
      {:ok, pipeline} = Pipeline.start(context, slot, processors: [concurrency: 4])

      busy =
        for _ <- 1..4 do
          assert_receive {:busy, pid}, 5_000
          pid
        end

      assert length(Enum.uniq(busy)) == 4
      for pid <- busy, _ <- 1..40, do: send(pid, :continue)
      eventually(fn -> done?(slot, 1) end)
      Broadway.stop(pipeline)
    end

    test "is known by its name and by the pid of its start, whatever happens to its producer" do
      slot = FakeSlot.start([1])
      {:ok, pipeline} = Pipeline.start(self(), slot)
      rows(1)
      [producer] = Broadway.producer_names(name(slot))

      for server <- [pipeline, name(slot), producer, Process.whereis(producer)] do
        assert PgEtf.info(server).slot == slot
        assert PgEtf.resume(server) == :ok
      end

      Process.exit(Process.whereis(producer), :kill)
      eventually(fn -> FakeSlot.runs(slot) == 2 end)
      assert PgEtf.info(pipeline).slot == slot
      assert Process.alive?(pipeline)
      Broadway.stop(pipeline)
      assert_raise ArgumentError, fn -> PgEtf.info(pipeline) end
    end

    test "a pipeline that reads elsewhere is no stream, and lives on" do
      producer = [module: {Broadway.DummyProducer, []}]
      start = [name: :elsewhere, producer: producer, processors: [default: []], context: self()]
      {:ok, pipeline} = Broadway.start_link(Pipeline, start)
      assert_raise ArgumentError, fn -> PgEtf.info(pipeline) end
      assert_raise ArgumentError, fn -> PgEtf.info(:elsewhere) end
      assert Process.alive?(pipeline)
      Broadway.stop(pipeline)
    end

    test "nothing is behind a change of a table before somebody resumes" do
      slot = FakeSlot.start([10, 10], uncounted: %{{1, 5} => [FakeSlot.Log.alter(1, "t")]})
      test = self()

      handle = fn %{data: change} = message ->
        send(test, {:row, (change.record && change.record["id"]) || :altered})
        message
      end

      policy = [ddl: :tables, on_schema_change: :halt]
      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot, producer: policy)
      assert Enum.sort(rows(6)) == [0, 1, 2, 3, 4, :altered]
      eventually(fn -> PgEtf.info(name(slot)).status == :halted end)
      refute_receive {:row, _}, 50
      assert FakeSlot.confirmed(slot) == 0
      PgEtf.resume(name(slot))
      assert Enum.sort(rows(15)) == Enum.to_list(5..19)
      eventually(fn -> done?(slot, 2) end)
      Broadway.stop(pipeline)
      assert FakeSlot.breaches(slot) == []
    end

    test "with 8 processors the order of each key stands" do
      keys = 20
      slot = FakeSlot.start(List.duplicate(100, 50))
      test = self()

      handle = fn message ->
        if :rand.uniform(20) == 1, do: Process.sleep(1)
        id = message.data.record["id"]
        send(test, {:row, {rem(id, keys), id}})
        message
      end

      partition = fn message ->
        key = rem(message.data.record["id"], keys)
        PgEtf.partition_by(%{message.data | key: %{"id" => key}})
      end

      processors = [concurrency: 8, partition_by: partition]
      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot, processors: processors)

      for {_key, ids} <- Enum.group_by(rows(5000), &elem(&1, 0), &elem(&1, 1)) do
        assert ids == Enum.sort(ids)
        assert length(ids) == 250
      end

      eventually(fn -> done?(slot, 50) end)
      Broadway.stop(pipeline)
    end

    test "batches are acknowledged at shutdown, and their position is confirmed" do
      slot = FakeSlot.start(List.duplicate(1, 12))
      batchers = [default: [batch_size: 10, batch_timeout: 60_000]]
      test = self()

      {:ok, pipeline} =
        Pipeline.start(test, slot, batchers: batchers, processors: [concurrency: 1])

      assert_receive {:batch, first}, 5_000
      assert length(first) == 10
      rows(12)
      Broadway.stop(pipeline)
      assert_receive {:batch, _}
      assert done?(slot, 12)
      assert FakeSlot.breaches(slot) == []
    end

    test "the documentation's example compiles, and handles messages" do
      {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(PgEtf.Producer)
      [_, rest] = String.split(doc, "    defmodule Orders do", parts: 2)
      [code | _] = Regex.split(~r/^\S|^  \S/m, rest)

      assert ExUnit.CaptureIO.capture_io(:stderr, fn ->
               assert [{Orders, _}] = Code.compile_string("defmodule Orders do" <> code)
             end) == ""

      message = %Message{data: PgEtf.Test.insert("orders", %{"id" => 7}), acknowledger: nil}
      assert %{data: 7} = apply(Orders, :handle_message, [:default, message, nil])
      message = %{message | data: PgEtf.Test.delete("orders", %{"id" => 7})}
      assert %{batcher: :default} = apply(Orders, :handle_message, [:default, message, nil])
      assert [^message] = apply(Orders, :handle_batch, [:default, [message], nil, nil])
    after
      :code.delete(Orders)
      :code.purge(Orders)
    end

    test "the documentation's test runs without a database" do
      {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(PgEtf.Producer)

      [_, module, test] =
        Regex.run(~r/^(    defmodule Shipments do$.*?^    end)$.*?# a test$(.*?)^\S/ms, doc)

      Code.compile_string(module)
      names = "import ExUnit.Assertions; import ExUnit.Callbacks\n"
      assert {{:ack, _, [_], []}, _} = Code.eval_string(names <> test)
    after
      :code.delete(Shipments)
      :code.purge(Shipments)
    end

    test "wrong options are refused where the pipeline is started" do
      for {opts, text} <- [
            {[producer: [slots: "x"]], "unknown option :slots"},
            {[producer: [unit: :row]], "invalid value for option :unit"},
            {[batchers: [a: [batch_size: 4_000], b: [batch_size: 3_001, concurrency: 2]]],
             "the batchers wait for 10002 messages"},
            {[batchers: [a: [batch_size: 11]], producer: [max_in_flight: 10]],
             "max_in_flight: 10 are delivered"},
            {[producer: [connection: 5]], "invalid value for option :connection"}
          ] do
        assert {:error, {%ArgumentError{message: message}, _}} = Pipeline.start(self(), "s", opts)
        assert message =~ text
      end

      module = {PgEtf.Producer, connection: [], slot: "s"}

      assert {:error, {%ArgumentError{message: message}, _}} =
               Broadway.start_link(Pipeline,
                 name: :two_producers,
                 producer: [module: module, concurrency: 2],
                 processors: [default: []]
               )

      assert message =~ "a slot has one reader"
    end

    test "telemetry tells decoding, positions and restarts" do
      events = [[:pg_etf, :decode, :stop], [:pg_etf, :flush], [:pg_etf, :restart]]
      test = self()

      :telemetry.attach_many(
        "test",
        events,
        fn event, measurements, metadata, _ -> send(test, {event, measurements, metadata}) end,
        nil
      )

      slot = FakeSlot.start([2])
      {:ok, pipeline} = Pipeline.start(self(), slot)
      assert_receive {[:pg_etf, :decode, :stop], %{events: 2, bytes: _, duration: _}, metadata}
      assert metadata == %{slot: slot, name: name(slot)}
      lsn = FakeSlot.end_lsn(1)
      assert_receive {[:pg_etf, :flush], %{lsn: ^lsn}, _}
      FakeSlot.kill(slot, :network)

      assert_receive {[:pg_etf, :restart], %{attempt: 1, delay: _},
                      %{error: %Error{class: :network}}}

      :telemetry.detach("test")
      Broadway.stop(pipeline)
    end
  end
end
