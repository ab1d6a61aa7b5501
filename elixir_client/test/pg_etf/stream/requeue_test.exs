defmodule PgEtf.RequeueTest do
  # on_failure: :requeue, of a producer and of a consumer.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Consumer, FakeSlot, LogTo, Stage}

  defmodule Handler do
    @behaviour Consumer

    @impl true
    def handle_changes(changes, state) do
      ids = Enum.map(changes, & &1.record["id"])
      send(state.test, {:tried, ids})
      if state.fails?.(ids), do: raise("no sink"), else: {:ok, state}
    end
  end

  defp requeue(slot, more), do: produce(slot, [on_failure: :requeue] ++ more)

  defp consume(slot, fails?, more) do
    state = %{test: self(), fails?: fails?}
    opts = opts(slot, [on_failure: :requeue] ++ more)
    {:ok, consumer} = Consumer.start_link(Handler, state, opts)
    consumer
  end

  defp tried(count) do
    for _ <- 1..count//1 do
      assert_receive {:tried, ids}
      ids
    end
  end

  describe "a producer" do
    test "hands out the same message again, when it is asked for one, and goes on meanwhile" do
      slot = FakeSlot.start([1, 1, 1])
      stage = requeue(slot, [])
      [a, b] = Stage.take(stage, 2)
      # What processors make of a message is not what comes again.
      PgEtf.ack([], [%{a | data: :changed}])
      eventually(fn -> ready?(stage) end)
      refute_received {Stage, _, _}
      assert [again] = Stage.take(stage, 1)
      assert again.data == a.data
      assert [2] = stage |> Stage.take(1) |> ids()
      PgEtf.ack([b, again])
      eventually(fn -> done?(slot, 2) end)
      assert FakeSlot.runs(slot) == 1
      assert FakeSlot.breaches(slot) == []
    end

    test "needs no restart for 1 % failures of a large transaction" do
      slot = FakeSlot.start([1_000])
      stage = requeue(slot, backoff_min: 10, backoff_max: 100)
      :rand.seed(:exsss, 1)
      Stage.ask(stage, 1_100)
      eventually(fn -> ack_some(stage) && done?(slot, 1) end)
      assert FakeSlot.runs(slot) == 1
      assert Stage.info(stage).in_flight == 0
    end

    test "gives up after so many attempts and halts, naming the message" do
      LogTo.start()
      slot = FakeSlot.start([1])
      stage = requeue(slot, max_attempts: 3)

      for _ <- 1..3 do
        [message] = Stage.take(stage, 1)
        PgEtf.ack([], [Map.put(message, :status, {:failed, :no_sink})])
      end

      eventually(fn -> Stage.info(stage).status == :halted end)
      assert %{class: :failure, details: details} = Stage.info(stage).error
      assert %{commit_lsn: 100, index: 0, table: "t", reason: :no_sink} = details
      logged = LogTo.wait_for(~r/slot #{slot}.*halted/)
      assert logged =~ "message 0/64 index 0 of public.t failed 3 times: :no_sink"
      assert FakeSlot.confirmed(slot) == 0
    end

    test "or acknowledges it" do
      slot = FakeSlot.start([1])
      stage = requeue(slot, max_attempts: 2, after_attempts: :ack)

      for _ <- 1..2 do
        [message] = Stage.take(stage, 1)
        PgEtf.ack([], [message])
      end

      eventually(fn -> done?(slot, 1) end)
    end

    test "or puts it aside, and it is open until that has worked" do
      test = self()

      dead_letter = fn change, reason ->
        send(test, {:dead, change.record["id"], reason})

        case Process.put(:times, Process.get(:times, 0) + 1) do
          nil -> raise "no disk"
          1 -> {:error, :no_disk}
          _ -> :ok
        end
      end

      slot = FakeSlot.start([1])
      stage = requeue(slot, max_attempts: 1, after_attempts: dead_letter)

      for _ <- 1..3 do
        [message] = Stage.take(stage, 1)
        assert FakeSlot.confirmed(slot) == 0
        PgEtf.ack([], [Map.put(message, :status, {:failed, :poison})])
        assert_receive {:dead, 0, :poison}
      end

      eventually(fn -> done?(slot, 1) end)
    end

    test "drops what waits when the program dies: it comes anyway" do
      slot = FakeSlot.start([1, 1])
      stage = requeue(slot, backoff_min: 50, backoff_max: 50)
      [message] = Stage.take(stage, 1)
      PgEtf.ack([], [message])
      FakeSlot.kill(slot)
      messages = Stage.take(stage, 2)
      assert ids(messages) == [0, 1]
      PgEtf.ack(messages)
      eventually(fn -> done?(slot, 2) end)
      refute_receive {Stage, _, _}, 100
      assert FakeSlot.breaches(slot) == []
    end
  end

  # GenStage, and the harness of these tests, have the producer's state inside of theirs.
  defp ready?(stage), do: :sys.get_state(stage).state.session.requeue.ready != []

  # One message in a hundred fails.
  defp ack_some(stage) do
    receive do
      {Stage, ^stage, messages} ->
        {failed, done} = Enum.split_with(messages, fn _ -> :rand.uniform(100) == 1 end)
        PgEtf.ack(done, failed)
        Stage.ask(stage, length(failed))
        ack_some(stage)
    after
      0 -> true
    end
  end

  describe "a consumer" do
    test "calls again with the same, before anything else" do
      slot = FakeSlot.start(List.duplicate(1, 6))
      {:ok, left} = Agent.start_link(fn -> 3 end)

      fails? = fn ids ->
        2 in ids and Agent.get_and_update(left, &{&1 > 0, max(&1 - 1, 0)})
      end

      consume(slot, fails?, max_changes: 1)
      assert tried(9) == [[0], [1], [2], [2], [2], [2], [3], [4], [5]]
      eventually(fn -> done?(slot, 6) end)
      assert FakeSlot.runs(slot) == 1
    end

    test "keeps a batch together" do
      slot = FakeSlot.start([10])
      {:ok, left} = Agent.start_link(fn -> 2 end)
      fails? = fn ids -> 2 in ids and Agent.get_and_update(left, &{&1 > 0, max(&1 - 1, 0)}) end
      consume(slot, fails?, max_changes: 4)
      batches = tried(5)
      assert [first, first, first | _] = batches
      assert batches |> Enum.dedup() |> List.flatten() == Enum.to_list(0..9)
      eventually(fn -> done?(slot, 1) end)
    end

    test "answers while it waits" do
      slot = FakeSlot.start([1])
      consumer = consume(slot, fn _ -> true end, backoff_min: 60_000, backoff_max: 60_000)
      tried(1)
      FakeSlot.append(slot, [1])
      assert %{status: :connected, in_flight: 1} = PgEtf.info(consumer)
      {microseconds, :ok} = :timer.tc(fn -> GenServer.stop(consumer) end)
      assert microseconds < 2_000_000
      assert FakeSlot.confirmed(slot) == 0
    end

    test "gives up after so many attempts, and goes on with the next" do
      test = self()

      put_aside = fn change, reason ->
        send(test, {:dead, change.record["id"], reason})
        :ok
      end

      slot = FakeSlot.start([1, 1])
      opts = [max_changes: 1, max_attempts: 3, after_attempts: put_aside]
      consume(slot, &(0 in &1), opts)
      assert tried(4) == [[0], [0], [0], [1]]
      assert_receive {:dead, 0, {:error, %RuntimeError{message: "no sink"}}}
      eventually(fn -> done?(slot, 2) end)
    end
  end
end
