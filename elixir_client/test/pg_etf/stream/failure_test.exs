defmodule PgEtf.FailureTest do
  # What a failed message does, of a producer.
  use PgEtf.StreamCase, async: true

  import ExUnit.CaptureLog

  alias PgEtf.{FakeSlot, LogTo, Stage}
  alias PgEtf.Stream.{Failure, Health, Session}

  defp configure(%{acknowledger: {module, ref, data}} = message, options) do
    {:ok, data} = module.configure(ref, data, options)
    %{message | acknowledger: {module, ref, data}}
  end

  test "a reason is not told at any length" do
    for reason <- [String.duplicate("ä", 1_000_000), <<255>>, {:error, "é" <> <<255>>}] do
      error = Failure.error(Failure.new(0, :retry, %{}, {:failed, reason}))
      assert byte_size(error.message) < 3_000
    end

    raised = {:error, %RuntimeError{message: String.duplicate("ä", 1_000_000)}, []}
    error = Failure.error(Failure.new(0, :retry, %{}, raised))
    assert byte_size(error.message) < 3_000
    assert String.valid?(error.message)
  end

  test "a large reason is not kept as long as the error" do
    rows = Enum.to_list(1..10_000)
    error = Failure.error(Failure.new(0, :retry, %{}, {:failed, rows}))

    assert error.details.reason ==
             "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, ...]"

    raised = {:error, %RuntimeError{message: String.duplicate("x", 1_000_000)}, []}
    assert {:error, text} = Failure.error(Failure.new(0, :retry, %{}, raised)).details.reason
    assert byte_size(text) < 1_000
    assert Failure.error(Failure.new(0, :retry, %{}, {:failed, :no})).details.reason == :no
  end

  test "what could not be put aside is told apart from what failed" do
    failure = %{Failure.new(0, :requeue, %{commit_lsn: 100}, {:failed, :poison}) | tries: 3}
    text = fn result -> Failure.error(Failure.not_put_aside(failure, result)).message end

    assert text.({:returned, :odd}) ==
             "message 0/64 failed 3 times; after_attempts failed, too: it returned :odd"

    assert text.({:error, %RuntimeError{message: "no disk"}, []}) ==
             "message 0/64 failed 3 times; after_attempts failed, too: ** (RuntimeError) no disk"
  end

  describe "a failed message" do
    test "is retried from the confirmed position by default" do
      slot = FakeSlot.start([1, 1, 1])
      stage = produce(slot)
      [a, b, c] = Stage.take(stage, 3)
      PgEtf.ack([a, c], [b])
      eventually(fn -> FakeSlot.runs(slot) == 2 end)
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1)
      again = Stage.take(stage, 2)
      assert ids(again) == [1, 2]
      PgEtf.ack(again)
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
      assert FakeSlot.breaches(slot) == []
    end

    test "that is handled at last is told of" do
      slot = FakeSlot.start([1, 1])
      LogTo.start()
      stage = produce(slot)
      [a, b] = Stage.take(stage, 2)
      PgEtf.ack([a], [Map.put(b, :status, {:failed, :no_sink})])
      LogTo.wait_for(~r/slot #{slot}.*:no_sink; retrying/)
      PgEtf.ack(Stage.take(stage, 1))
      LogTo.wait_for(~r/slot #{slot}.*the failed message has been handled, confirmed up to 0\/FA/)
    end

    test "is acknowledged with on_failure: :ack" do
      slot = FakeSlot.start([1, 1])
      stage = produce(slot, on_failure: :ack)
      [a, b] = Stage.take(stage, 2)
      PgEtf.ack([b], [a])
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
      assert FakeSlot.runs(slot) == 1
    end

    test "halts the stream with on_failure: :halt, until it is resumed" do
      slot = FakeSlot.start([1, 1, 1])
      stage = produce(slot, on_failure: :halt)
      [a, b, c] = Stage.take(stage, 3)

      assert capture_log(fn ->
               PgEtf.ack([a], [b])
               eventually(fn -> Stage.info(stage).status == :halted end)
             end) =~ "halted until PgEtf.resume/1"

      PgEtf.ack([c])
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1)
      Stage.ask(stage, 2)
      Stage.settle(stage, slot)
      refute_received {Stage, _, _}
      assert :ok = PgEtf.resume(stage)
      assert [1, 2] = stage |> Stage.receive_messages(2, 1_000) |> ids()
    end

    test "can have its own way" do
      slot = FakeSlot.start([1, 1])
      stage = produce(slot, on_failure: :retry)
      [a, b] = Stage.take(stage, 2)
      PgEtf.ack([b], [configure(a, on_failure: :ack)])
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)

      assert_raise ArgumentError, ~r/expected :on_failure to be one of/, fn ->
        configure(a, on_failure: :ignore)
      end

      assert_raise ArgumentError, ~r/where it is the producer's option/, fn ->
        configure(a, on_failure: :requeue)
      end

      assert_raise ArgumentError, ~r/unknown option :on_success/, fn ->
        configure(a, on_success: :ack)
      end
    end

    test "that is done all the same does not come again with those that are not" do
      slot = FakeSlot.start([1, 1, 1])
      stage = produce(slot)
      [a, b, c] = Stage.take(stage, 3)
      PgEtf.ack([], [configure(a, on_failure: :ack), b, c])
      eventually(fn -> FakeSlot.runs(slot) == 2 end)
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1)
      assert [1, 2] = stage |> Stage.take(2) |> ids()
    end

    test "that is not there any more makes nothing slow" do
      opts = PgEtf.Options.validate!(connection: [], slot: "s")
      error = %PgEtf.Error{class: :failure, message: "m"}
      moved_at = Health.now() - 5_000

      session = %{Session.new(opts) | status: :connected, error: error, attempts: 7}
      assert %{attempts: 0, error: nil} = Health.watch(%{session | moved_at: moved_at})
      assert %{attempts: 7} = Health.watch(%{session | status: :reconnecting})
      assert %{attempts: 7} = Health.watch(%{session | moved_at: Health.now()})
    end

    test "that fails for ever is retried ever more slowly" do
      slot = FakeSlot.start([1])
      stage = produce(slot, backoff_min: 20, backoff_max: 10_000)
      started = System.monotonic_time(:millisecond)

      for _ <- 1..4 do
        [message] = Stage.take(stage, 1)
        PgEtf.ack([], [message])
      end

      Stage.take(stage, 1)
      assert System.monotonic_time(:millisecond) - started >= 10 + 20 + 40 + 80
    end
  end
end
