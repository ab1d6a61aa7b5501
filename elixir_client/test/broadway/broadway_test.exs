# The same producer under the real Broadway, where it is on the code path:
# `make check-broadway` says how.
if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.BroadwayTest do
    use ExUnit.Case, async: false

    import PgEtf.Eventually

    alias Broadway.Message
    alias PgEtf.{Error, FakeSlot}

    @moduletag :capture_log

    defmodule Pipeline do
      use Broadway

      def start(test, slot, opts \\ []) do
        {producer, opts} = Keyword.pop(opts, :producer, [])
        {processors, opts} = Keyword.pop(opts, :processors, concurrency: 2)

        producer =
          Keyword.merge(
            [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2],
            producer
          )

        Broadway.start_link(
          __MODULE__,
          Keyword.merge(
            [
              name: :"pipeline_#{slot}",
              producer: [module: {PgEtf.Producer, producer}, concurrency: 1],
              processors: [default: processors],
              context: test
            ],
            opts
          )
        )
      end

      @impl true
      def handle_message(_, message, test) do
        case test do
          %{handle: fun} ->
            fun.(message)

          test ->
            send(test, {:row, message.data.record["id"]})
            message
        end
      end

      @impl true
      def handle_batch(_, messages, _, test) do
        if is_pid(test), do: send(test, {:batch, Enum.map(messages, & &1.data.record["id"])})
        messages
      end
    end

    setup do
      Process.flag(:trap_exit, true)
      :ok
    end

    defp name(slot), do: :"pipeline_#{slot}"

    defp rows(count) do
      for _ <- 1..count//1 do
        assert_receive {:row, id}, 5_000
        id
      end
    end

    defp drained(rows \\ []) do
      receive do
        {:row, id} -> drained([id | rows])
      after
        0 -> Enum.reverse(rows)
      end
    end

    defp done?(slot, transactions), do: FakeSlot.confirmed(slot) == FakeSlot.end_lsn(transactions)

    test "every row arrives and the slot ends at the end" do
      slot = FakeSlot.start(List.duplicate(10, 100))
      {:ok, pipeline} = Pipeline.start(self(), slot)
      assert Enum.sort(rows(1000)) == Enum.to_list(0..999)
      eventually(fn -> done?(slot, 100) end)
      assert PgEtf.info(name(slot)).status == :connected
      Broadway.stop(pipeline)
      assert FakeSlot.breaches(slot) == []
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

    test "a processor that is killed costs no row" do
      slot = FakeSlot.start(List.duplicate(4, 100))
      test = self()

      handle = fn message ->
        Process.sleep(1)
        send(test, {:row, message.data.record["id"]})
        message
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot)

      # Broadway allows its processors three restarts in five seconds.
      for _ <- 1..2 do
        rows(40)
        killed = slot |> name() |> Broadway.topology() |> processor()
        Process.exit(killed, :kill)

        eventually(fn ->
          started = slot |> name() |> Broadway.topology() |> processor()
          started not in [killed, nil]
        end)
      end

      eventually(fn -> done?(slot, 100) end)
      Broadway.stop(pipeline)
      assert FakeSlot.runs(slot) >= 3
      assert FakeSlot.breaches(slot) == []
    end

    # The stages are watched from the first message on, and one that is only on its
    # way is no reason to start again.
    test "a processor that is killed by its first message costs no row" do
      for _ <- 1..10 do
        slot = FakeSlot.start(List.duplicate(4, 20))
        test = self()
        killed = :counters.new(1, [])

        handle = fn message ->
          if :counters.get(killed, 1) == 0 do
            :counters.add(killed, 1, 1)
            Process.exit(self(), :kill)
          end

          send(test, {:row, message.data.record["id"]})
          message
        end

        opts = [
          processors: [concurrency: 8],
          batchers: [default: [concurrency: 4, batch_timeout: 10]]
        ]

        {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot, opts)
        eventually(fn -> done?(slot, 20) end)
        assert Enum.sort(Enum.uniq(drained())) == Enum.to_list(0..79)
        assert FakeSlot.runs(slot) <= 3
        Broadway.stop(pipeline)
      end
    end

    test "after a killed processor all rows have come" do
      slot = FakeSlot.start(List.duplicate(3, 50))
      test = self()

      handle = fn message ->
        Process.sleep(1)
        send(test, {:row, message.data.record["id"]})
        message
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot)
      seen = rows(30)
      slot |> name() |> Broadway.topology() |> processor() |> Process.exit(:kill)
      eventually(fn -> done?(slot, 50) end)
      assert Enum.sort(Enum.uniq(seen ++ drained())) == Enum.to_list(0..149)
      Broadway.stop(pipeline)
    end

    test "a killed producer or program costs no row" do
      slot = FakeSlot.start(List.duplicate(3, 100))
      test = self()

      handle = fn message ->
        Process.sleep(1)
        send(test, {:row, message.data.record["id"]})
        message
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot)
      seen = rows(30)
      [producer] = slot |> name() |> Broadway.producer_names()
      producer |> Process.whereis() |> Process.exit(:kill)
      seen = seen ++ rows(30)
      FakeSlot.kill(slot)
      eventually(fn -> done?(slot, 100) end)
      assert Enum.sort(Enum.uniq(seen ++ drained())) == Enum.to_list(0..299)
      Broadway.stop(pipeline)
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

    # Each row meets a misfortune of its own, the first time it comes.
    test "handlers that raise, throw, exit, hang or are killed cost no row" do
      slot = FakeSlot.start(List.duplicate(5, 40))
      test = self()
      met = :ets.new(:met, [:public, :set])

      handle = fn message ->
        id = message.data.record["id"]

        if :ets.insert_new(met, {id}) do
          case rem(id, 23) do
            3 -> raise "no"
            5 -> throw(:no)
            7 -> exit(:no)
            11 -> Process.sleep(50)
            13 -> if id < 30, do: Process.exit(self(), :kill)
            17 -> raise ErlangError, original: {:no, self()}
            _ -> :ok
          end
        end

        send(test, {:row, id})
        if rem(id, 23) == 19, do: Message.failed(message, "no") |> skip(), else: message
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot, processors: [concurrency: 4])
      eventually(fn -> done?(slot, 40) end, 30_000)
      assert Enum.sort(Enum.uniq(drained())) == Enum.to_list(0..199)
      Broadway.stop(pipeline)
      assert FakeSlot.breaches(slot) == []
    end

    defp skip(message), do: Message.configure_ack(message, on_failure: :ack)

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
             "max_in_flight: 10 are handed out"},
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

    defp processor(topology) do
      [%{name: name}] = topology[:processors]
      Process.whereis(:"#{name}_0")
    end
  end
end
