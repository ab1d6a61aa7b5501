defmodule PgEtf.FailureTest do
  # What a failed message does, of a producer.
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  import ExUnit.CaptureLog

  alias PgEtf.{FakeSlot, Producer, Session, Stage}
  alias PgEtf.Session.Health

  @moduletag :capture_log

  defp start(slot, opts \\ []) do
    Process.flag(:trap_exit, true)

    opts =
      Keyword.merge(
        [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2],
        opts
      )

    {:ok, stage} = Stage.start_link(Producer, opts)
    stage
  end

  defp ids(messages), do: Enum.map(messages, & &1.data.record["id"])

  defp ack(messages, failed \\ []), do: PgEtf.ack(messages, failed)

  defp configure(%{acknowledger: {module, ref, data}} = message, options) do
    {:ok, data} = module.configure(ref, data, options)
    %{message | acknowledger: {module, ref, data}}
  end

  test "a reason is not told at any length" do
    for reason <- [String.duplicate("ä", 1_000_000), <<255>>, {:error, "é" <> <<255>>}] do
      error = PgEtf.Failure.error(PgEtf.Failure.new(0, :retry, %{}, {:failed, reason}))
      assert byte_size(error.message) < 3_000
    end

    raised = {:error, %RuntimeError{message: String.duplicate("ä", 1_000_000)}, []}
    error = PgEtf.Failure.error(PgEtf.Failure.new(0, :retry, %{}, raised))
    assert byte_size(error.message) < 3_000
    assert String.valid?(error.message)
  end

  describe "a failed message" do
    test "is retried from the confirmed position by default" do
      slot = FakeSlot.start([1, 1, 1])
      stage = start(slot)
      [a, b, c] = Stage.take(stage, 3)
      ack([a, c], [b])
      eventually(fn -> FakeSlot.runs(slot) == 2 end)
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1)
      again = Stage.take(stage, 2)
      assert ids(again) == [1, 2]
      ack(again)
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
      assert FakeSlot.breaches(slot) == []
    end

    test "is acknowledged with on_failure: :ack" do
      slot = FakeSlot.start([1, 1])
      stage = start(slot, on_failure: :ack)
      [a, b] = Stage.take(stage, 2)
      ack([b], [a])
      eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
      assert FakeSlot.runs(slot) == 1
    end

    test "halts the stream with on_failure: :halt, until it is resumed" do
      slot = FakeSlot.start([1, 1, 1])
      stage = start(slot, on_failure: :halt)
      [a, b, c] = Stage.take(stage, 3)

      assert capture_log(fn ->
               ack([a], [b])
               eventually(fn -> Stage.info(stage).status == :halted end)
             end) =~ "halted until PgEtf.resume/1"

      ack([c])
      assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1)
      Stage.ask(stage, 2)
      Stage.settle(stage, slot)
      refute_received {Stage, _, _}
      assert :ok = PgEtf.resume(stage)
      assert [1, 2] = stage |> Stage.receive_messages(2, 1_000) |> ids()
    end

    test "can have its own way" do
      slot = FakeSlot.start([1, 1])
      stage = start(slot, on_failure: :retry)
      [a, b] = Stage.take(stage, 2)
      ack([b], [configure(a, on_failure: :ack)])
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
      stage = start(slot)
      [a, b, c] = Stage.take(stage, 3)
      ack([], [configure(a, on_failure: :ack), b, c])
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
      stage = start(slot, backoff_min: 20, backoff_max: 10_000)
      started = System.monotonic_time(:millisecond)

      for _ <- 1..4 do
        [message] = Stage.take(stage, 1)
        ack([], [message])
      end

      Stage.take(stage, 1)
      assert System.monotonic_time(:millisecond) - started >= 10 + 20 + 40 + 80
    end
  end
end
