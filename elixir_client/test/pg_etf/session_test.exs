defmodule PgEtf.SessionTest do
  # What one run of the program leaves to the next.
  use ExUnit.Case, async: true

  alias PgEtf.{FakeSlot, Producer, Stage}

  @moduletag :capture_log

  setup do
    Process.flag(:trap_exit, true)
    slot = FakeSlot.start([1])
    opts = [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2]
    {:ok, stage} = Stage.start_link(Producer, opts)
    %{slot: slot, stage: stage}
  end

  # The origin that the next run is told, after the program has said something.
  defp origin_after(slot, status, details) do
    FakeSlot.inject(slot, {:status, status, details})
    runs = FakeSlot.runs(slot)
    FakeSlot.kill(slot)
    await_run(slot, runs + 1)
    slot |> FakeSlot.settings() |> Map.take([:system_identifier, :timeline])
  end

  defp await_run(slot, run, attempts \\ 500) do
    cond do
      FakeSlot.runs(slot) >= run -> :ok
      attempts == 0 -> flunk("it was not started again")
      true -> Process.sleep(10) && await_run(slot, run, attempts - 1)
    end
  end

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
end
