defmodule PgEtf.SessionTest do
  # What one run of the program leaves to the next.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Stage}

  setup do
    slot = FakeSlot.start([1])
    %{slot: slot, stage: produce(slot)}
  end

  # The origin that the next run is told, after the program has said something.
  defp origin_after(slot, status, details) do
    FakeSlot.inject(slot, {:status, status, details})
    runs = FakeSlot.runs(slot)
    FakeSlot.kill(slot)
    await_run(slot, runs + 1)
    slot |> FakeSlot.settings() |> Map.take([:system_identifier, :timeline])
  end

  defp await_run(slot, run), do: eventually(fn -> FakeSlot.runs(slot) >= run end)

  test "the next run is told of which cluster and timeline positions are", %{slot: slot} do
    server = %{system_identifier: "7001", timeline: 3, in_recovery: false}
    assert origin_after(slot, :connected, %{}) == %{}

    assert origin_after(slot, :connected, server) == %{system_identifier: "7001", timeline: 3}

    # It is remembered whatever else is said, until another is told.
    assert origin_after(slot, :disconnected, %{reason: :network}) ==
             %{system_identifier: "7001", timeline: 3}

    assert origin_after(slot, :connected, %{server | timeline: 4}) ==
             %{system_identifier: "7001", timeline: 4}
  end

  test "of a standby the timeline is not told, since it may be promoted", %{slot: slot} do
    standby = %{system_identifier: "7001", timeline: 3, in_recovery: true}
    assert origin_after(slot, :connected, standby) == %{system_identifier: "7001"}

    assert origin_after(slot, :connected, %{standby | in_recovery: false}) ==
             %{system_identifier: "7001", timeline: 3}

    assert origin_after(slot, :connected, standby) == %{system_identifier: "7001"}
  end

  test "a halt forgets neither", %{slot: slot, stage: stage} do
    FakeSlot.inject(
      slot,
      {:status, :connected, %{system_identifier: "7001", timeline: 3, in_recovery: false}}
    )

    [message] = Stage.take(stage, 1)
    {module, ref, data} = message.acknowledger
    {:ok, data} = module.configure(ref, data, on_failure: :halt)
    PgEtf.ack([], [%{message | acknowledger: {module, ref, data}}])
    assert Stage.info(stage).status == :halted
    PgEtf.resume(stage)
    await_run(slot, 2)
    assert %{system_identifier: "7001", timeline: 3} = FakeSlot.settings(slot)
  end

  describe "a function that returns the connection" do
    setup %{slot: slot} do
      test = self()

      asked = fn ->
        send(test, :asked)
        []
      end

      other = FakeSlot.start([1])
      stage = produce(other, connection: asked)
      await_run(other, 1)
      assert_received :asked
      %{fixed: slot, slot: other, asking: stage}
    end

    defp reconnecting(slot, failures) do
      details = %{class: :network, message: "m", hint: "", sqlstate: "", failures: failures}
      FakeSlot.inject(slot, {:status, :reconnecting, Map.put(details, :delay, 1)})
    end

    test "is asked again when the password is refused, for a while", context do
      %{slot: slot, asking: stage} = context
      refused = {:fatal, :auth, %{message: "no", hint: "", sqlstate: "28P01"}}
      FakeSlot.inject(slot, refused)
      await_run(slot, 2)
      assert_received :asked
      Stage.settle(stage, slot)
      # The last one in a row, before anything has worked.
      :sys.replace_state(stage, &put_attempts(&1, 6))
      FakeSlot.inject(slot, refused)
      assert %{status: :halted} = Stage.info(stage)
      assert FakeSlot.runs(slot) == 2
      # By hand, or after a while, it is asked again.
      PgEtf.resume(stage)
      await_run(slot, 3)
      assert_received :asked
    end

    # GenStage, and the harness of these tests, have the producer's state inside of theirs.
    defp put_attempts(%{state: %{session: _}} = outer, attempts) do
      put_in(outer.state.session.attempts, attempts)
    end

    test "is asked again when the server is not found, not at each blip", context do
      %{slot: slot, fixed: fixed, stage: stage, asking: asking} = context
      for failures <- 1..2, do: reconnecting(slot, failures)
      assert %{status: :reconnecting} = Stage.info(asking)
      assert FakeSlot.runs(slot) == 1
      refute_received :asked
      reconnecting(slot, 3)
      await_run(slot, 2)
      assert_received :asked

      # A connection that was given as a value is what it was.
      for failures <- 1..9, do: reconnecting(fixed, failures)
      assert %{status: :reconnecting} = Stage.info(stage)
      FakeSlot.inject(fixed, {:fatal, :auth, %{message: "no", hint: "", sqlstate: "28P01"}})
      assert %{status: :halted} = Stage.info(stage)
      assert FakeSlot.runs(fixed) == 1
    end
  end
end
